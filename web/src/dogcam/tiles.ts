/**
 * The state of a camera, from facts. Pure: `now` is an argument. Times are ms since 1970 UTC.
 * First rule of the pages: a still never looks live.
 */

/** No new frame for this long: Frozen. */
export const FROZEN_MS = 3_000;
/** Present, but without media for this long: Gone. */
export const GONE_MS = 10_000;
/** The signs of weakness must last this long. */
export const WEAK_MS = 5_000;
export const WEAK_LOSS = 0.05;
export const WEAK_FPS = 5;
/** A picture near black for this long: Dark. */
export const DARK_MS = 30_000;
/** Frozen this long, or Gone: an alarm. */
export const ALARM_MS = 10_000;
/** A stopped camera leaves the stage after this time. */
export const STOPPED_SHOWN_MS = 30_000;
/** A camera that was already gone for longer when the page opened raises no alarm. */
export const OLD_NEWS_MS = 10 * 60_000;

export type TileState = 'joining' | 'no-picture' | 'live' | 'weak' | 'frozen' | 'dark' | 'gone' | 'stopped' | 'sound' | 'paused';

/** What is known of one camera. */
export interface Facts {
  /** In the room, as the SDK sees it. */
  present: boolean;
  /** When it came into the room. */
  joined: number;
  /** When it left the room, or when the server said so; null while present. */
  left: number | null;
  /** It said that somebody pressed Stop. */
  stopped: boolean;
  hasVideo: boolean;
  hasAudio: boolean;
  videoOff: boolean;
  /** The server sends us no picture for now, though the camera may be well. */
  paused: boolean;
  firstFrame: number | null;
  lastFrame: number | null;
  /** Since when loss or frame rate are bad; null: they are fine. */
  weakSince: number | null;
  darkSince: number | null;
}

export interface Judged {
  state: TileState;
  /** Since when, for the clock on the tile. */
  since: number;
}

export function judge(facts: Facts, now: number): Judged {
  if (facts.stopped) return { state: 'stopped', since: facts.left ?? now };
  if (!facts.present) return whileAway(facts, now);
  if (!facts.hasVideo || facts.videoOff) return withoutPicture(facts);
  if (facts.paused) return { state: 'paused', since: facts.lastFrame ?? facts.joined };
  if (facts.lastFrame === null || facts.firstFrame === null) return beforeFirstFrame(facts, now);
  const still = now - facts.lastFrame;
  if (still >= GONE_MS) return { state: 'gone', since: facts.lastFrame };
  if (still >= FROZEN_MS) return { state: 'frozen', since: facts.lastFrame };
  if (lasts(facts.weakSince, WEAK_MS, now)) return { state: 'weak', since: facts.weakSince! };
  if (lasts(facts.darkSince, DARK_MS, now)) return { state: 'dark', since: facts.darkSince! };
  return { state: 'live', since: facts.firstFrame };
}

/** Announced on the live channel but not in the room yet: given the same time as a first picture. */
function whileAway(facts: Facts, now: number): Judged {
  const comes = facts.left === null && now - facts.joined < GONE_MS;
  return { state: comes ? 'joining' : 'gone', since: facts.left ?? facts.joined };
}

function withoutPicture(facts: Facts): Judged {
  if (facts.hasAudio) return { state: 'sound', since: facts.joined };
  return { state: 'joining', since: facts.joined };
}

function beforeFirstFrame(facts: Facts, now: number): Judged {
  return { state: now - facts.joined >= GONE_MS ? 'no-picture' : 'joining', since: facts.joined };
}

function lasts(since: number | null, length: number, now: number): boolean {
  return since !== null && now - since >= length;
}

/** True while the picture on the tile is what the camera sees now. */
export function isMoving(state: TileState): boolean {
  return state === 'live' || state === 'weak' || state === 'dark';
}

/** Whether this state is to be alarmed about at `now`. */
export function alarms(judged: Judged, now: number): boolean {
  if (judged.state === 'gone') return true;
  return judged.state === 'frozen' && now - judged.since >= ALARM_MS;
}

/** The figures of one look at the statistics of a picture. Packets count from the track's beginning. */
export interface Sample {
  fps: number;
  packetsReceived: number;
  packetsLost: number;
  at: number;
}

/** Share of packets lost between two looks; 0 where there is nothing to compare. */
export function lossBetween(before: Sample | null, after: Sample): number {
  if (!before) return 0;
  const received = Math.max(0, after.packetsReceived - before.packetsReceived);
  const lost = Math.max(0, after.packetsLost - before.packetsLost);
  return received + lost > 0 ? lost / (received + lost) : 0;
}

export function isWeak(fps: number, loss: number): boolean {
  return loss > WEAK_LOSS || fps < WEAK_FPS;
}

/** Whether frames were decoded since the look before. */
export function hasMoved(before: Sample | null, after: Sample): boolean {
  return after.fps > 0 && (!before || after.packetsReceived > before.packetsReceived);
}
