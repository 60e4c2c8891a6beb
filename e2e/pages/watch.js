// Keeps the page's connections for figures. A Proxy, not a subclass: the SDK compares constructors.
window.peers = [];
window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
  construct(target, args, newTarget) {
    const peer = Reflect.construct(target, args, newTarget);
    window.peers.push(peer);
    return peer;
  },
});
