/**
 * The texts of the original dog cam on its data track: `mute SID`, `unmute SID`, `sendState` (`state` in some copies).
 * SID is a participant's. Nothing else is ever sent there: the original page throws on a third kind.
 */

export type Word = { kind: 'mute' | 'unmute'; sid: string } | { kind: 'sendState' };

/** What a text means to us: set our own microphone, note what its sender announced, tell our state, or nothing. */
export type Meaning =
  | { kind: 'set'; muted: boolean }
  | { kind: 'announced'; muted: boolean }
  | { kind: 'asked' }
  | { kind: 'nothing' };

const LONGEST_TEXT = 128;

/** Null for everything that is not one of the words. */
export function parse(text: unknown): Word | null {
  if (typeof text !== 'string' || text.length > LONGEST_TEXT) return null;
  if (text === 'sendState' || text === 'state') return { kind: 'sendState' };
  const match = /^(mute|unmute) ([A-Za-z0-9_-]+)$/.exec(text);
  return match ? { kind: match[1] as 'mute' | 'unmute', sid: match[2]! } : null;
}

/** Reads `text` from participant `sender` as participant `own`. A request to a third one means nothing to us: that one answers. */
export function read(text: unknown, sender: string, own: string): Meaning {
  const word = parse(text);
  if (!word) return { kind: 'nothing' };
  if (word.kind === 'sendState') return { kind: 'asked' };
  const muted = word.kind === 'mute';
  if (word.sid === own) return { kind: 'set', muted };
  return word.sid === sender ? { kind: 'announced', muted } : { kind: 'nothing' };
}

/** The request to, or the announcement of, participant `sid`. */
export function say(muted: boolean, sid: string): string {
  return `${muted ? 'mute' : 'unmute'} ${sid}`;
}

export const ASK = 'sendState';
