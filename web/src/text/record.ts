/** The words of recording a room. Sentence case, short, no blame, no exclamation marks. */
export const record = {
  button: 'Record',
  start: 'Record this room',
  stop: 'Don’t record',
  stopWaiting: 'Don’t record when there is room again',
  stopBefore: 'Don’t record this room',
  stoppedBefore: 'Recording is off.',
  stopped: 'Recording is off, and stays off when there is room again.',
  nobody: 'There is nobody in the room. Start a camera first, then record.',
  goesOn: 'Something else still records this room.',
  nothingYet: 'Nothing is written yet. If a camera is on, a firewall may stop it.',
  link: 'Recordings',
};
