/** Films of what was recorded: what is asked of the server, and what it tells of them. Pure. Times are ms since 1970 UTC. */
import type { FilmWhy } from '../text/films';
import type { Recording, Take } from './model';

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
  why: string | null;
  container: FilmFormat;
  created: number;
  ended: number | null;
  duration: number | null;
  bytes: number | null;
  asked: FilmAsk;
}

/** What a person chose. */
export interface Choice {
  room: string;
  from: number;
  to: number;
  /** Everybody there is, and those who are in it. */
  people: readonly string[];
  who: readonly string[];
  layout: FilmLayout;
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

/** Who has the longest pictures. */
export function mostSeen(files: readonly Recording[], room: string): string {
  const lengths = new Map<string, number>();
  for (const { participant, kind, duration } of tracksOf(files, room)) {
    if (kind === 'video') lengths.set(participant!, (lengths.get(participant!) ?? 0) + (duration ?? 0) + 1);
  }
  return [...lengths].sort((a, b) => b[1] - a[1])[0]?.[0] ?? peopleOf(files, room)[0] ?? '';
}

/** From the first moment of it to the last; of what is being recorded, up to now. */
export function spanOf(files: readonly Recording[], room: string, now: number): [number, number] | null {
  const spans = tracksOf(files, room).map((file) => {
    const from = file.offset || file.created;
    return [from, file.status === 'processing' ? now : from + (file.duration ?? 0)] as const;
  });
  if (spans.length === 0) return null;
  return [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))];
}

/** Whether somebody who is in it is being recorded: then it waits. */
export function waitsFor(files: readonly Recording[], choice: Pick<Choice, 'room' | 'who' | 'to'>): boolean {
  return tracksOf(files, choice.room).some(
    (file) => file.status === 'processing' && file.created < choice.to && choice.who.includes(file.participant!),
  );
}

export function askOf(choice: Choice): FilmAsk {
  const { room, from, to, people, who, layout, large, size, format, trim } = choice;
  // Everybody is said by saying nobody: who comes to be known later is in it too.
  const some = who.length < people.length ? { who: [...who] } : {};
  const one = layout === 'large' ? { large: who.includes(large) ? large : who[0]! } : {};
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
    [/nothing is left|no recording to compose/, 'nothing'],
    [/longer than/, 'long'],
    [/three times/, 'ended'],
    [/^lost$/, 'lost'],
    [/could not be opened/, 'open'],
  ];
  return known.find(([words]) => words.test(why ?? ''))?.[1] ?? 'other';
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

/** "14:03:22" of that day as a moment; null for what is no time. */
export function momentOf(day: number, time: string): number | null {
  const parts = /^(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(time);
  if (!parts) return null;
  const date = new Date(day);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate(), Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)).getTime();
}

/** A moment as a field for times has it: "14:03:22". */
export function timeOf(ms: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
