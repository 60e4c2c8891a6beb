/** What the player says of its troubles. Pure. */
import type { Take } from './model';
import type { Trouble } from './playback';

/** `all`: nothing is played. Otherwise the one is missing while the other plays. */
export interface Notice {
  of: 'all' | 'picture' | 'sound';
  why: Trouble;
}

/** Null: all is well. `hasPicture`: there is one at this moment of the take. */
export function noticeOf(take: Take, hasPicture: boolean, picture: Trouble | null, sound: Trouble | null): Notice | null {
  const isSilent = !take.clips.some(({ file }) => file.kind === 'audio' && file.playable);
  if (picture) return { of: sound || isSilent ? 'all' : 'picture', why: picture };
  return sound && { of: hasPicture ? 'sound' : 'all', why: sound };
}
