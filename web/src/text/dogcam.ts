/**
 * The words of the dog cam, besides those of the camera role (camera.ts).
 * What holds a number or a name is a function. Sentence case, short, no blame, no exclamation marks.
 */

const people = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const dogcam = {
  title: 'Dog cam',
  pageTitle: (state: string, what: string) => `${state}, ${what}`,
  alarmTitle: (name: string, state: string) => `! ${name} is ${state}`,
  cameras: (count: number) => people(count, 'camera', 'cameras'),
  me: 'Me',
  lost: (time: string) => `Connection lost. Reconnecting… ${time}`,
  home: 'Start page',
  devices: { phone: 'Phone', tablet: 'Tablet', laptop: 'Laptop' },
};

/** The watch role. */
export const watch = {
  waiting: 'Waiting for a camera',
  state: {
    joining: 'Connecting…',
    'no-picture': 'No picture',
    live: 'Live',
    weak: 'Weak connection',
    frozen: 'Frozen',
    dark: 'Dark',
    gone: 'Gone',
    stopped: 'Stopped',
    sound: 'Sound only',
    paused: 'Paused',
  },
  since: (state: string, time: string) => `${state} ${time}`,
  slow: 'Slow connection here',
  lastPicture: (time: string) => `Last picture ${time}`,
  noPicture: 'Connected, but no picture gets through.',
  why: 'Why?',
  hidden: (name: string) => `${name}'s phone is showing another app`,
  lowBattery: (name: string, share: string) => `${name}: ${share} battery`,
  pictureOff: (name: string) => `${name}: picture off`,
  noSound: 'No sound',
  muted: 'Microphone off',
  tileName: (name: string, state: string, ...facts: string[]) => [name, state.toLowerCase(), ...facts].filter(Boolean).join(', '),
  heard: 'sound heard',
  loudest: 'Loudest',
  /** Network quality of a camera. */
  quality: { good: 'Good connection', fair: 'Fair connection', poor: 'Poor connection' },
  batteryLong: (share: string) => `${share} battery`,
  tapForSound: 'Tap for sound',
  soundOf: (name: string) => `Sound of ${name}`,
  menuOf: (name: string) => `More for ${name}`,
  rotateHere: 'Turn here',
  mute: (name: string) => `Mute ${name}'s microphone`,
  noAnswer: (name: string) => `${name} did not answer.`,
  full: 'Full screen',
  fullShort: 'Full',
  showShort: 'Myself',
  showMyself: 'Show myself too',
  stopShowing: 'Only watch',
  leave: 'Leave',
  left: 'You left. The cameras go on.',
  watchAgain: 'Watch again',
  settings: 'Settings',
  alarm: {
    frozen: (name: string) => `${name} is frozen.`,
    gone: (name: string) => `${name} is gone.`,
  },
  alarmMany: (count: number) => `${count} cameras need a look.`,
  isBack: (name: string, time: string) => `${name} is back (gone ${time})`,
  silence: 'Silence',
  dismiss: 'Dismiss',
  joined: (name: string) => `${name} is on`,
  wentStopped: (name: string) => `${name} was stopped`,
};
