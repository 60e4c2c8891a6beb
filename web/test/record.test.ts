import { readFileSync } from 'node:fs';
import { render } from 'svelte/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import Button from '../src/record/Button.svelte';
import { isWritten, setRecording, waitsFor, type Waits } from '../src/record/call';
import Mark from '../src/record/Mark.svelte';
import { Meeting, type Wish } from '../src/room/meeting.svelte';
import { outcomeWords } from '../src/room/people';

afterEach(() => void vi.unstubAllGlobals());

describe('the button to record', () => {
  const drawn = (on: boolean, waits: Waits = null) => render(Button, { props: { room: 'Den', on, waits, ontell: () => {} } }).body;

  it('keeps its label, and says by its state that it is on', () => {
    expect([drawn(false), drawn(true)].map((html) => /aria-label="([^"]*)"/.exec(html)?.[1])).toEqual(['Record this room', 'Record this room']);
    expect([drawn(false), drawn(true)].map((html) => /aria-pressed="([^"]*)"/.exec(html)?.[1])).toEqual(['false', 'true']);
  });

  it('offers to stop what waits for room on the disk', () => {
    expect(drawn(false, 'disk')).toContain('aria-label="Don’t record when there is room again"');
    expect(drawn(false, 'disk')).not.toContain('aria-pressed');
  });

  it('offers to stop what is on where nothing is written', () => {
    expect(drawn(false, 'begin')).toContain('aria-label="Don’t record this room"');
  });

  it.each([
    [{ on: true, recording: false, waiting: true }, 'disk'],
    [{ on: true, recording: false, waiting: false }, 'begin'],
    [{ on: true, recording: true, waiting: false }, null],
    [{ on: false, recording: false, waiting: false }, null],
  ])('knows from %j what it waits for', async (says, is) => {
    let path = '';
    vi.stubGlobal('fetch', async (asked: string) => {
      path = asked;
      return Response.json({ room: 'Dog Cam', ...says });
    });
    expect([await waitsFor('Dog Cam'), path]).toEqual([is, '/kennel/v1/rooms/Dog%20Cam/record']);
  });

  it.each([
    [404, 'not_found', 'There is nobody in the room. Start a camera first, then record.'],
    [409, 'not_recordable', 'Not this one.'],
  ])('says what came of %i %s', async (status, code, said) => {
    vi.stubGlobal('fetch', async () => Response.json({ error: { code, message: 'Not this one.' } }, { status }));
    expect(await setRecording('Den', true)).toBe(said);
  });

  it.each([
    [['completed', 'processing'], true],
    [['completed'], false],
    [[], false],
  ])('knows of files %j whether something is written', async (states, is) => {
    let path = '';
    vi.stubGlobal('fetch', async (asked: string) => {
      path = asked;
      return Response.json({ recordings: states.map((status) => ({ status })), next: null, space: null });
    });
    expect([await isWritten('Dog Cam'), path]).toEqual([is, '/kennel/v1/recordings?room=Dog+Cam']);
  });

  it('does not say that nothing is written where the server does not answer', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('away')));
    expect(await isWritten('Den')).toBeNull();
    expect(await waitsFor('Den')).toBeUndefined();
  });
});

describe('recording a mixed room', () => {
  const wish: Wish = { moderator: true, room: 'Den', user: 'Ann', mic: false, cam: false, micDevice: '', camDevice: '', hasMic: false, hasCam: false };

  it.each([
    [null, ''],
    [{ code: '403' }, 'The room does not allow that.'],
    [{ code: '409' }, 'That did not work. Try again.'],
    [{ code: '507' }, 'The disk for recordings is too full. Delete recordings, then try again.'],
    [new Error('no answer'), 'That did not work. Try again.'],
  ])('that ends with %j says "%s"', async (error, said) => {
    const meeting = new Meeting(wish);
    const startRecording = async () => {
      if (error) throw error;
    };
    Object.assign(meeting, { session: { startRecording } });
    expect(outcomeWords(await meeting.record(true))).toBe(said);
  });
});

describe('the mark of a recorded room', () => {
  it('is there as long as it is recorded', () => {
    const drawn = (on: boolean) => render(Mark, { props: { on, here: true } }).body;
    expect(drawn(true)).toContain('Recording');
    expect(drawn(false)).not.toContain('Recording');
  });

  it('says that recording waits while there is no room on the disk', () => {
    const drawn = render(Mark, { props: { on: false, waits: 'disk', here: true } }).body;
    expect(drawn).toContain('Recording waits for room on the disk');
    expect(render(Mark, { props: { on: true, waits: 'disk', here: true } }).body).not.toContain('waits');
  });

  it('does not say that a room is recorded in which there is nobody to record', () => {
    const drawn = (waits: Waits) => render(Mark, { props: { on: true, waits, here: true, heard: false } }).body;
    for (const waits of [null, 'begin'] as const) expect(drawn(waits)).toContain('Recording begins when a camera is on');
    expect(drawn('disk')).toContain('Recording waits for room on the disk');
  });

  it.each(['dogcam/CameraLive', 'dogcam/Watch', 'room/Inside'])('comes with %s itself, not in a file that may not come', (page) => {
    expect(readFileSync(new URL(`../src/${page}.svelte`, import.meta.url), 'utf8')).toMatch(/^ +import Mark from '\.\.\/record\/Mark\.svelte';$/m);
  });
});
