/* Kennel's shim for apps that bundle twilio-video. Load it before the app, from the server that shall be used:
     <script src="https://kennel.example/sdk/kennel-websocket-shim.js"></script>
   or name the server: data-server="https://kennel.example". Only the SDK's own hosts are redirected. */
(function () {
  'use strict';
  var script = document.currentScript;
  var named = script && script.getAttribute('data-server');
  var origin = new URL(named || script.src, document.baseURI);
  var secure = origin.protocol === 'https:' || origin.protocol === 'wss:';
  var hosts = [
    /^[^.]+\.vss\.twilio\.com$/, // signaling
    /^[^.]+\.vss\.[^.]+\.twilio\.com$/, // signaling of another environment
    /^sdkgw\.[^.]+\.twilio\.com$/, // telemetry
  ];

  function redirected(address) {
    var url;
    try {
      url = new URL(address, document.baseURI);
    } catch (error) {
      return address; // WebSocket itself says what is wrong with it
    }
    var known = hosts.some(function (host) {
      return host.test(url.hostname);
    });
    return known ? (secure ? 'wss://' : 'ws://') + origin.host + url.pathname + url.search : address;
  }

  // A proxy rather than a subclass: `instanceof`, constants and later changes of the original stay as they are.
  var Shim = new Proxy(window.WebSocket, {
    construct: function (target, args, newTarget) {
      var changed = args.length ? [redirected(args[0])].concat(Array.prototype.slice.call(args, 1)) : args;
      return Reflect.construct(target, changed, newTarget === Shim ? target : newTarget);
    },
  });
  window.WebSocket = Shim;
})();
