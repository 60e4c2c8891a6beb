/**
 * The words of the start page, and of the door page (door.ts) and the links (links.ts), besides those that every page has (common.ts) and those of the dog cam (dogcam.ts).
 * Files apart, so that a page carries only its own words.
 * What holds a number or a name is a function. Sentence case, short, no blame, no exclamation marks.
 */

import { people } from './count';

export * from './common';
export * from './door';
export * from './links';

// ---- home ----------------------------------------------------------------------------------------------------------
export const home = {
  title: 'Kennel',
  titleLive: (count: number) => `${people(count, 'camera', 'cameras')} live · Kennel`,
  titleLost: 'No connection · Kennel',
  question: 'What should this device do?',
  beCamera: 'Be a camera',
  beCameraHint: 'Others see and hear what is in front of this device.',
  watch: 'Watch',
  watchHint: 'See your cameras. This device stays unseen.',
  again: (name: string) => `Be ${name} again`,
  againHint: 'Starts the camera as last time.',
  room: 'Open a room',
  roomHint: 'Meet others: everybody in one picture.',
  nothingAllowed: 'This link opens nothing here. Ask the person who gave it to you for a new one.',
  cameras: 'Your cameras',
  live: 'Live',
  goneSince: (when: string) => `Gone since ${when}`,
  stoppedSince: (when: string) => `Stopped since ${when}`,
  wasLive: 'Was live',
  news: {
    live: (name: string) => `${name} is live`,
    gone: (name: string) => `${name} is gone`,
    stopped: (name: string) => `${name} has stopped`,
  },
  inRoom: (room: string) => `in ${room}`,
  watching: (count: number) => `${count} watching`,
  nobodyWatching: 'Nobody is watching',
  watchers: (names: string) => `Watching: ${names}`,
  battery: (percent: string) => `Battery ${percent}`,
  batteryCharging: (percent: string) => `Battery ${percent}, charging`,
  batteryLow: (percent: string) => `Battery low: ${percent}`,
  openCamera: (name: string) => `Watch ${name}`,
  lookingForCameras: 'Looking for cameras…',
  none: 'No cameras yet.',
  noneHint: 'Open this page on the old phone:',
  noneAsk: 'They appear here as soon as the owner starts one.',
  stale: 'What you see below may be out of date.',
  addCamera: 'Add a camera',
  showCode: 'Show a code for the phone',
  code: 'Code for the phone',
  codeAlt: 'Code that opens Kennel on a phone',
  codeScan: 'Point the phone’s camera at this code, then open the link.',
  codeRight: 'Whoever has this code can be a camera here. You can withdraw it under Links.',
  codeOpen: 'Every device in your network can open this address.',
  codeFailed: 'The code could not be made.',
  codeKeyLabel: (when: string) => `Camera phone, ${when}`,
  noPhoneAddress: 'Kennel does not know under which address a phone reaches this computer. Start it with --announce and that address.',
  privacy: 'Two devices usually send straight to each other, end-to-end encrypted. Once there are more, or the room is recorded, pictures pass your Kennel.',
  links: 'Links',
  linksHint: 'Invite somebody, or withdraw a link',
  recordings: 'Recordings',
  recordingsHint: 'See what was recorded',
  linkEnds: (when: string) => `Your link ends on ${when}.`,
  otherLink: 'Use another link',
  otherLinkHint: 'It replaces the one that this device uses now.',
  pasteOther: 'Paste another link',
};
