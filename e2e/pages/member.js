// One member of a mixed room on the vendor's SDK, driven from outside through `kit`. Its camera is one flat colour, its microphone one
// steady tone; or both are a metronome. Everything that happens is kept in `kit.events`.
window.kit = (() => {
  const events = [];
  let session;
  let recording;
  let playback;
  let children = {};
  let me = { colour: 0, tone: 0 };
  let eye;
  let ear;
  let camera;

  const note = (name, detail) => events.push({ name, at: Date.now(), detail: plain(detail) });

  // Objects of the SDK have methods and proxies in them: what an app can read of them is what counts.
  function plain(value) {
    try {
      return JSON.parse(JSON.stringify(value ?? null));
    } catch {
      return null;
    }
  }

  // The SDK asks for devices by itself; what it gets is ours. Firefox says its local addresses only to pages that use a device really.
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let used;
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (me.devices) return real(wish);
    if (/firefox/i.test(navigator.userAgent)) used ??= await real({ audio: true, video: true });
    const tracks = [];
    if (wish.audio) tracks.push(me.clock ? metronome.sound() : tone(me.tone));
    if (wish.video && me.clock) tracks.push(metronome.picture({ width: 640, height: 360, rate: 30 }));
    else if (wish.video) tracks.push((camera = easel.draw({ colour: me.colour, width: me.width ?? 640, height: me.height ?? 360, rate: 15 })));
    return new MediaStream(tracks);
  };
  navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([easel.draw({ colour: 7, width: 640, height: 400, rate: 5 })]);

  let context;
  function sounds() {
    context ??= new AudioContext({ sampleRate: 48000 });
    context.resume().catch(() => {});
    return context;
  }

  function tone(frequency) {
    const graph = sounds();
    const source = new OscillatorNode(graph, { frequency: frequency || 440 });
    const volume = new GainNode(graph, { gain: frequency ? 0.3 : 0 });
    const end = graph.createMediaStreamDestination();
    source.connect(volume).connect(end);
    source.start();
    return end.stream.getAudioTracks()[0];
  }

  const names = [
    'room.started', 'room.joined', 'room.subscribed', 'room.updated', 'room.ended', 'room.left', 'room.audienceCount', 'member.joined', 'member.left',
    'member.updated', 'member.updated.audio_muted', 'member.updated.video_muted', 'member.updated.visible', 'member.updated.deaf',
    'member.updated.input_volume', 'member.updated.output_volume', 'member.updated.handraised', 'member.updated.meta', 'member.talking',
    'memberList.updated', 'member.promoted', 'member.demoted', 'layout.changed', 'destroy', 'media.connected', 'media.disconnected',
    'media.reconnecting', 'hangup',
  ];

  // What the SDK's object of a recording says.
  const described = (one) => ({ id: one.id, state: one.state, started: one.startedAt?.getTime(), ended: one.endedAt?.getTime(), duration: one.duration });

  // What the SDK's object of a file that is played says.
  const played = (one) => ({ id: one.id, state: one.state, url: one.url, volume: one.volume, position: one.position, seekable: one.seekable, started: one.startedAt?.getTime(), room: one.roomSessionId });

  const failure = (error) => ({ error: { code: error?.code, message: error?.message ?? String(error) } });

  async function attempt(work) {
    try {
      return { result: plain(await work()) };
    } catch (error) {
      return failure(error);
    }
  }

  // `how`: session (RoomSession) or object (createRoomObject). `devices`: the browser's own fake ones. `clock`: time to be seen and heard.
  async function join({ token, host, how = 'session', devices = false, clock = false, colour = 0, tone = 0, width, height, audio = true, video = true, listen = names, options = {} }) {
    me = { colour, tone, width, height, devices, clock };
    const root = document.getElementById('root');
    try {
      if (how === 'object') {
        session = await SignalWire.Video.createRoomObject({ token, host, rootElementId: 'root', audio, video, autoJoin: false, ...options });
      } else {
        session = new SignalWire.Video.RoomSession({ token, host, rootElement: root, audio, video, ...options });
      }
      for (const name of listen) session.on(name, (detail) => note(name, detail));
      for (const name of ['recording.started', 'recording.updated', 'recording.ended']) session.on(name, (one) => note(name, described(one)));
      for (const name of ['playback.started', 'playback.updated', 'playback.ended']) session.on(name, (one) => note(name, played(one)));
      session.on('track', (event) => {
        note('track', { kind: event.track.kind });
        if (event.track.kind === 'video') watch(event.track);
        if (event.track.kind === 'audio') hear(event.track);
      });
      await session.join();
      return { me: session.memberId, room: session.roomId, session: session.roomSessionId, permissions: plain(session.permissions) };
    } catch (error) {
      return failure(error);
    }
  }

  // A second look at the track, apart from the SDK's own element: with the size that the server sends.
  function watch(track) {
    const video = document.createElement('video');
    Object.assign(video, { muted: true, autoplay: true, playsInline: true, width: 64, height: 36, srcObject: new MediaStream([track]) });
    document.body.append(video);
    video.play().catch(() => {});
    const canvas = document.createElement('canvas');
    const own = { video, canvas, brush: canvas.getContext('2d', { willReadFrequently: true }), frames: 0, first: null };
    eye = own;
    const seen = () => {
      own.frames += 1;
      own.first ??= Date.now();
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  function hear(track) {
    const graph = sounds();
    const stream = new MediaStream([track]);
    const element = document.createElement('audio');
    Object.assign(element, { muted: true, autoplay: true, srcObject: stream });
    element.play().catch(() => {});
    const analyser = new AnalyserNode(graph, { fftSize: 16384, smoothingTimeConstant: 0 });
    graph.createMediaStreamSource(stream).connect(analyser);
    ear = { analyser, element };
  }

  return {
    events,
    join,
    // One method of the session with its arguments.
    ask: (name, ...args) => attempt(() => session[name](...args)),
    record: () => attempt(async () => described((recording = await session.startRecording()))),
    // One method of the recording that was started last.
    recording: (name) =>
      attempt(async () => {
        await recording[name]();
        return described(recording);
      }),
    recordings: () => attempt(async () => (await session.getRecordings()).recordings.map(described)),
    play: (options) => attempt(async () => played((playback = await session.play(options)))),
    // One method of the file that was played last.
    playback: (name, ...args) => attempt(() => playback[name](...args)),
    playbacks: () => attempt(async () => (await session.getPlaybacks()).playbacks.map(played)),
    async share(options) {
      return attempt(async () => {
        children.screen = await session.startScreenShare(options ?? { video: true, audio: false });
        return { member: children.screen.memberId };
      });
    },
    unshare: () => attempt(() => children.screen.hangup()),
    member: () => session?.memberId ?? null,
    // The camera has another colour from now on.
    turn(colour) {
      me.colour = colour;
      camera.turn(colour);
    },
    // The size of the mix, and the colour of each of these places in it, in percent: [r, g, b].
    look(places) {
      if (!eye || !eye.video.videoWidth) return null;
      const { video, canvas, brush } = eye;
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      brush.drawImage(video, 0, 0);
      const colours = places.map(([x, y]) => [...brush.getImageData(Math.min(canvas.width - 1, (x / 100) * canvas.width), Math.min(canvas.height - 1, (y / 100) * canvas.height), 1, 1).data.slice(0, 3)]);
      return { width: canvas.width, height: canvas.height, frames: eye.frames, first: eye.first, colours };
    },
    // The level of each of these tones, in dB.
    tones(frequencies) {
      if (!ear) return null;
      const { analyser } = ear;
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const width = context.sampleRate / analyser.fftSize;
      return frequencies.map((frequency) => Math.max(...bins.slice(Math.round(frequency / width) - 2, Math.round(frequency / width) + 3)));
    },
    // Packets so far: of both kinds, sent and received. What is not there is 0.
    async packets() {
      const count = { audio: { sent: 0, received: 0 }, video: { sent: 0, received: 0 } };
      for (const one of (await session.peer.instance.getStats()).values()) {
        if (one.type === 'outbound-rtp') count[one.kind].sent += one.packetsSent;
        if (one.type === 'inbound-rtp') count[one.kind].received += one.packetsReceived;
      }
      return count;
    },
    report: () => ({ events, member: session?.memberId ?? null }),
  };
})();
