/** Who is in a room, folded from what the SDK tells. Pure: each function gives a new list. */
import { room as words } from '../text/room';

/** As the SDK tells of somebody; of a change, only what changed. */
export interface Told {
  id: string;
  name?: string;
  type?: string;
  parent_id?: string;
  audio_muted?: boolean;
  video_muted?: boolean;
  handraised?: boolean;
  talking?: boolean;
  deaf?: boolean;
  /** Words of the apps about somebody; here of Kennel's pages. */
  meta?: { role?: unknown; ask?: unknown };
}

/** What the pages of rooms are for those who are in by them; empty: in by another app. */
export type Role = 'moderator' | 'guest' | '';

/** Somebody asks somebody to be heard or seen again. */
export interface Ask {
  what: 'mic' | 'cam';
  /** Who asks. */
  by: string;
  /** The same ask is not shown twice. */
  id: string;
}

export interface Person {
  id: string;
  name: string;
  /** A screen or another device of somebody's is not a person of its own. */
  part: 'person' | 'screen' | 'device';
  parent: string;
  role: Role;
  audioMuted: boolean;
  videoMuted: boolean;
  talking: boolean;
  /** When the hand went up, counted; 0: it is down. */
  hand: number;
}

export type People = readonly Person[];

/** What came of something that the room was asked. `gone`: whom it is about has left; `full`: the disk is. */
export type Outcome = 'done' | 'refused' | 'gone' | 'full' | 'failed';

/** What is said of it; empty if it is done. */
export function outcomeWords(outcome: Outcome): string {
  if (outcome === 'done') return '';
  if (outcome === 'full') return words.noSpace;
  return outcome === 'refused' ? words.notAllowed : words.notDone;
}

/** Everybody who is told of at once, instead of whoever was there. */
export function everybody(told: readonly Told[]): People {
  return told.reduce<People>((people, one) => include(people, one), []);
}

/** With this one, who came, or changed. */
export function include(people: People, told: Told): People {
  const before = people.find((one) => one.id === told.id);
  const person = merge(before ?? fresh(told), told, nextHand(people));
  return before ? people.map((one) => (one.id === told.id ? person : one)) : [...people, person];
}

/** A change of somebody who is not there is passed over: it crossed with the end. */
export function changed(people: People, told: Told): People {
  return people.some((one) => one.id === told.id) ? include(people, told) : people;
}

/** Without this one, who left, and whatever was theirs. */
export function without(people: People, id: string): People {
  return people.filter((one) => one.id !== id && one.parent !== id);
}

/** You first, then hands in the order in which they went up, then who speaks, then as they came. */
export function inOrder(people: People, me: string): Person[] {
  const rank = (one: Person): number[] => [one.id === me ? 0 : 1, one.hand || Infinity, one.talking ? 0 : 1];
  const persons = people.filter((one) => one.part === 'person').map((one, at) => ({ one, rank: [...rank(one), at] }));
  persons.sort((a, b) => compare(a.rank, b.rank));
  return persons.map(({ one }) => one);
}

/** The same people in an order that was held: a row does not move away under a pointer. Who came since is last. */
export function inHeldOrder(people: readonly Person[], held: readonly string[]): Person[] {
  const place = (one: Person) => (held.indexOf(one.id) + 1 || Infinity);
  return people.map((one, at) => ({ one, rank: [place(one), at] })).sort((a, b) => compare(a.rank, b.rank)).map(({ one }) => one);
}

/** What to call somebody: of equal names, with the end of the id. */
export function shownName(people: People, person: Person): string {
  const equal = people.some((one) => one.id !== person.id && one.name === person.name && one.part === 'person');
  return equal ? `${person.name} (${person.id.slice(-4)})` : person.name;
}

/** What somebody is asked, if what was told holds any such thing. */
export function askOf(told: Told): Ask | null {
  const { what, by, id } = (told.meta?.ask ?? {}) as Record<string, unknown>;
  const whole = (what === 'mic' || what === 'cam') && typeof by === 'string' && typeof id === 'string';
  return whole ? { what, by: by.slice(0, 128), id } : null;
}

/** The screen that somebody shares. */
export function screenOf(people: People, id: string): Person | undefined {
  return people.find((one) => one.part === 'screen' && one.parent === id);
}

/** What somebody is in the room with besides, as it came. */
export function partsOf(people: People, id: string): Person[] {
  return people.filter((one) => one.part !== 'person' && one.parent === id);
}

/** Who else sends this, whole persons and what belongs to them. A screen that is shown is no camera. */
export function sending(people: People, me: string, what: 'audio' | 'video'): Person[] {
  const others = people.filter((one) => one.id !== me && one.parent !== me);
  return others.filter((one) => (what === 'audio' ? !one.audioMuted : !one.videoMuted && one.part !== 'screen'));
}

/** Does something with each of these people: with whom it worked, with whom not, and whether that was refused. Who has left meanwhile is neither. */
export async function withEach(who: People, work: (one: Person) => Promise<Outcome>): Promise<{ done: People; not: People; refused: boolean }> {
  const all = await Promise.all(who.map(async (one) => ({ one, outcome: await work(one) })));
  const of = (...outcomes: Outcome[]) => all.filter(({ outcome }) => outcomes.includes(outcome)).map(({ one }) => one);
  return { done: of('done'), not: of('refused', 'failed'), refused: of('refused').length > 0 };
}

/** Names one after the other, as text. */
export function listed(people: People): string {
  return people.map((one) => shownName(people, one)).join(', ');
}

function fresh(told: Told): Person {
  const part = told.type === 'screen' || told.type === 'device' ? told.type : 'person';
  const name = told.name ?? '';
  return { id: told.id, name, part, parent: told.parent_id ?? '', role: '', audioMuted: false, videoMuted: false, talking: false, hand: 0 };
}

function merge(before: Person, told: Told, hand: number): Person {
  return {
    ...before,
    name: told.name ?? before.name,
    role: told.meta ? roleOf(told.meta.role) : before.role,
    audioMuted: told.audio_muted ?? before.audioMuted,
    videoMuted: told.video_muted ?? before.videoMuted,
    talking: told.talking ?? before.talking,
    hand: told.handraised === undefined ? before.hand : told.handraised ? before.hand || hand : 0,
  };
}

function roleOf(told: unknown): Role {
  return told === 'moderator' || told === 'guest' ? told : '';
}

function nextHand(people: People): number {
  return 1 + Math.max(0, ...people.map((one) => one.hand));
}

function compare(a: number[], b: number[]): number {
  const at = a.findIndex((value, at) => value !== b[at]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}
