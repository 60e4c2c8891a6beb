import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/api';
import { askOf, momentOf, mostSeen, peopleOf, reasonOf, spanOf, takeOf, tensOf, timeOf, waitsFor, type Choice, type Film } from '../../src/recordings/film';
import FilmList from '../../src/recordings/FilmList.svelte';
import { Films, type FilmCalls, type FilmPage } from '../../src/recordings/films.svelte';
import { isPlayable, type Recording } from '../../src/recordings/model';

const START = new Date(2026, 4, 3, 14, 0, 0).getTime();

function file(participant: string | null, kind: Recording['kind'], at: number, duration: number | null, room = 'Den'): Recording {
  const status = duration === null ? 'processing' : 'completed';
  return { id: `RT${participant}${kind}${at}`, room, room_sid: 'RM1', participant, track: kind, kind, status, why: null, codec: null, created: START + at, ended: null, offset: START + at, duration, bytes: 1, playable: duration !== null };
}

function film(id: string, status: Film['status'], percent = 0, more: Partial<Film> = {}): Film {
  const asked = { name: 'Den', from: START, to: START + 60_000, who: [], layout: 'equal' as const };
  return { id: `CJ${id}`, room: 'Den', room_sid: 'RM1', status, percent, left: null, why: null, container: 'webm', created: START, ended: null, duration: null, bytes: null, asked, ...more };
}

const choice: Choice = { room: 'Den', from: 1, to: 2, people: ['Ann', 'Bo'], who: ['Ann', 'Bo'], layout: 'equal', large: 'Ann', size: '1280x720', format: 'mp4', trim: true };

describe('what a film is made of', () => {
  const files = [file('Bo', 'video', 0, 5_000), file('Ann', 'audio', 1_000, 9_000), file(null, 'mix', -9_000, 90_000), file('Cy', 'video', 0, 9_000, 'Barn')];

  it('is of those whose camera or microphone was recorded in the room', () => {
    expect(peopleOf(files, 'Den')).toEqual(['Ann', 'Bo']);
    expect(mostSeen(files, 'Den')).toBe('Bo');
    expect(spanOf(files, 'Den', 0)).toEqual([START, START + 10_000]);
    expect(spanOf(files, 'Shed', 0)).toBeNull();
  });

  it('reaches up to now where something is being recorded, and waits for that', () => {
    const running = [...files, file('Ann', 'video', 2_000, null)];
    expect(spanOf(running, 'Den', START + 77_000)).toEqual([START, START + 77_000]);
    const check = (who: string[], to: number, expected: boolean) => expect(waitsFor(running, { room: 'Den', who, to: START + to })).toBe(expected);
    check(['Ann'], 60_000, true);
    check(['Bo'], 60_000, false);
    check(['Ann'], 2_000, false);
  });
});

describe('what is asked of the server', () => {
  it('names nobody where everybody is meant', () => {
    expect(askOf(choice)).toEqual({ name: 'Den', from: 1, to: 2, layout: 'equal', resolution: '1280x720', format: 'mp4', trim: true });
    expect(askOf({ ...choice, who: ['Bo'] }).who).toEqual(['Bo']);
  });

  it('has somebody large who is in it', () => {
    expect(askOf({ ...choice, layout: 'large' }).large).toBe('Ann');
    expect(askOf({ ...choice, layout: 'large', who: ['Bo'] }).large).toBe('Bo');
    expect(askOf({ ...choice, layout: 'turns' }).large).toBeUndefined();
  });

  it('takes times of the day as fields have them', () => {
    expect(timeOf(START + 83_000)).toBe('14:01:23');
    expect(momentOf(START, '14:01:23')).toBe(START + 83_000);
    expect(momentOf(START, '14:01')).toBe(START + 60_000);
    expect(momentOf(START, '')).toBeNull();
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
    check('a recording could not be opened: denied', 'open');
    check('a defect of Kennel ended it', 'other');
    check(null, 'other');
  });

  it('is played by the player of recordings', () => {
    const take = takeOf(film('1', 'completed', 100, { duration: 5_000, bytes: 7 }));
    expect([isPlayable(take), take.end - take.start, take.clips[0]!.file.kind]).toEqual([true, 5_000, 'mix']);
    expect(isPlayable(takeOf(film('2', 'failed')))).toBe(false);
  });
});

/** A server of these lists, one after the other. */
function server(lists: Film[][]) {
  const said: string[] = [];
  const asked: unknown[] = [];
  let refuses = false;
  const refused: Answer<never> = { ok: false, failure: { kind: 'refused', status: 409, code: 'too_many', message: 'Too many.', ended: null } };
  const calls: FilmCalls = {
    list: async (room) => (asked.push(room), { ok: true, value: { compositions: lists.shift() ?? [], next: null } satisfies FilmPage }),
    make: async (ask) => (asked.push(ask), refuses ? refused : { ok: true, value: film('new', 'enqueued') }),
    forget: async ({ id }) => (asked.push(id), { ok: true, value: null }),
  };
  return { films: new Films(calls, (text) => said.push(text)), said, asked, refuse: () => (refuses = true) };
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

  it('shows at once what was asked for, and says why where it is not', async () => {
    const one = server([[]]);
    await one.films.refresh();
    expect(await one.films.make(askOf(choice))).toBe(true);
    expect([one.films.list!.map(({ id }) => id), one.said]).toEqual([['CJnew'], ['Film of Den is asked for.']]);
    one.refuse();
    expect(await one.films.make(askOf(choice))).toBe(false);
    expect(one.films.failure).toMatchObject({ code: 'too_many' });
  });

  it('makes one again as it was, and lets the failed one go', async () => {
    const failed = film('1', 'failed', 0, { why: 'its disk has less than 1280 MiB left' });
    const one = server([[failed]]);
    await one.films.refresh();
    await one.films.again(failed);
    expect(one.asked).toEqual(['', failed.asked, 'CJ1']);
    expect(one.films.list!.map(({ id }) => id)).toEqual(['CJnew']);
  });

  const body = async (list: Film[], files: Recording[] = []) => {
    const one = server([list]);
    await one.films.refresh();
    return render(FilmList, { props: { films: one.films, files, shown: '', onplay: () => {}, ondelete: () => {} } }).body;
  };

  it('shows how far it is to everybody', async () => {
    const html = await body([film('1', 'processing', 40, { left: 90 })]);
    for (const part of ['role="progressbar"', 'aria-valuenow="40"', 'aria-valuetext="40% · about 2 min left"', 'film-cancel']) expect(html).toContain(part);
    expect(html).not.toContain('film-play');
  });

  it('says what it waits for, and why it failed', async () => {
    expect(await body([film('1', 'enqueued')], [file('Ann', 'video', 1_000, null)])).toContain('Waits until the recording has stopped');
    expect(await body([film('1', 'enqueued')])).toContain('Waits for its turn');
    const failed = await body([film('1', 'failed', 0, { why: 'its disk has less than 1280 MiB left' })]);
    for (const part of ['The disk is nearly full', 'film-again', 'its disk has less than 1280 MiB left']) expect(failed).toContain(part);
  });

  it('shows a few, and all that are being made', async () => {
    const list = Array.from({ length: 9 }, (_, at) => film(String(at), at === 7 ? 'processing' : 'completed', 5));
    const html = await body(list);
    expect(html.match(/data-testid="film"/g)).toHaveLength(5);
    expect(html).toContain('Show all 9 films');
  });
});
