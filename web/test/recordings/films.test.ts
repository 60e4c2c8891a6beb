import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/api';
import { askOf, fieldOf, momentOf, partOf, peopleOf, reasonOf, remedyOf, seenIn, spanOf, takeOf, tensOf, usualFormat, waitsFor } from '../../src/recordings/film';
import type { Choice, Film, FilmAsk } from '../../src/recordings/film';
import FilmList from '../../src/recordings/FilmList.svelte';
import { Films, type FilmCalls, type FilmPage } from '../../src/recordings/films.svelte';
import { isPlayable, type Recording } from '../../src/recordings/model';
import { dayName, filmTime } from '../../src/recordings/words';

const START = new Date(2026, 4, 3, 14, 0, 0).getTime();

function file(participant: string | null, kind: Recording['kind'], at: number, duration: number | null, room = 'Den'): Recording {
  const status = duration === null ? 'processing' : 'completed';
  return { id: `RT${participant}${kind}${at}`, room, room_sid: 'RM1', participant, track: kind, kind, status, left: false, why: null, codec: null, created: START + at, ended: null, offset: START + at, duration, bytes: 1, playable: duration !== null };
}

function film(id: string, status: Film['status'], percent = 0, more: Partial<Film> = {}): Film {
  const asked = { name: 'Den', from: START, to: START + 60_000, who: [], layout: 'equal' as const };
  return { id: `CJ${id}`, room: 'Den', room_sid: 'RM1', status, percent, left: null, waits: null, why: null, container: 'webm', created: START, ended: null, duration: null, bytes: null, asked, ...more };
}

const choice: Choice = { room: 'Den', from: 1, to: 2, people: ['Ann', 'Bo'], who: ['Ann', 'Bo'], layout: 'equal', large: 'Ann', size: '1280x720', format: 'mp4', trim: true };

describe('what a film is made of', () => {
  const files = [file('Bo', 'video', 0, 5_000), file('Ann', 'audio', 1_000, 9_000), file(null, 'mix', -9_000, 90_000), file('Cy', 'video', 0, 9_000, 'Barn')];

  it('is of those whose camera or microphone was recorded in the room', () => {
    expect(peopleOf(files, 'Den')).toEqual(['Ann', 'Bo']);
    expect(spanOf(files, 'Den', 0)).toEqual([START, START + 10_000]);
    expect(spanOf(files, 'Shed', 0)).toBeNull();
  });

  it('reaches up to now where something is being recorded, and waits for that', () => {
    const running = [...files, file('Ann', 'video', 2_000, null)];
    expect(spanOf(running, 'Den', START + 77_000)).toEqual([START, START + 77_000]);
    const check = (who: string[], to: number, now: number, expected: boolean) => expect(waitsFor(running, { room: 'Den', who, to: START + to }, START + now)).toBe(expected);
    check(['Ann'], 60_000, 77_000, true);
    check(['Bo'], 60_000, 77_000, false);
    check(['Ann'], 2_000, 3_000, false);
    // What is over is in the files by then, however long the recording goes on.
    check(['Ann'], 60_000, 90_000, false);
  });

  it('shows large whom there are pictures of in that time, most of them first', () => {
    const some = [...files, file('Ann', 'video', 2_000, null), file('Di', 'audio', 0, 9_000)];
    const check = (from: number, to: number, expected: string[]) => expect(seenIn(some, 'Den', [START + from, START + to], START + 60_000)).toEqual(expected);
    check(0, 60_000, ['Ann', 'Bo']);
    check(0, 4_000, ['Bo', 'Ann']);
    check(0, 2_000, ['Bo']);
    check(5_000, 6_000, ['Ann']);
    check(60_000, 61_000, []);
  });

  it('is of what is marked, over midnight too', () => {
    const span = [START, START + 15 * 3_600_000] as const;
    const check = (marked: [number | null, number | null], expected: [number, number]) =>
      expect(partOf(span, marked.map((at) => (at === null ? null : START + at)) as [number | null, number | null])).toEqual([START + expected[0], START + expected[1]]);
    check([null, null], [0, 15 * 3_600_000]);
    check([12 * 3_600_000, 13 * 3_600_000], [12 * 3_600_000, 13 * 3_600_000]);
    check([1.5, 2.5], [1, 3]);
    check([-9, null], [0, 15 * 3_600_000]);
    // Of another room than the one that is chosen.
    check([-9, -8], [0, 15 * 3_600_000]);
  });
});

describe('what is asked of the server', () => {
  it('names nobody where everybody is meant', () => {
    expect(askOf(choice)).toEqual({ name: 'Den', from: 1, to: 2, layout: 'equal', resolution: '1280x720', format: 'mp4', trim: true });
    expect(askOf({ ...choice, who: ['Bo'] }).who).toEqual(['Bo']);
  });

  it('has somebody large who is in it', () => {
    expect(askOf({ ...choice, layout: 'large' }).large).toBe('Ann');
    expect(askOf({ ...choice, layout: 'large', large: '' })).toMatchObject({ layout: 'equal' });
    expect(askOf({ ...choice, layout: 'turns' }).large).toBeUndefined();
  });

  it('takes times as fields have them, with the day where there are two', () => {
    expect(fieldOf(START + 83_000, false)).toBe('14:01:23');
    expect(fieldOf(START + 83_000, true)).toBe('2026-05-03T14:01:23');
    expect(momentOf(START, '14:01:23')).toBe(START + 83_000);
    expect(momentOf(START, '14:01')).toBe(START + 60_000);
    expect(momentOf(START, '2026-05-04T02:00')).toBe(new Date(2026, 4, 4, 2).getTime());
    expect(momentOf(START, '')).toBeNull();
  });

  it('is WebM only where that is played', () => {
    expect(usualFormat(() => 'probably')).toBe('webm');
    expect(usualFormat(() => '')).toBe('mp4');
  });
});

describe('what is said of a film', () => {
  it('gives each reason its words', () => {
    const check = (why: string | null, expected: string) => expect(reasonOf(why)).toBe(expected);
    check('its disk has less than 1280 MiB left', 'disk');
    check('its recordings were deleted', 'deleted');
    check('there is no recording to compose', 'nothing');
    check('nothing is left of its recordings', 'nothing');
    check('it would be longer than 24 hours', 'long');
    check('Kennel ended while it was made, three times', 'ended');
    check('lost', 'lost');
    check('its recordings were cut off, and their key or their disk was not there when Kennel started', 'locked');
    check('a recording could not be opened: denied', 'open');
    check('a defect of Kennel ended it', 'other');
    check(null, 'other');
  });

  it('is offered again only where that can help', () => {
    const check = (why: string | null, expected: string) => expect(remedyOf(why)).toBe(expected);
    check('its disk has less than 1280 MiB left', 'again');
    check('it would be longer than 24 hours', 'change');
    check('there is no recording to compose', 'change');
    check('its recordings were deleted', 'none');
    check(null, 'again');
  });

  it('says when it is of, with both days where there are two', () => {
    const of = (from: number, to: number) => filmTime(film('1', 'completed', 100, { asked: { from, to } }), START);
    expect(of(START, START + 60_000)).not.toContain(dayName(START + 13 * 3_600_000, START));
    expect(of(START, START + 13 * 3_600_000)).toContain(dayName(START + 13 * 3_600_000, START));
  });

  it('is played by the player of recordings', () => {
    const take = takeOf(film('1', 'completed', 100, { duration: 5_000, bytes: 7 }));
    expect([isPlayable(take), take.end - take.start, take.clips[0]!.file.kind]).toEqual([true, 5_000, 'mix']);
    expect(isPlayable(takeOf(film('2', 'failed')))).toBe(false);
  });
});

/** A server of these lists, one after the other; null: it is away then. */
function server(lists: (Film[] | null)[], next: number | null = null) {
  const said: string[] = [];
  const asked: unknown[] = [];
  let refuses = false;
  let gate: Promise<void> | null = null;
  const refused: Answer<never> = { ok: false, failure: { kind: 'refused', status: 409, code: 'too_many', message: 'Too many.', ended: null } };
  const full: FilmAsk = { name: 'Den', layout: 'turns', from: START, to: START + 60_000 };
  const calls: FilmCalls = {
    list: async (room, after) => {
      asked.push(after === null ? room : after);
      const list = lists.length ? lists.shift()! : [];
      await gate;
      return list ? { ok: true, value: { compositions: list, next } satisfies FilmPage } : { ok: false, failure: { kind: 'unreachable' } };
    },
    find: async (id) => (asked.push(id), { ok: true, value: film(id.slice(2), 'failed', 0, { asked: full, created: START - 9 }) }),
    make: async (ask) => (asked.push(ask), refuses ? refused : { ok: true, value: film('new', 'enqueued') }),
    forget: async ({ id }) => (asked.push(id), { ok: true, value: null }),
  };
  const hold = () => {
    let free = () => {};
    gate = new Promise((resolve) => (free = resolve));
    return () => (free(), (gate = null));
  };
  return { films: new Films(calls, (text) => said.push(text)), said, asked, full, hold, refuse: () => (refuses = true) };
}

describe('films on the page', () => {
  it('tells of each tenth once, and of the end', async () => {
    const steps = [9, 12, 19, 34, 35].map((percent) => [film('1', 'processing', percent)]);
    const one = server([[film('1', 'enqueued')], ...steps, [film('1', 'completed', 100)], [film('1', 'completed', 100)]]);
    for (let step = 0; step < 8; step += 1) await one.films.refresh();
    expect(one.said).toEqual(['Film of Den: 10%', 'Film of Den: 30%', 'Film of Den is ready.']);
    expect([tensOf(film('1', 'processing', 99)), tensOf(film('1', 'completed', 100))]).toEqual([90, 0]);
  });

  it('says nothing of what it finds at first', async () => {
    const one = server([[film('1', 'processing', 50), film('2', 'failed')]]);
    await one.films.choose('Den');
    expect([one.said, one.asked, one.films.pending]).toEqual([[], ['Den'], true]);
  });

  it('asks each second while one is being made, else seldom', async () => {
    const one = server([[film('1', 'processing', 1)], [film('1', 'completed', 100)], []]);
    await one.films.refresh(0);
    await one.films.follow(1_000);
    await one.films.follow(2_000);
    expect(one.asked).toHaveLength(2);
    await one.films.follow(11_000);
    expect(one.asked).toHaveLength(3);
  });

  it('waits for an answer that takes long, and takes it', async () => {
    const one = server([[film('1', 'processing', 1)], [film('1', 'processing', 50)]]);
    await one.films.refresh(0);
    const free = one.hold();
    const first = one.films.follow(1_000);
    await one.films.follow(2_000);
    await one.films.follow(3_000);
    expect(one.asked).toHaveLength(2);
    free();
    await first;
    expect(one.films.list![0]!.percent).toBe(50);
  });

  it('asks again where the first answer did not come', async () => {
    const one = server([null, [film('1', 'completed', 100)]]);
    await one.films.choose('Den');
    expect([one.films.list, one.films.failed]).toEqual([null, true]);
    await one.films.follow(Date.now() + 10_000);
    expect([one.films.list!.length, one.films.failed]).toEqual([1, false]);
  });

  it('shows older ones when they are asked for, and keeps them', async () => {
    const at = (id: string, created: number) => film(id, 'completed', 100, { created: START + created });
    const one = server([[at('5', 5), at('4', 4)], [at('3', 3)], [at('6', 6), at('5', 5)]], 77);
    await one.films.choose('');
    await one.films.more();
    expect(one.asked).toEqual(['', 77]);
    await one.films.refresh();
    expect(one.films.list!.map(({ id }) => id)).toEqual(['CJ6', 'CJ5', 'CJ4', 'CJ3']);
    await one.films.seek('CJ1');
    await one.films.seek('CJ1');
    expect(one.films.list!.map(({ id }) => id)).toEqual(['CJ6', 'CJ5', 'CJ4', 'CJ3', 'CJ1']);
    expect(one.asked.filter((what) => what === 'CJ1')).toHaveLength(1);
  });

  it('says of which it tells where two are of one room', async () => {
    const two = (first: number, second: number) => [film('1', 'processing', first), film('2', 'enqueued', second)];
    const one = server([two(1, 0), two(20, 0)]);
    await one.films.refresh();
    await one.films.refresh();
    expect(one.said).toEqual([expect.stringMatching(/^Film of Den, .*:00:00.*: 20%$/)]);
  });

  it('shows at once what was asked for, and says why where it is not', async () => {
    const one = server([[]]);
    await one.films.refresh();
    expect(await one.films.make(askOf(choice))).toBeNull();
    expect([one.films.list!.map(({ id }) => id), one.said]).toEqual([['CJnew'], ['Film of Den will be made.']]);
    await one.films.make(askOf(choice));
    expect(one.films.list!, 'it waited already').toHaveLength(1);
    one.refuse();
    expect(await one.films.make(askOf(choice))).toMatchObject({ code: 'too_many' });
    expect(one.films.failure, 'it is told in the dialog').toBeNull();
  });

  it('makes one again as it was, and lets the failed one go', async () => {
    const failed = film('1', 'failed', 0, { why: 'its disk has less than 1280 MiB left' });
    const one = server([[failed]]);
    await one.films.refresh();
    await one.films.again(failed);
    expect(one.asked).toEqual(['', 'CJ1', one.full, 'CJ1']);
    expect(one.films.list!.map(({ id }) => id)).toEqual(['CJnew']);
    const ready = film('2', 'completed', 100);
    await one.films.again(ready, { format: 'mp4' });
    expect(one.asked.slice(4), 'it stays').toEqual(['CJ2', { ...one.full, format: 'mp4' }]);
  });

  const body = async (list: Film[], next: number | null = null) => {
    const one = server([list], next);
    await one.films.refresh();
    return render(FilmList, { props: { films: one.films, shown: '', onplay: () => {}, onchange: () => {}, ondelete: () => {} } }).body;
  };

  it('shows how far it is to everybody', async () => {
    const html = await body([film('1', 'processing', 40, { left: 90 })]);
    for (const part of ['role="progressbar"', 'aria-valuenow="40"', 'aria-valuetext="40% · about 2 min left"', 'film-cancel']) expect(html).toContain(part);
    expect(html).not.toContain('film-play');
  });

  it('says what it waits for, and why it failed', async () => {
    expect(await body([film('1', 'enqueued', 0, { waits: 'recording' })])).toContain('Waits until its end is recorded');
    expect(await body([film('1', 'enqueued', 0, { waits: 'recording', asked: {} })])).toContain('Waits until the recording has stopped');
    expect(await body([film('1', 'enqueued', 0, { waits: 'disk' })])).toContain('the disk is nearly full');
    expect(await body([film('1', 'enqueued')])).toContain('Waits for its turn');
    const failed = await body([film('1', 'failed', 0, { why: 'its disk has less than 1280 MiB left' })]);
    for (const part of ['The disk is nearly full', 'film-again', 'its disk has less than 1280 MiB left']) expect(failed).toContain(part);
    const long = await body([film('1', 'failed', 0, { why: 'it would be longer than 24 hours' })]);
    expect([long.includes('film-change'), long.includes('film-again')]).toEqual([true, false]);
  });

  it('names each button by its film', async () => {
    const html = await body([film('1', 'completed', 100)]);
    for (const action of ['Play', 'Download', 'Delete']) expect(html).toMatch(new RegExp(`aria-label="${action}: Film of Den, [^"]*:00:00`));
  });

  it('shows a few, and all that are being made', async () => {
    const list = Array.from({ length: 9 }, (_, at) => film(String(at), at === 7 ? 'processing' : 'completed', 5));
    const html = await body(list);
    expect(html.match(/data-testid="film"/g)).toHaveLength(5);
    expect(html).toContain('Show all 9 films');
    expect(await body(list, 77), 'how many there are is not known').toContain('Show older films');
    expect(await body(list.slice(0, 3), 77)).toContain('films-more');
  });
});
