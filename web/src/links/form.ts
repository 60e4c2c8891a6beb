/** The form that makes a link, and the whole address that comes of it. */
import type { Key, KeyAsk, Right } from '../api';

export type Ends = 'hour' | 'day' | 'week' | 'never';

/** Seconds until the link ends; null: never. */
export const SECONDS: Record<Ends, number | null> = { hour: 3600, day: 86_400, week: 604_800, never: null };
export const ENDS = Object.keys(SECONDS) as Ends[];

/** The longest label, as for names (docs/ref/api.md). */
export const LABEL_LIMIT = 128;

/** What a link may be given; the owner's own is made by the server alone. */
export const CHOICES = ['watch', 'camera', 'guest', 'moderator'] as const;

export interface Draft {
  label: string;
  camera: boolean;
  watch: boolean;
  guest: boolean;
  moderator: boolean;
  /** Empty: every room. */
  room: string;
  ends: Ends;
}

export function emptyDraft(): Draft {
  return { label: '', camera: false, watch: true, guest: false, moderator: false, room: '', ends: 'week' };
}

export type DraftFault = 'label' | 'rights' | 'room';

/** The request to send, or the first field that is wrong. */
export function askOf(draft: Draft): { ask: KeyAsk } | { fault: DraftFault } {
  const label = draft.label.trim();
  const room = draft.room.trim();
  const rights: Right[] = [];
  for (const right of CHOICES) if (draft[right]) rights.push(right);
  if (!isName(label)) return { fault: 'label' };
  if (rights.length === 0) return { fault: 'rights' };
  if (room !== '' && !isName(room)) return { fault: 'room' };
  return { ask: { label, rights, room: room === '' ? null : room, ends_in_s: SECONDS[draft.ends] } };
}

/** 1 to 128 characters, no control characters (docs/ref/api.md `name_invalid`). */
function isName(text: string): boolean {
  const letters = [...text].length;
  return letters >= 1 && letters <= LABEL_LIMIT && !/\p{Cc}/u.test(text);
}

/**
 * The link to give away. On the address that other devices reach, which is seldom the one in this page's address bar
 * (`localhost`); `path` holds the key after its `#`.
 */
export function shareable(path: string, phoneUrl: string | null, here: string): string {
  return (phoneUrl ?? here).replace(/\/+$/, '') + path;
}

/** Newest first; those that have ended last. `now` in ms. */
export function inOrder(keys: readonly Key[], now: number): Key[] {
  return [...keys].sort((a, b) => Number(hasEnded(a, now)) - Number(hasEnded(b, now)) || b.created - a.created);
}

export function hasEnded(key: Key, now: number): boolean {
  return key.ends !== null && key.ends <= now;
}
