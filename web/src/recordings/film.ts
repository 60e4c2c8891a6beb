/** Films of what was recorded: what is asked of the server, and what it tells of them. Pure. Times are ms since 1970 UTC. */
import type { FilmWhy } from '../text/films';
import { dayOf, isMade, type Recording, type Take } from './model';

export type FilmLayout = 'equal' | 'large' | 'turns';
export type FilmSize = '640x360' | '1280x720' | '1920x1080';
export type FilmFormat = 'webm' | 'mp4';

/** What is asked for, as the server takes and tells it (docs/ref/api.md). */
export interface FilmAsk {
  room?: string | null;
  name?: string | null;
  from?: number | null;
  to?: number | null;
  who?: string[];
  layout?: FilmLayout | Record<string, unknown>;
  large?: string | null;
  resolution?: string;
  format?: FilmFormat;
  trim?: boolean;
}

/** As the server tells of one. */
export interface Film {
  id: string;
  room: string;
  room_sid: string;
  status: 'enqueued' | 'processing' | 'completed' | 'failed';
  percent: number;
  /** How much longer it takes, in s. */
  left: number | null;
  /** What it waits for that is not its turn. */
  waits: 'recording' | 'disk' | 'bucket' | null;
  why: string | null;
  container: FilmFormat;
  created: number;
  ended: number | null;
  duration: number | null;
  bytes: number | null;
  /** In a list only of when and of whom. */
  asked: FilmAsk;
}

/** So long after its end a film can be made of what is still being recorded, in ms. */
const WRITTEN_MS = 30_000;


/** What a person chose. */
export interface Choice {
  room: string;
  from: number;
  to: number;
  /** Everybody there is, and those who are in it. */
  people: readonly string[];
  who: readonly string[];
  layout: FilmLayout;
  /** Empty: there is nobody to be large. */
  large: string;
  size: FilmSize;
  format: FilmFormat;
  trim: boolean;
}

/** Files of cameras and microphones; the mix of everybody is a film already. */
export function tracksOf(files: readonly Recording[], room: string): Recording[] {
  return files.filter((file) => file.room === room && file.participant !== null && file.kind !== 'mix' && file.status !== 'failed');
}

/** Whose they are. */
export function peopleOf(files: readonly Recording[], room: string): string[] {
  return [...new Set(tracksOf(files, room).map((file) => file.participant!))].sort((a, b) => a.localeCompare(b));
}

/** Of whom there are pictures of that time, those of whom there is most at first. */
export function seenIn(files: readonly Recording[], room: string, part: readonly [number, number], now: number): string[] {
  const lengths = new Map<string, number>();
  for (const file of tracksOf(files, room)) {
    const [from, to] = timesOf(file, now);
    const length = Math.min(to, part[1]) - Math.max(from, part[0]);
    if (file.kind === 'video' && length > 0) lengths.set(file.participant!, (lengths.get(file.participant!) ?? 0) + length);
  }
  return [...lengths].sort((a, b) => b[1] - a[1]).map(([name]) => name);
}

/** From the first moment of it to the last; of what is being recorded, up to now. */
export function spanOf(files: readonly Recording[], room: string, now: number): [number, number] | null {
  const spans = tracksOf(files, room).map((file) => timesOf(file, now));
  if (spans.length === 0) return null;
  return [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))];
}

function timesOf(file: Recording, now: number): [number, number] {
  const from = file.offset || file.created;
  return [from, isMade(file) ? Math.max(from, now) : from + (file.duration ?? 0)];
}

/** The marked part of it, whichever day that is of; all of it where nothing of it is marked. Whole ms. */
export function partOf([first, last]: readonly [number, number], marked: readonly [number | null, number | null]): [number, number] {
  const [from, to] = [Math.max(marked[0] ?? first, first), Math.min(marked[1] ?? last, last)];
  const part = from < to ? [from, to] : [first, last];
  return [Math.floor(part[0]!), Math.ceil(part[1]!)];
}

/** Whether somebody who is in it is being recorded, and its end is not in the files yet: then it waits for that. */
export function waitsFor(files: readonly Recording[], choice: Pick<Choice, 'room' | 'who' | 'to'>, now: number): boolean {
  if (choice.to + WRITTEN_MS <= now) return false;
  return tracksOf(files, choice.room).some(
    (file) => isMade(file) && file.created < choice.to && choice.who.includes(file.participant!),
  );
}

export function askOf(choice: Choice): FilmAsk {
  const { room, from, to, people, who, large, size, format, trim } = choice;
  const layout = choice.layout === 'large' && !large ? 'equal' : choice.layout;
  // Everybody is said by saying nobody: who comes to be known later is in it too.
  const some = who.length < people.length ? { who: [...who] } : {};
  const one = layout === 'large' ? { large } : {};
  return { name: room, from, to, ...some, layout, ...one, resolution: size, format, trim };
}

export function isPending(film: Film): boolean {
  return film.status === 'enqueued' || film.status === 'processing';
}

/** What is told of a film that is being made, in tens of percent: no oftener than that. */
export function tensOf(film: Film): number {
  return film.status === 'processing' ? Math.floor(film.percent / 10) * 10 : 0;
}

/** Why it was not made, as words say it. */
export function reasonOf(why: string | null): FilmWhy {
  const known: [RegExp, FilmWhy][] = [
    [/disk has less|No space/, 'disk'],
    [/recordings were deleted/, 'deleted'],
    [/key or their disk/, 'locked'],
    [/nothing is left|no recording to compose/, 'nothing'],
    [/longer than/, 'long'],
    [/three times/, 'ended'],
    [/^lost$/, 'lost'],
    [/could not be opened/, 'open'],
  ];
  return known.find(([words]) => words.test(why ?? ''))?.[1] ?? 'other';
}

/** Where asking for the same once more cannot help, what it is to be is asked anew; where nothing can, nothing is offered. */
export function remedyOf(why: string | null): 'again' | 'change' | 'none' {
  const reason = reasonOf(why);
  return reason === 'deleted' ? 'none' : reason === 'nothing' || reason === 'long' ? 'change' : 'again';
}

/** WebM where this browser plays it: it is quicker to be made than what everything plays. */
export function usualFormat(plays: (type: string) => string): FilmFormat {
  return plays('video/webm; codecs="vp8, opus"') ? 'webm' : 'mp4';
}

/** A film as the player has it. */
export function takeOf(film: Film): Take {
  const start = film.asked.from ?? film.created;
  const end = start + (film.duration ?? 0);
  const file: Recording = {
    id: film.id,
    room: film.room,
    room_sid: film.room_sid,
    participant: null,
    track: '',
    kind: 'mix',
    status: 'completed',
    left: false,
    why: null,
    codec: film.container === 'mp4' ? 'h264' : 'vp8',
    created: film.created,
    ended: film.ended,
    offset: start,
    duration: film.duration,
    bytes: film.bytes,
    playable: film.status === 'completed',
  };
  return { key: film.id, room: film.room, who: null, clips: [{ file, start, end }], start, end, running: false, film };
}

/** "14:03:22" of that day, or "2026-05-03T14:03:22", as a moment; null for what is no time. */
export function momentOf(day: number, text: string): number | null {
  const parts = /^(?:(\d{4})-(\d{2})-(\d{2})T)?(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(text);
  if (!parts) return null;
  const [year, month, date, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const of = parts[1] ? new Date(year, month - 1, date) : new Date(day);
  return new Date(of.getFullYear(), of.getMonth(), of.getDate(), hours, minutes, seconds).getTime();
}

/** A moment as a field for times has it: "14:03:22", or with its day. */
export function fieldOf(ms: number, withDay: boolean): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = new Date(ms);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withDay ? `${dayOf(ms)}T${time}` : time;
}
