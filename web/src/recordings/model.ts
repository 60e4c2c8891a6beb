/** What was recorded, put together for the screen: files to takes, takes to lanes. Pure. Times are ms since 1970 UTC. */

import type { Film } from './film';

/** As the server tells of one file (docs/ref/api.md). */
export interface Recording {
  id: string;
  room: string;
  room_sid: string;
  /** Null: the mix of everybody. */
  participant: string | null;
  track: string;
  kind: 'audio' | 'video' | 'mix';
  status: 'processing' | 'completed' | 'failed';
  /** It was cut off and could not be finished, and nobody makes it. */
  left: boolean;
  why: string | null;
  codec: string | null;
  created: number;
  ended: number | null;
  /** When its first sample was, on a clock that all recordings share. */
  offset: number | null;
  duration: number | null;
  bytes: number | null;
  playable: boolean;
}

/** One file on the clock that all share. */
export interface Clip {
  file: Recording;
  start: number;
  end: number;
}

/** What was recorded of somebody in one go: picture and sound apart, or the mix of everybody. A bar on the timeline. */
export interface Take {
  /** The id of its first file. */
  key: string;
  room: string;
  /** Null: everybody in one picture. */
  who: string | null;
  /** In the order in which they begin. */
  clips: Clip[];
  start: number;
  end: number;
  /** Still being written. */
  running: boolean;
  /** It was made of recordings: its times are not those of a clock. */
  film?: Film;
}

/** A row of the timeline: the takes of one camera and microphone, one after another. */
export interface Lane {
  key: string;
  room: string;
  who: string | null;
  takes: Take[];
}

/** Files of somebody that begin within this time after the last end are one take, in ms: a camera that is changed makes another file. */
const JOIN_MS = 2_000;
/** Two files of one kind that overlap by less than this follow each other, in ms. */
const OVERLAP_MS = 500;

export function clipOf(file: Recording, now: number): Clip {
  const start = file.offset || file.created;
  const end = file.playable ? start + (file.duration ?? 0) : isMade(file) ? Math.max(now, start) : start;
  return { file, start, end };
}

/** Whether it is being recorded now. */
export function isMade(file: Recording): boolean {
  return file.status === 'processing' && !file.left;
}

/** The rows of the timeline, in the order in which they begin. */
export function lanesOf(files: readonly Recording[], now: number): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const group of groupsOf(files, now)) {
    strandsOf(group).forEach((strand, at) => {
      const { room, participant } = strand[0]!.file;
      const key = JSON.stringify([room, participant, at]);
      const lane = lanes.get(key) ?? { key, room, who: participant, takes: [] };
      lane.takes.push(...takesOf(strand));
      lanes.set(key, lane);
    });
  }
  for (const lane of lanes.values()) lane.takes.sort((a, b) => a.start - b.start);
  return [...lanes.values()].sort((a, b) => a.takes[0]!.start - b.takes[0]!.start || (a.key < b.key ? -1 : 1));
}

/** The take before or after in the same row. */
export function neighbour(lane: Lane, key: string, by: 1 | -1): Take | undefined {
  const at = lane.takes.findIndex((take) => take.key === key);
  return at < 0 ? undefined : lane.takes[at + by];
}

/** Whether something of it was cut off and could not be finished. */
export function isLeft(take: Take): boolean {
  return take.clips.some((clip) => clip.file.left);
}

export function isPlayable(take: Take): boolean {
  return take.clips.some((clip) => clip.file.playable);
}

/** The file of this kind that holds this moment, in ms from the take's start. */
export function clipAt(take: Take, kind: 'picture' | 'sound', at: number): Clip | null {
  const time = take.start + at;
  const fits = ({ file }: Clip) => file.playable && (kind === 'sound' ? file.kind === 'audio' : file.kind !== 'audio');
  return take.clips.find((clip) => fits(clip) && clip.start <= time && time < clip.end) ?? null;
}

/** The picture of a moment before there is one: the sound of a camera may begin a little earlier. */
export function pictureSoon(take: Take, at: number, within: number): Clip | null {
  return clipAt(take, 'picture', at) ?? take.clips.map(({ start }) => start - take.start).filter((start) => start > at && start <= at + within)
    .map((start) => clipAt(take, 'picture', start)).find((clip) => clip !== null) ?? null;
}

export function bytesOf(take: Take): number {
  return take.clips.reduce((sum, { file }) => sum + (file.bytes ?? 0), 0);
}

/** What a take holds. */
export function contentOf(take: Take): 'both' | 'picture' | 'sound' | 'mix' | 'nothing' {
  const kinds = new Set(take.clips.filter(({ file }) => file.playable || isMade(file)).map(({ file }) => file.kind));
  if (kinds.has('mix')) return 'mix';
  if (kinds.has('video')) return kinds.has('audio') ? 'both' : 'picture';
  return kinds.has('audio') ? 'sound' : 'nothing';
}

/** The day of a moment where this device is, as "2026-05-03". */
export function dayOf(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Its first moment and the first of the next day; null for what is no day. Days with a change of the clock are shorter or longer. */
export function daySpan(day: string): [number, number] | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day)?.slice(1).map(Number);
  if (!parts) return null;
  const [year, month, date] = parts as [number, number, number];
  const from = new Date(year, month - 1, date).getTime();
  return dayOf(from) === day ? [from, new Date(year, month - 1, date + 1).getTime()] : null;
}

/** Whole steps of a clock between two moments, at most so many: where the timeline has its marks. */
export function marksOf(from: number, to: number, most: number): number[] {
  const step = STEPS_MS.find((step) => (to - from) / step <= most) ?? STEPS_MS[STEPS_MS.length - 1]!;
  // Whole hours of this device's clock, not of UTC.
  const shift = new Date(from).getTimezoneOffset() * MINUTE_MS;
  const first = Math.ceil((from - shift) / step) * step + shift;
  const marks = [];
  for (let at = first; at <= to; at += step) marks.push(at);
  return marks;
}

const MINUTE_MS = 60_000;
const STEPS_MS = [1 / 12, 1 / 6, 1 / 4, 1 / 2, 1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE_MS);

/** Of one participant in one session of a room each. */
function groupsOf(files: readonly Recording[], now: number): Clip[][] {
  const groups = new Map<string, Clip[]>();
  for (const file of files) {
    const key = JSON.stringify([file.room_sid, file.participant]);
    groups.set(key, [...(groups.get(key) ?? []), clipOf(file, now)]);
  }
  const byStart = (a: Clip, b: Clip) => a.start - b.start || (a.file.id < b.file.id ? -1 : 1);
  return [...groups.values()].map((group) => group.sort(byStart));
}

/** Somebody who also shares a screen, or whose mix is recorded twice, has more than one picture at a time: each in a strand of its own. */
function strandsOf(group: readonly Clip[]): Clip[][] {
  const strands: Clip[][] = [];
  for (const clip of group) {
    const taken = (strand: Clip[]) => strand.some((one) => one.file.kind === clip.file.kind && one.end > clip.start + OVERLAP_MS);
    const strand = strands.find((strand) => !taken(strand));
    if (strand) strand.push(clip);
    else strands.push([clip]);
  }
  return strands;
}

function takesOf(strand: readonly Clip[]): Take[] {
  const takes: Take[] = [];
  for (const clip of strand) {
    const last = takes[takes.length - 1];
    if (last && clip.start <= last.end + JOIN_MS) {
      last.clips.push(clip);
      last.end = Math.max(last.end, clip.end);
      last.running ||= isMade(clip.file);
    } else {
      const { id, room, participant } = clip.file;
      takes.push({ key: id, room, who: participant, clips: [clip], start: clip.start, end: clip.end, running: isMade(clip.file) });
    }
  }
  return takes;
}
