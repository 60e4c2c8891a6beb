// One participant on the vendor's SDK, driven from outside through `kit`. Everything that happens is kept in `kit.events`.
window.kit = (() => {
  const Video = Twilio.Video;
  const events = [];
  const local = {};
  const messages = [];
  let room;

  const note = (name, detail = {}) => events.push({ name, at: Date.now(), ...detail });
  const failure = (error) => ({ code: error?.code, kind: error?.name, message: error?.message });

  const roomEvents = ['reconnecting', 'reconnected', 'disconnected', 'recordingStarted', 'recordingStopped'];
  const participantEvents = ['participantConnected', 'participantDisconnected', 'participantReconnecting', 'participantReconnected'];
  const publicationEvents = ['trackPublished', 'trackUnpublished', 'trackEnabled', 'trackDisabled'];

  function listen() {
    for (const name of roomEvents) {
      room.on(name, (first, second) => note(name, { error: failure(second ?? (first instanceof Error ? first : undefined)) }));
    }
    for (const name of participantEvents) room.on(name, (participant) => note(name, { who: participant.identity, sid: participant.sid }));
    for (const name of publicationEvents) room.on(name, (publication, participant) => note(name, { who: participant.identity, kind: publication.kind, track: publication.trackSid }));
    room.on('trackSubscribed', (track, _publication, participant) => sense(track, participant));
    room.on('trackUnsubscribed', (track, _publication, participant) => unsense(track, participant));
    room.on('trackSwitchedOff', (_track, publication, participant) => note('trackSwitchedOff', { who: participant.identity, track: publication.trackSid }));
    room.on('trackSwitchedOn', (_track, publication, participant) => note('trackSwitchedOn', { who: participant.identity, track: publication.trackSid }));
    room.on('dominantSpeakerChanged', (participant) => note('dominantSpeakerChanged', { who: participant?.identity ?? null }));
    room.localParticipant.on('networkQualityLevelChanged', (level) => note('networkQuality', { who: room.localParticipant.identity, level }));
    room.on('networkQualityLevelChanged', (level, participant) => note('networkQuality', { who: participant.identity, level }));
    room.on('trackMessage', (data, track, participant) => messages.push({ who: participant.identity, track: track.sid, ...readable(data) }));
    room.on('trackWarning', (word, publication) => note('trackWarning', { kind: word, track: publication.trackSid }));
    room.on('trackWarningsCleared', (publication) => note('trackWarningsCleared', { track: publication.trackSid }));
    room.participants.forEach((participant) => note('present', { who: participant.identity, sid: participant.sid }));
  }

  function sense(track, participant) {
    note('trackSubscribed', { who: participant.identity, kind: track.kind, track: track.sid });
    if (track.kind === 'video') senses.watch(track.sid, track.mediaStreamTrack);
    if (track.kind === 'audio') senses.hear(track.sid, track.mediaStreamTrack);
  }

  function unsense(track, participant) {
    note('trackUnsubscribed', { who: participant.identity, kind: track.kind, track: track.sid });
    senses.unwatch(track.sid);
    senses.unhear(track.sid);
  }

  // Of a long message its length and a sum are kept.
  function readable(data) {
    if (typeof data === 'string') return data.length > 1000 ? { text: data.slice(0, 20), length: data.length } : { text: data };
    const bytes = new Uint8Array(data);
    return bytes.length > 1000 ? { length: bytes.length, sum: sum(bytes) } : { bytes: [...bytes] };
  }

  const sum = (bytes) => bytes.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);

  async function camera(index = 0) {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === 'videoinput');
    const chosen = devices[index]?.deviceId ? { deviceId: { exact: devices[index].deviceId } } : {};
    return Video.createLocalVideoTrack({ width: 320, height: 240, frameRate: 15, name: `camera-${index}-${events.length}`, ...chosen });
  }

  const makers = {
    audio: () => Video.createLocalAudioTrack(),
    video: (index) => camera(index),
    data: (options) => new Video.LocalDataTrack(options),
    drawn: (options) => new Video.LocalVideoTrack(easel.draw(options), { name: `drawn-${events.length}-${Math.random()}` }),
    clock: (options) => new Video.LocalVideoTrack(metronome.picture(options), { name: 'clock' }),
    beeps: () => new Video.LocalAudioTrack(metronome.sound(), { name: 'beeps' }),
    tone: () => new Video.LocalAudioTrack(whistle.track(), { name: 'tone' }),
  };

  // A track is known here by its kind, or, as [name, maker, argument], by a name of its own.
  async function make(kinds, argument) {
    const made = [];
    for (const kind of kinds) {
      const [name, maker, own] = Array.isArray(kind) ? kind : [kind, kind, argument];
      made.push((local[name] = await makers[maker](own)));
    }
    return made;
  }

  const remote = (identity) => [...(room?.participants.values() ?? [])].find((participant) => participant.identity === identity);
  // A camera that was changed leaves its old publication behind for a moment: the newest counts.
  const publication = (identity, kind) => [...(remote(identity)?.tracks.values() ?? [])].filter((one) => one.kind === kind).at(-1);

  return {
    events,
    version: () => Video.version,
    isSupported: () => Video.isSupported,
    // Joins with tracks of these kinds. Resolves with who and where one is, or with the refusal.
    async join(token, kinds, options) {
      try {
        const tracks = await make(kinds);
        note('connect');
        room = await Video.connect(token, { tracks, ...options });
        listen();
        return { room: { sid: room.sid, name: room.name, identity: room.localParticipant.identity, me: room.localParticipant.sid } };
      } catch (error) {
        return { error: failure(error) };
      }
    },
    leave() {
      room.disconnect();
      Object.values(local).forEach((track) => track.stop?.());
    },
    state: () => room?.state ?? null,
    isRecording: () => room?.isRecording ?? null,
    people: () => [...(room?.participants.values() ?? [])].map((participant) => participant.identity).sort(),
    published: () => [...room.localParticipant.tracks.values()].map((one) => ({ kind: one.kind, sid: one.trackSid })),
    // The state of somebody's newest track of a kind, or null where there is none.
    track(identity, kind) {
      const found = publication(identity, kind);
      return found ? { sid: found.trackSid, enabled: found.isTrackEnabled, subscribed: found.isSubscribed } : null;
    },
    picture: (identity) => senses.picture(publication(identity, 'video')?.trackSid),
    resetGap: (identity) => senses.resetGap(publication(identity, 'video')?.trackSid),
    loudness: (identity, window) => senses.loudness(publication(identity, 'audio')?.trackSid, window),
    enable: (kind, on) => void (on ? local[kind].enable() : local[kind].disable()),
    unpublish(kind) {
      room.localParticipant.unpublishTrack(local[kind]);
      local[kind].stop?.();
    },
    async publish(kind, argument) {
      const [track] = await make([kind], argument);
      return (await room.localParticipant.publishTrack(track)).trackSid;
    },
    // What has been seen so far of every picture that is received: who, and frames, looks, colour, size.
    pictures: () =>
      [...room.participants.values()].flatMap((participant) =>
        [...participant.tracks.values()].map((one) => ({ who: participant.identity, sid: one.trackSid, ...senses.picture(one.trackSid) })).filter((one) => one.frames),
      ),
    pictureOf: (sid) => senses.picture(sid),
    // One word of the SDK's to a remote picture: switchOn, switchOff, setContentPreferences, setPriority.
    tell(sid, word, ...args) {
      const publication = [...room.participants.values()].map((participant) => participant.tracks.get(sid)).find(Boolean);
      publication.track[word](...args);
    },
    switchedOff: (sid) => [...room.participants.values()].map((participant) => participant.tracks.get(sid)).find(Boolean)?.track?.isSwitchedOff ?? null,
    speaker: () => room.dominantSpeaker?.identity ?? null,
    whistle: (on) => whistle.sound(on),
    quality: (identity) => (identity ? remote(identity) : room.localParticipant).networkQualityLevel ?? null,
    qualityStats: (identity) => (identity ? remote(identity) : room.localParticipant).networkQualityStats ?? null,
    // Figures of the video that is sent, one entry for each layer.
    async layers() {
      const peers = window.peers.filter((peer) => peer.connectionState === 'connected');
      const reports = await Promise.all(peers.map(async (peer) => [...(await peer.getStats()).values()]));
      const all = reports.flat();
      const codec = (id) => all.find((one) => one.id === id)?.mimeType ?? null;
      return all
        .filter((one) => one.type === 'outbound-rtp' && one.kind === 'video')
        .map((one) => ({ ssrc: one.ssrc, width: one.frameWidth ?? 0, frames: one.framesSent ?? 0, active: one.active ?? true, codec: codec(one.codecId) }));
    },
    // All that can be said of a page whose test failed.
    async report() {
      const numbers = async (peer) => {
        const all = [...(await peer.getStats()).values()];
        return { state: peer.connectionState, signaling: peer.signalingState, stats: all.filter((one) => /^(inbound-rtp|outbound-rtp|candidate-pair|data-channel|transport)$/.test(one.type)) };
      };
      return { events, arrivals: window.arrivals, pictures: room ? this.pictures() : [], peers: await Promise.all(window.peers.map(numbers)) };
    },
    camera: () => local.video.mediaStreamTrack.getSettings().deviceId,
    send: (data, name = 'data') => void local[name].send(Array.isArray(data) ? new Uint8Array(data).buffer : data),
    // As many bytes as asked for; returns what their sum is.
    sendMany(length, name = 'data') {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 7) % 251);
      local[name].send(bytes.buffer);
      return sum(bytes);
    },
    manner(identity) {
      const { ordered, maxRetransmits, maxPacketLifeTime, reliable } = publication(identity, 'data')?.track ?? {};
      return { ordered, maxRetransmits, maxPacketLifeTime, reliable };
    },
    messages: () => messages,
    async connections() {
      const reports = await room.getStats();
      return reports.map((report) => report.peerConnectionId);
    },
  };
})();
