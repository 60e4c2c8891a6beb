/**
 * The words of the sheets that a watcher opens: a camera's menu, the settings, the explanation. Apart, as the page does without them at first.
 * Sentence case, short, no blame, no exclamation marks.
 */
export const sheets = {
  whyText: [
    'Both devices reach Kennel, but the picture does not pass between them.',
    'Connect both to the same Wi-Fi, and switch off a VPN or a guest network that keeps devices apart.',
    'If the camera is far away, the person who runs Kennel needs a relay (TURN).',
  ],
  muteShort: 'Mute its microphone',
  snapshot: 'Snapshot',
  snapshotSaved: (file: string) => `Saved ${file}`,
  pip: 'Picture in picture',
  info: 'Info',
  alarmFor: 'Alarm for this camera',
  hearOnly: 'Hear only this camera',
  keys: 'Keys',
  keysOn: 'Use single keys',
  keyList: [
    ['1 to 9', 'Show a camera large'],
    ['0 or Esc', 'Back to all cameras'],
    ['M', 'Sound on or off'],
    ['T (hold)', 'Talk'],
    ['S', 'Snapshot'],
    ['R', 'Turn'],
    ['F', 'Full screen'],
    ['?', 'This list'],
  ],
  volume: 'Volume',
  notify: 'Tell me when a camera is gone',
  notifyTruth: 'Alarms reach this device while Kennel is open here.',
  notifyDenied: 'Notifications are blocked for this page.',
  notifyTest: 'Send a test',
  info_: {
    size: 'Picture',
    battery: 'Battery',
    since: 'Live since',
    facing: 'Camera',
    screen: 'Screen kept on',
    watchers: 'Watching',
    front: 'Front',
    back: 'Back',
    yes: 'Yes',
    no: 'No',
    unknown: 'Not known',
  },
};
