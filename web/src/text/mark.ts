/** Says that a room is recorded. Apart from the words of the button, as every page of a room has these from the beginning. */
export const mark = {
  text: 'Recording',
  textFor: (time: string) => `Recording ${time}`,
  waits: { disk: 'Recording waits for room on the disk', begin: 'Recording is on, nothing is written', camera: 'Recording begins when a camera is on' },
  began: 'This room is being recorded.',
  ended: 'This room is not recorded any more.',
};
