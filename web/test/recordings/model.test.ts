import { describe, expect, it } from 'vitest';
import { bytesOf, clipAt, contentOf, dayOf, daySpan, isLeft, isPlayable, lanesOf, marksOf, neighbour, type Recording } from '../../src/recordings/model';

const NOW = 1_000_000;

/** A file of Kitchen's: its kind, when it began and how long it is, in s. */
function file(id: string, kind: Recording['kind'], start: number, length: number, more: Partial<Recording> = {}): Recording {
  return {
    id,
    room: 'Den',
    room_sid: 'RM1',
    participant: 'Kitchen',
    track: kind,
    kind,
    status: 'completed',
    left: false,
    why: 'stopped',
    codec: 'vp8',
    created: start * 1000,
    ended: (start + length) * 1000,
    offset: start * 1000,
    duration: length * 1000,
    bytes: 10,
    playable: length > 0,
    ...more,
  };
}

/** Rows as "who: files+files files". */
const drawn = (files: Recording[]) =>
  lanesOf(files, NOW).map((lane) => `${lane.who}: ${lane.takes.map((take) => take.clips.map((clip) => clip.file.id).join('+')).join(' ')}`);

describe('takes', () => {
  it('hold picture and sound of one participant', () => {
    expect(drawn([file('a', 'audio', 10, 20), file('v', 'video', 10.4, 19)])).toEqual(['Kitchen: a+v']);
  });

  it('end where nothing was recorded for a while', () => {
    expect(drawn([file('v1', 'video', 10, 20), file('v2', 'video', 31, 5), file('v3', 'video', 60, 5)])).toEqual(['Kitchen: v1+v2 v3']);
  });

  it('of two pictures at a time are in rows of their own', () => {
    expect(drawn([file('cam', 'video', 10, 20), file('mic', 'audio', 10, 20), file('screen', 'video', 15, 5)])).toEqual(['Kitchen: cam+mic', 'Kitchen: screen']);
  });

  it('of several rooms, people and mixes are in rows of their own, in the order in which they begin', () => {
    const files = [
      file('g', 'video', 12, 5, { participant: 'Garden' }),
      file('k', 'video', 10, 5),
      file('m', 'mix', 11, 5, { participant: null, room_sid: 'RM2', room: 'Office' }),
    ];
    expect(drawn(files)).toEqual(['Kitchen: k', 'null: m', 'Garden: g']);
  });

  it('of another session of the room follow in the same row', () => {
    expect(drawn([file('b', 'video', 50, 5, { room_sid: 'RM2' }), file('a', 'video', 10, 5)])).toEqual(['Kitchen: a b']);
  });

  it('that are being written reach until now, and are not played yet', () => {
    const take = lanesOf([file('v', 'video', 990, 0, { status: 'processing', ended: null, duration: null, bytes: null, offset: 0 })], NOW)[0]!.takes[0]!;
    expect(take).toMatchObject({ start: 990_000, end: NOW, running: true });
    expect([isPlayable(take), contentOf(take), bytesOf(take)]).toEqual([false, 'picture', 0]);
  });

  it('that were cut off and not finished are not being recorded, and may be deleted', () => {
    const cut = { status: 'processing', left: true, why: null, duration: null, bytes: null, playable: false } as const;
    const take = lanesOf([file('v', 'video', 10, 0, cut)], NOW)[0]!.takes[0]!;
    expect([take.running, isLeft(take), isPlayable(take), take.end - take.start]).toEqual([false, true, false, 0]);
    const running = lanesOf([file('v', 'video', 10, 0, { ...cut, left: false })], NOW)[0]!.takes[0]!;
    expect([running.running, isLeft(running)]).toEqual([true, false]);
  });

  it('of which nothing came hold nothing', () => {
    const take = lanesOf([file('v', 'video', 10, 0, { status: 'failed', why: 'no media' })], NOW)[0]!.takes[0]!;
    expect([isPlayable(take), contentOf(take), take.end - take.start]).toEqual([false, 'nothing', 0]);
  });
});

describe('a moment of a take', () => {
  const lane = lanesOf([file('a', 'audio', 10, 20), file('v', 'video', 10.4, 10), file('w', 'video', 21, 9), file('x', 'video', 90, 9)], NOW)[0]!;
  const at = (kind: 'picture' | 'sound', ms: number) => clipAt(lane.takes[0]!, kind, ms)?.file.id ?? '-';

  it('is in the file that holds it', () => {
    expect([at('sound', 0), at('picture', 0), at('picture', 400), at('picture', 10_500), at('picture', 11_000), at('sound', 20_000)]).toEqual(['a', '-', 'v', '-', 'w', '-']);
  });

  it('has takes before and after it', () => {
    const [first, second] = lane.takes;
    expect(neighbour(lane, first!.key, 1)?.key).toBe(second!.key);
    expect(neighbour(lane, second!.key, -1)?.key).toBe(first!.key);
    expect([neighbour(lane, first!.key, -1), neighbour(lane, 'gone', 1)]).toEqual([undefined, undefined]);
  });
});

describe('days', () => {
  it('are those of this device', () => {
    const noon = new Date(2026, 4, 3, 12).getTime();
    expect(dayOf(noon)).toBe('2026-05-03');
    expect(daySpan('2026-05-03')).toEqual([new Date(2026, 4, 3).getTime(), new Date(2026, 4, 4).getTime()]);
  });

  it.each(['', 'today', '2026-02-30', '2026-5-3'])('%j is none', (day) => expect(daySpan(day)).toBeNull());

  it('have marks at whole hours or minutes', () => {
    const at = (hour: number, minute = 0) => new Date(2026, 4, 3, hour, minute).getTime();
    expect(marksOf(at(8, 10), at(12, 10), 6)).toEqual([at(9), at(10), at(11), at(12)]);
    expect(marksOf(at(8), at(8, 4), 5)).toEqual([0, 1, 2, 3, 4].map((minute) => at(8, minute)));
  });
});
