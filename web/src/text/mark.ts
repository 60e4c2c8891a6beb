/** Says that a room is recorded. Apart from the words of the button, as every page of a room has these from the beginning. */
export const mark = {
  text: 'Recording',
  textFor: (time: string) => `Recording ${time}`,
  hint: 'Sound or pictures of this room are being recorded.',
  waits: { disk: 'Recording waits for room on the disk', begin: 'Recording is on, nothing is written' },
  began: 'This room is being recorded.',
  ended: 'This room is not recorded any more.',
};
