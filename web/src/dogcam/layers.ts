/**
 * Several sizes at once in a room that moves to the server. The SDK decides once, as it joins, whether its connections carry several
 * sizes, and keeps that with the codecs it prefers: a camera that came while devices sent to each other would send one for the rest of
 * its stay. Here every connection made later asks whether the server wants sizes by then. Connections that exist are left alone.
 */

/** The parts of the package that nobody promises to keep; where they are missing everything stays as it is. */
export interface Inside {
  _signaling?: {
    _peerConnectionManager?: { _preferredCodecs?: { video: object[] } };
    _publisherHintsSignaling?: { isSetup: boolean };
  };
}

/** To be called once the room is joined. */
export function sendLayersOnceServed({ _signaling: inside }: Inside): void {
  const codecs = inside?._peerConnectionManager?._preferredCodecs;
  const hints = inside?._publisherHintsSignaling;
  if (!codecs || !hints || hints.isSetup) return;
  // A connection that replaces a broken one is made before the server's word is there again.
  let served = false;
  const adaptiveSimulcast = { enumerable: true, get: () => (served ||= hints.isSetup), set: () => {} };
  codecs.video = codecs.video.map((codec) => Object.defineProperty({ ...codec }, 'adaptiveSimulcast', adaptiveSimulcast));
}
