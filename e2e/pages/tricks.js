// Pictures and sounds of a page's own making: fake cameras look alike, these do not.

// A picture of one colour (0 to 7, one bit for each of red, green and blue) with a block that moves along its lower edge.
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
    return track;
  },
};

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
