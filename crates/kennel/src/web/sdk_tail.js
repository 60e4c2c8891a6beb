
/* Kennel: the file above is twilio-video as published; its licence is at its top and in LICENSE.md beside it.
   What follows makes connect() and runPreflight() speak to the server that this script came from, unless the app names another. */
(function () {
  'use strict';
  var note = KENNEL_NOTE;
  if (note && window.console) console.info(note);
  var script = document.currentScript;
  var video = window.Twilio && window.Twilio.Video;
  if (!script || !video) {
    if (window.console) console.warn('Kennel: twilio-video did not set Twilio.Video, so it is not redirected.');
    return;
  }
  var origin = new URL(script.src, document.baseURI);
  var server = (origin.protocol === 'http:' ? 'ws://' : 'wss://') + origin.host;
  function redirect(name) {
    var original = video[name];
    if (typeof original !== 'function') return;
    video[name] = function (token, options) {
      var chosen = Object.assign({}, options);
      if (chosen.wsServer === undefined) chosen.wsServer = server + '/signaling';
      if (chosen.wsServerInsights === undefined) chosen.wsServerInsights = server + '/v1/VideoEvents';
      return original.call(this, token, chosen);
    };
  }
  redirect('connect');
  redirect('runPreflight');
})();
