// One participant on the vendor's SDK, driven from outside through `kit`. Everything that happens is kept in `kit.events`.
window.kit = (() => {
  const Video = Twilio.Video;
  const events = [];
  const local = {};
  const messages = [];
  let room;

  const note = (name, detail = {}) => events.push({ name, at: Date.now(), ...detail });
  const failure = (error) => ({ code: error?.code, kind: error?.name, message: error?.message });

  const roomEvents = ['reconnecting', 'reconnected', 'disconnected'];
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
    room.on('trackMessage', (data, track, participant) => messages.push({ who: participant.identity, track: track.sid, ...readable(data) }));
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

  const readable = (data) => (typeof data === 'string' ? { text: data } : { bytes: [...new Uint8Array(data)] });

  async function camera(index = 0) {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === 'videoinput');
    const chosen = devices[index]?.deviceId ? { deviceId: { exact: devices[index].deviceId } } : {};
    return Video.createLocalVideoTrack({ width: 320, height: 240, frameRate: 15, name: `camera-${index}-${events.length}`, ...chosen });
  }

  const makers = {
    audio: () => Video.createLocalAudioTrack(),
    video: (index) => camera(index),
    data: () => new Video.LocalDataTrack(),
  };

  async function make(kinds, index) {
    for (const kind of kinds) local[kind] = await makers[kind](index);
    return kinds.map((kind) => local[kind]);
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
    async publish(kind, index) {
      await make([kind], index);
      return (await room.localParticipant.publishTrack(local[kind])).trackSid;
    },
    camera: () => local.video.mediaStreamTrack.getSettings().deviceId,
    send: (data) => void local.data.send(Array.isArray(data) ? new Uint8Array(data).buffer : data),
    messages: () => messages,
    async connections() {
      const reports = await room.getStats();
      return reports.map((report) => report.peerConnectionId);
    },
  };
})();
