/**
 * Every word on screen. One section per page, so that a page carries only its own words.
 * What holds a number or a name is a function. Sentence case, short, no blame, no exclamation marks.
 */

const people = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

export const common = {
  kennel: 'Kennel',
  close: 'Close',
  cancel: 'Cancel',
  back: 'Back',
  copy: 'Copy',
  copied: 'Copied',
  details: 'Details',
  help: 'Help',
  skip: 'Skip to content',
  loading: 'Loading…',
  tryAgain: 'Try again',
  tryNow: 'Try now',
  reload: 'Reload',
  theme: 'Colours',
  themes: { auto: 'As this device', dark: 'Dark', light: 'Light' },
};

export const gate = {
  title: 'Open Kennel',
  unreachable: 'Kennel does not answer. Is the computer on, and this device on the same Wi-Fi?',
  retryIn: (seconds: number) => `Trying again in ${seconds} s`,
  noSession: 'This page needs your Kennel link.',
  noSessionHint: 'Open the link that Kennel showed when it started, scan its code, or paste it here.',
  wrongKey: 'This link does not work any more. Ask the person who gave it to you for a new one.',
  ended: (when: string) => `This link ended on ${when}.`,
  tooMany: 'Too many tries. Wait a minute, then try again.',
  pasteLabel: 'Paste a link or key',
  open: 'Open',
  trouble: 'Kennel gave an answer that this page does not understand. Reload the page.',
};

export const missing = {
  title: 'Not found',
  text: 'There is no page at this address.',
  home: 'Go to the start page',
};

// ---- home ----------------------------------------------------------------------------------------------------------
export const home = {
  title: 'Kennel',
};

// ---- door ----------------------------------------------------------------------------------------------------------
export const door = {
  title: 'Let this phone trust your Kennel',
};

// ---- links ---------------------------------------------------------------------------------------------------------
export const links = {
  title: 'Links',
};

// ---- dog cam -------------------------------------------------------------------------------------------------------
export const dogcam = {
  title: 'Dog cam',
  cameras: (count: number) => people(count, 'camera', 'cameras'),
};
