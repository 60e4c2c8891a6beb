/**
 * The words that every page has.
 * What holds a number or a name is a function. Sentence case, short, no blame, no exclamation marks.
 */

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
  unreachable: 'Kennel does not answer. Is the computer on, and this phone on the same Wi-Fi?',
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
  laterTitle: 'Not here yet',
  later: 'This page is planned, but this version of Kennel does not have it.',
  home: 'Go to the start page',
};
