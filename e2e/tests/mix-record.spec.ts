import { expect, test } from '../lib/mix.ts';
import { guest, moderator, rest, type Member } from '../lib/member.ts';

const ann = { colour: 1, tone: 440 };
const bo = { colour: 2, tone: 880 };

interface Recording {
  id: string;
  state: string;
  started?: number;
  ended?: number;
  duration?: number;
}

/** What came of a call of the page's kit. */
async function done<T>(member: Member, name: string, ...args: unknown[]): Promise<T> {
  const answer = await member.call<{ result: T; error?: object }>(name, ...args);
  expect(answer.error, `${member.label}: ${name}`).toBeUndefined();
  return answer.result;
}

test('a moderator records the mix, pauses, goes on and stops by the object that the SDK gives', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', [...moderator, 'room.recording'], ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  expect((await b.call<{ error?: { code?: string } }>('record')).error?.code, 'a guest may not').toBe('403');
  const before = Date.now();
  const one = await done<Recording>(a, 'record');
  expect(one.state).toBe('recording');
  expect(Math.abs(one.started! - before)).toBeLessThan(10_000);
  const marked = (on: boolean) => (detail: any) => detail.room_session.recording === on && detail.room_session.updated.includes('recording');
  await a.hasHeard('recording.started', (detail) => detail.id === one.id);
  for (const member of [a, b]) await member.hasHeard('room.updated', marked(true), 'the mark');
  const turn = async (method: string, event: string, state: string) => {
    await done(a, 'recording', method);
    await a.hasHeard(event, (detail) => detail.id === one.id && detail.state === state, `${event} ${state}`);
  };
  await a.page.evaluate(() => new Promise((go) => setTimeout(go, 3_000)), undefined);
  await turn('pause', 'recording.updated', 'paused');
  await turn('resume', 'recording.updated', 'recording');
  await turn('stop', 'recording.ended', 'completed');
  const [listed] = await done<Recording[]>(a, 'recordings');
  expect(listed).toMatchObject({ id: one.id, state: 'completed' });
  expect(listed!.duration!).toBeGreaterThan(2);
  expect(listed!.ended!).toBeGreaterThan(listed!.started!);
  for (const member of [a, b]) await member.hasHeard('room.updated', marked(false), 'no mark');
  expect(await b.events('recording.started'), 'who may not is told no more than that').toHaveLength(0);
  const file = async () => (await rest(mix.kennel, 'GET', `room_recordings/${one.id}`)).body;
  await expect.poll(async () => (await file()).status, { message: 'it is a file', timeout: 30_000 }).toBe('completed');
  expect((await file()).size_in_bytes).toBeGreaterThan(1_000);
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
});

test('a room may be recorded from its start', async ({ mix, roomName }) => {
  const made = await rest(mix.kennel, 'POST', 'rooms', { name: roomName, record_on_start: true });
  expect([200, 201], JSON.stringify(made.body)).toContain(made.status);
  const a = await mix.open('ann');
  await mix.join(a, roomName, 'ann', [...moderator, 'room.recording'], ann);
  await a.hasHeard('room.subscribed', (detail) => detail.room_session.recording === true && detail.room_session.recordings.length === 1, 'it is recorded');
  const [one] = await done<Recording[]>(a, 'recordings');
  expect(one!.state).toBe('recording');
});
