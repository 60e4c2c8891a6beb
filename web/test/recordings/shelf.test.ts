import { afterEach, describe, expect, it, vi } from 'vitest';
import { searchOf } from '../../src/recordings/address';
import { dayOf, type Recording } from '../../src/recordings/model';
import { Shelf } from '../../src/recordings/shelf.svelte';

const HOUR = 3_600_000;
const PAGE = 100;
const NIGHT = new Date(2026, 4, 3, 23, 59).getTime();

function file(id: string, created: number, room = 'Den'): Recording {
  const common = { room_sid: 'RM1', participant: 'Kitchen', track: 'camera', kind: 'video', status: 'completed', left: false, why: null, codec: 'vp8', bytes: 1 } as const;
  return { ...common, id, room, created, ended: created + 1, offset: created, duration: 1, playable: true };
}

/** One each hour back from that night. */
const hourly = (count: number, room = 'Den') => Array.from({ length: count }, (_, at) => file(`${room}${at}`, NIGHT - at * HOUR, room));

/** Answers as the server does (docs/ref/api.md), of files that may change; a link for one room refuses the others. */
function serve(files: Recording[], only = ''): void {
  vi.stubGlobal('fetch', async (path: string) => {
    const query = new URL(path, 'http://kennel').searchParams;
    const [room, from, before, after] = [query.get('room'), Number(query.get('from') ?? 0), Number(query.get('before') ?? Infinity), Number(query.get('after') ?? 0)];
    if (only && room && room !== only) return Response.json({ error: { code: 'room_not_allowed', message: 'This link is for another room.' } }, { status: 403 });
    const found = files.filter((one) => (!room || one.room === room) && from <= one.created && one.created < before).sort((a, b) => b.created - a.created);
    const next = after + PAGE < found.length ? after + PAGE : null;
    return Response.json({ recordings: found.slice(after, after + PAGE), next, space: { used: 0, free: 1 } });
  });
}

const days = (shelf: Shelf) => shelf.days.map((one) => one.day);

afterEach(() => void vi.unstubAllGlobals());

describe('a day', () => {
  it('of more files than are asked for says so', async () => {
    serve([...Array.from({ length: 2_001 }, (_, at) => file(`n${at}`, NIGHT - at)), file('old', NIGHT - 24 * HOUR)]);
    const shelf = new Shelf('', '');
    await shelf.open();
    expect([shelf.files?.length, shelf.cut]).toEqual([2_000, true]);
    await shelf.show(dayOf(NIGHT - 24 * HOUR));
    expect([shelf.files?.length, shelf.cut]).toEqual([1, false]);
  });

  it('that begins while the page is open is offered within a minute', async () => {
    const files = [file('a', NIGHT - HOUR)];
    serve(files);
    const shelf = new Shelf('', '');
    await shelf.open(NIGHT);
    files.push(file('b', NIGHT + 70_000));
    await shelf.follow(NIGHT + 50_000);
    expect(shelf.later).toBeUndefined();
    await shelf.follow(NIGHT + 61_000);
    expect([shelf.day, shelf.later]).toEqual([dayOf(NIGHT), dayOf(NIGHT + 70_000)]);
    expect(shelf.days.map((one) => one.number)).toEqual([1, 1]);
  });

  it('is not hidden behind more news than fit into an answer', async () => {
    const files = hourly(50);
    serve(files);
    const shelf = new Shelf('', '');
    await shelf.open(NIGHT);
    for (let at = 1; at <= 150; at += 1) files.push(file(`new${at}`, NIGHT + at * HOUR));
    await shelf.follow(NIGHT + 151 * HOUR);
    expect(shelf.older, 'the list goes on').not.toBeNull();
    await shelf.show(dayOf(NIGHT + 51 * HOUR));
    expect(shelf.earlier, 'nothing is known of the day before').toBeUndefined();
    await shelf.learn();
    expect(days(shelf)).toEqual([...new Set(files.map((one) => dayOf(one.created)))].sort().reverse());
  });

  it('of long ago does not make the days between be passed over', async () => {
    serve(hourly(24 * 20));
    const asked = dayOf(NIGHT - 24 * 18 * HOUR);
    const shelf = new Shelf(asked, '');
    await shelf.open();
    expect([shelf.day, shelf.older !== null, shelf.earlier]).toEqual([asked, true, undefined]);
    const oldest = shelf.later!;
    await shelf.show(oldest);
    expect(shelf.earlier, 'there may be others between').toBeUndefined();
    await shelf.learn();
    expect(shelf.earlier! > asked && shelf.earlier! < oldest).toBe(true);
  });
});

describe('a room', () => {
  it('has all of its days, however many files of others are newer', async () => {
    const old = file('old', NIGHT - 24 * 30 * HOUR, 'Office');
    serve([...hourly(350), old]);
    const shelf = new Shelf('', '');
    await shelf.open();
    expect(days(shelf)).not.toContain(dayOf(old.created));
    await shelf.choose('Office');
    expect(days(shelf)).toEqual([dayOf(NIGHT), dayOf(old.created)]);
    expect([shelf.files, shelf.earlier, shelf.rooms]).toEqual([[], dayOf(old.created), ['Den', 'Office']]);
    await shelf.show(shelf.earlier!);
    expect(shelf.lanes.map((lane) => lane.room)).toEqual(['Office']);
  });

  it('that the link is not for gives way to those that it is for', async () => {
    serve(hourly(2), 'Den');
    const shelf = new Shelf('', 'Office');
    await shelf.open();
    expect([shelf.failure, shelf.room, shelf.files?.length]).toEqual([null, '', 2]);
  });
});

describe('the address', () => {
  it('says what is shown, also where a query does not know its own size', () => {
    const size = Object.getOwnPropertyDescriptor(URLSearchParams.prototype, 'size');
    Object.defineProperty(URLSearchParams.prototype, 'size', { value: undefined, configurable: true });
    try {
      expect(searchOf({ room: 'Living room', day: '2026-05-03', take: '' })).toBe('?room=Living+room&day=2026-05-03');
      expect(searchOf({ room: '', day: '', take: '' })).toBe('');
    } finally {
      if (size) Object.defineProperty(URLSearchParams.prototype, 'size', size);
    }
  });
});
