// Eyes and ears for a page: whether a video track moves, and how loud an audio track is.
window.senses = (() => {
  const eyes = new Map();
  const ears = new Map();
  let context;

  // Small, as a browser without a graphics card pays for every pixel shown. Counts frames as they are shown and remembers what they looked like, so that a still that repeats does not pass for motion.
  function watch(id, track) {
    const video = document.createElement('video');
    Object.assign(video, { muted: true, autoplay: true, playsInline: true, width: 40, height: 30, srcObject: new MediaStream([track]) });
    document.getElementById('stage').append(video);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 24;
    const brush = canvas.getContext('2d', { willReadFrequently: true });
    const eye = { video, frames: 0, looks: 0, look: 0, lastLook: 0, last: performance.now(), longestGap: 0, width: 0, height: 0, colour: [0, 0, 0] };
    eyes.set(id, eye);
    video.play().catch(() => {});
    const seen = (now) => {
      if (eyes.get(id) !== eye) return;
      eye.frames += 1;
      eye.first ??= Date.now();
      eye.longestGap = Math.max(eye.longestGap, now - eye.last);
      eye.last = now;
      eye.width = video.videoWidth;
      eye.height = video.videoHeight;
      if (now - eye.lastLook > 100) {
        eye.lastLook = now;
        brush.drawImage(video, 0, 0, 24, 24);
        const look = hash(brush.getImageData(0, 0, 24, 24).data);
        eye.colour = [...brush.getImageData(12, 8, 1, 1).data.slice(0, 3)];
        if (look !== eye.look) eye.looks += 1;
        eye.look = look;
      }
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  function hash(bytes) {
    let value = 2166136261;
    for (const byte of bytes) value = Math.imul(value ^ byte, 16777619) >>> 0;
    return value;
  }

  function unwatch(id) {
    eyes.get(id)?.video.remove();
    eyes.delete(id);
  }

  // Chromium feeds a remote track to the graph only while an element plays it too.
  function hear(id, track) {
    context ??= new AudioContext();
    context.resume().catch(() => {});
    const stream = new MediaStream([track]);
    const element = document.createElement('audio');
    Object.assign(element, { muted: true, autoplay: true, srcObject: stream });
    element.play().catch(() => {});
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    const source = context.createMediaStreamSource(stream);
    source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const levels = [];
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      levels.push({ at: performance.now(), level: Math.hypot(...samples) / Math.sqrt(samples.length) });
      if (levels.length > 400) levels.splice(0, 200);
    }, 40);
    ears.set(id, { element, source, timer, levels });
  }

  function unhear(id) {
    const ear = ears.get(id);
    if (!ear) return;
    clearInterval(ear.timer);
    ear.source.disconnect();
    ear.element.srcObject = null;
    ears.delete(id);
  }

  return {
    watch,
    unwatch,
    hear,
    unhear,
    // What has been seen of a track so far, or null where nobody watches it.
    picture(id) {
      const eye = eyes.get(id);
      if (!eye) return null;
      return { frames: eye.frames, first: eye.first ?? null, looks: eye.looks, colour: eye.colour, width: eye.width, height: eye.height, longestGap: Math.max(eye.longestGap, performance.now() - eye.last) };
    },
    resetGap(id) {
      const eye = eyes.get(id);
      if (eye) Object.assign(eye, { longestGap: 0, last: performance.now() });
    },
    // The loudest RMS of the last `window` milliseconds, 0 to 1, or null before there was that much.
    loudness(id, window) {
      const ear = ears.get(id);
      const now = performance.now();
      if (!ear || ear.levels.length === 0 || ear.levels[0].at > now - window) return null;
      return Math.max(0, ...ear.levels.filter((sample) => sample.at >= now - window).map((sample) => sample.level));
    },
  };
})();
