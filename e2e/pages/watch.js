// Keeps the page's connections, for figures, and which track came when in which section. A Proxy, not a subclass: the SDK compares constructors.
window.peers = [];
window.arrivals = [];
window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
  construct(target, args, newTarget) {
    const peer = Reflect.construct(target, args, newTarget);
    window.peers.push(peer);
    peer.addEventListener('track', ({ track, transceiver }) => window.arrivals.push({ at: Date.now(), peer: window.peers.indexOf(peer), mid: transceiver.mid, kind: track.kind }));
    return peer;
  },
});
