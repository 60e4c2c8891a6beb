// Pictures and sounds of a page's own making: fake cameras look alike, these do not.

// A picture of one colour (0 to 7, one bit for each of red, green and blue) with a block that moves along its lower edge. `turn` gives it another colour.
window.easel = {
  draw({ colour = 0, width = 160, height = 120, rate = 10 } = {}) {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const brush = canvas.getContext('2d');
    const channel = (bit) => (colour & bit ? 220 : 30);
    const block = height / 4;
    let step = 0;
    const paint = () => {
      brush.fillStyle = `rgb(${channel(1)}, ${channel(2)}, ${channel(4)})`;
      brush.fillRect(0, 0, width, height);
      brush.fillStyle = colour < 4 ? 'white' : 'black';
      brush.fillRect((step * block) / 2 % width, height - block, block, block);
      step += 1;
    };
    paint();
    const [track] = canvas.captureStream(rate).getVideoTracks();
    const timer = setInterval(paint, 1000 / rate);
    const stop = track.stop.bind(track);
    track.stop = () => (clearInterval(timer), stop());
    track.turn = (other) => void (colour = other);
    return track;
  },
};

// A clock to be seen and one to be heard, which are one: the picture says in blocks what time it is in ms, and each whole second there is
// a beep. 16 blocks in two rows, the first bit at the upper left, in Gray code: a picture between two times shows one of both.
window.metronome = (() => {
  let context;
  const now = () => Math.round((context ??= new AudioContext()).currentTime * 1000) & 0xffff;
  return {
    picture({ width = 320, height = 80, rate = 25 } = {}) {
      const canvas = document.createElement('canvas');
      Object.assign(canvas, { width, height });
      const brush = canvas.getContext('2d');
      const paint = () => {
        const time = now();
        const gray = time ^ (time >> 1);
        for (let bit = 0; bit < 16; bit += 1) {
          brush.fillStyle = (gray >> (15 - bit)) & 1 ? 'white' : 'black';
          brush.fillRect(((bit % 8) * width) / 8, bit < 8 ? 0 : height / 2, width / 8, height / 2);
        }
      };
      paint();
      setInterval(paint, 1000 / rate);
      return canvas.captureStream(rate).getVideoTracks()[0];
    },
    sound() {
      now();
      context.resume();
      const source = context.createOscillator();
      const volume = context.createGain();
      volume.gain.value = 0;
      for (let second = 1; second < 600; second += 1) {
        volume.gain.setValueAtTime(0.5, second);
        volume.gain.setValueAtTime(0, second + 0.1);
      }
      source.frequency.value = 1000;
      const end = context.createMediaStreamDestination();
      source.connect(volume).connect(end);
      source.start();
      return end.stream.getAudioTracks()[0];
    },
  };
})();

// A microphone that is silent until it is told to sound.
window.whistle = (() => {
  let context;
  let volume;
  return {
    track() {
      context = new AudioContext();
      context.resume();
      const source = context.createOscillator();
      volume = context.createGain();
      volume.gain.value = 0;
      const end = context.createMediaStreamDestination();
      source.connect(volume).connect(end);
      source.start();
      return end.stream.getAudioTracks()[0];
    },
    sound: (on) => void (volume.gain.value = on ? 0.5 : 0),
  };
})();
