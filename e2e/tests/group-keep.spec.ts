import { readdirSync } from 'node:fs';
import { beeps, complaints, packets, paintedTimes, soundAfterPicture, streams } from '../lib/files.ts';
import type { Kennel } from '../lib/kennel.ts';
import type { Person } from '../lib/person.ts';
import { expect, test } from '../lib/test.ts';
import { token } from '../lib/tokens.ts';
import { twilio } from '../lib/twilio.ts';

interface Recording {
  id: string;
  room: string;
  kind: 'audio' | 'video';
  status: string;
  why: string | null;
  created: number;
  ended: number | null;
  offset: number;
  duration: number | null;
  bytes: number | null;
  playable: boolean;
}

async function recordings(kennel: Kennel): Promise<Recording[]> {
  const all: Recording[] = [];
  for (let after = ''; ; ) {
    const { body } = await kennel.call('GET', `/kennel/v1/recordings${after}`);
    all.push(...body.recordings);
    if (body.next === null) return all;
    after = `?after=${body.next}`;
  }
}

/** Where the file of a recording is. */
function fileOf(kennel: Kennel, { id }: Recording): string {
  const folder = kennel.path('recordings');
  const name = readdirSync(folder).find((one) => one.includes(id.slice(2)) || one.includes(id));
  expect(name, `a file of ${id} among ${readdirSync(folder).join(' ')}`).toBeDefined();
  return `${folder}/${name}`;
}

const recorded = (kennel: Kennel, name: string) => twilio(kennel, 'POST', 'Rooms', { UniqueName: name, Type: 'group', RecordParticipantsOnConnect: 'true' });
const all = (type: 'include' | 'exclude') => ({ Rules: JSON.stringify([{ type, all: true }]) });

const clock: ['clock', 'clock', object] = ['clock', 'clock', {}];
const sound: ['beeps', 'beeps'] = ['beeps', 'beeps'];

async function enter(person: Person, kennel: Kennel, room: string): Promise<void> {
  await person.join(token(person.label, room), kennel.signaling, [clock, sound], { dominantSpeaker: false });
}

/** Both of somebody are written. */
const written = (kennel: Kennel, count: number) =>
  expect.poll(async () => (await recordings(kennel)).filter(({ status }) => status === 'processing').length, { message: 'they are being recorded', timeout: 30_000 }).toBe(count);
/** What is being written has packets of so many seconds. */
const grown = (kennel: Kennel, seconds: number) => {
  const length = (name: string) => {
    try {
      return packets(kennel.path('recordings', name)).at(-1) ?? 0;
    } catch {
      return 0; // Nothing is in it yet.
    }
  };
  const least = () => {
    const files = readdirSync(kennel.path('recordings')).filter((name) => /\.mk[av]/.test(name));
    return files.length < 2 ? 0 : Math.min(...files.map(length));
  };
  return expect.poll(least, { message: 'seconds in each file', timeout: 60_000, intervals: [1_000] }).toBeGreaterThan(seconds);
};
const finished = (kennel: Kennel, count: number) =>
  expect.poll(async () => (await recordings(kennel)).filter(({ playable }) => playable).length, { message: 'they are files', timeout: 60_000 }).toBe(count);

test('what is painted and what is heard at one moment are so in the files', async ({ people, start, roomName }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const made = await recorded(kennel, roomName);
  const ann = await people.open('ann', '2.36.0');
  await enter(ann, kennel, roomName);
  await written(kennel, 2);
  // Time is the fact here: twelve seconds hold eleven beeps at least.
  await new Promise((done) => setTimeout(done, 14_000));
  await twilio(kennel, 'POST', `Rooms/${made.body.sid}/RecordingRules`, all('exclude'));
  await finished(kennel, 2);
  const list = await recordings(kennel);
  const [video, audio] = [list.find(({ kind }) => kind === 'video')!, list.find(({ kind }) => kind === 'audio')!];
  expect([streams(fileOf(kennel, video)).codecs, streams(fileOf(kennel, audio)).codecs]).toEqual([['vp8'], ['opus']]);

  const pictures = paintedTimes(fileOf(kennel, video)).map(({ at, says }) => ({ at: at + video.offset, says }));
  expect(pictures.length, 'pictures').toBeGreaterThan(100);
  const sorted = soundAfterPicture(pictures, beeps(fileOf(kennel, audio)).map((at) => at + audio.offset));
  const median = sorted[Math.floor(sorted.length / 2)]!;
  test.info().annotations.push({ type: 'sync', description: `${sorted.length} beeps, sound after picture by ${sorted.map((one) => one.toFixed(0)).join(' ')} ms` });
  console.log(`sync: ${sorted.length} beeps, sound after picture by ${sorted.map((one) => one.toFixed(0)).join(' ')} ms`);
  expect(sorted.length, 'beeps').toBeGreaterThan(8);
  expect(Math.abs(median), 'ms between sound and picture').toBeLessThan(40);
});

test('a server that is killed while a browser sends leaves files to the last second', async ({ people, start, roomName }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  await recorded(kennel, roomName);
  const ann = await people.open('ann', '2.36.0');
  await enter(ann, kennel, roomName);
  await written(kennel, 2);
  await grown(kennel, 6);
  const killed = Date.now();
  await kennel.stop('SIGKILL');
  const before = (file: string) => packets(file).at(-1)!;
  const cut = readdirSync(kennel.path('recordings')).filter((name) => /\.mk[av]/.test(name));
  for (const name of cut) expect(before(kennel.path('recordings', name)), `${name} can be played as it was left`).toBeGreaterThan(5);
  await kennel.start();
  const ended = async () => (await recordings(kennel)).filter(({ created, playable }) => created < killed && playable);
  await expect.poll(async () => (await ended()).length, { message: 'both are finished', timeout: 30_000 }).toBe(2);
  for (const one of await ended()) {
    const file = fileOf(kennel, one);
    expect(complaints(file), `${one.kind} is whole`).toBe('');
    const last = packets(file).at(-1)!;
    // Written once a second, and some time on its way.
    expect(killed - (one.offset + last * 1000), `${one.kind} ends in the last second, ms before it was killed`).toBeLessThan(1_500);
    expect(Math.abs(streams(file).duration - last), 'the file says how long it is').toBeLessThan(0.3);
    expect(Math.abs(one.duration! / 1000 - last), 'and so does the list').toBeLessThan(0.3);
  }
  // She comes again by herself, and is recorded again.
  await written(kennel, 2);
});

test('a full disk ends recordings and not the call, and what is on it can be played', async ({ people, start, roomName }) => {
  test.setTimeout(240_000);
  const kennel = await start({ disk: 1_200 });
  const made = await recorded(kennel, roomName);
  const [ann, ben] = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1')];
  await enter(ann, kennel, roomName);
  await ben.join(token('ben', roomName), kennel.signaling, []);
  await ben.sees('ann');
  await written(kennel, 2);
  await grown(kennel, 3);
  // As if somebody else had filled it.
  await kennel.fill();
  await expect.poll(async () => (await recordings(kennel)).map(({ status }) => status).sort(), { message: 'both have ended', timeout: 60_000 }).not.toContain('processing');
  const list = await recordings(kennel);
  expect(list.map(({ why }) => why)).toEqual(['disk', 'disk']);
  await ben.sees('ann');
  for (const one of list.filter(({ playable }) => playable)) expect(packets(fileOf(kennel, one)).length).toBeGreaterThan(10);
  expect(list.filter(({ playable }) => playable).length, 'what was written is kept').toBe(2);
  expect((await ann.events()).filter(({ name }) => name === 'disconnected' || name === 'reconnecting')).toEqual([]);

  await kennel.resize(1_200);
  await twilio(kennel, 'POST', `Rooms/${made.body.sid}/RecordingRules`, all('include'));
  await written(kennel, 2);
  await ben.sees('ann');
});

test('twenty rooms are recorded at once', async ({ people, start }) => {
  test.setTimeout(300_000);
  const kennel = await start();
  const rooms = Array.from({ length: 20 }, (_, n) => `Room ${n}`);
  for (const room of rooms) expect((await recorded(kennel, room)).status).toBe(201);
  const ann = await people.open('ann', '2.36.0');
  // One microphone for all of them, and one small camera for a quarter: a browser on a busy machine has no more encoders to give.
  const pictured = 5;
  const joined = await ann.page.evaluate(
    async ([tokens, wsServer, pictured]) => {
      const { Twilio, easel, metronome } = window as unknown as { Twilio: any; easel: any; metronome: any };
      const picture = easel.draw({ colour: 2, width: 160, height: 120, rate: 5 });
      const heard = metronome.sound();
      const connect = (token: string, at: number) => {
        const seen = at < pictured ? [new Twilio.Video.LocalVideoTrack(picture.clone())] : [];
        return Twilio.Video.connect(token, { wsServer, insights: false, tracks: [...seen, new Twilio.Video.LocalAudioTrack(heard.clone())] });
      };
      const rooms: unknown[] = [];
      for (let at = 0; at < tokens.length; at += 4) rooms.push(...(await Promise.all(tokens.slice(at, at + 4).map((token, n) => connect(token, at + n)))));
      (window as unknown as { rooms: unknown[] }).rooms = rooms;
      return rooms.length;
    },
    [rooms.map((room) => token('ann', room)), kennel.signaling, pictured] as const,
  );
  expect(joined).toBe(20);
  await written(kennel, 20 + pictured);
  const from = Date.now();
  await new Promise((done) => setTimeout(done, 10_000));
  const to = Date.now();
  await ann.page.evaluate(() => (window as unknown as { rooms: { disconnect(): void }[] }).rooms.forEach((room) => room.disconnect()), undefined);
  await finished(kennel, 20 + pictured);
  const list = await recordings(kennel);
  expect(new Set(list.map(({ room }) => room)).size).toBe(20);
  for (const one of list) {
    const file = fileOf(kennel, one);
    expect(complaints(file), `${one.room} ${one.kind}`).toBe('');
    const times = packets(file).map((time) => one.offset + time * 1000).filter((time) => time > from && time < to);
    if (one.kind === 'video') expect(times.length, `pictures of ${one.room} in 10 s`).toBeGreaterThan(20);
    const gaps = times.slice(1).map((time, at) => time - times[at]!);
    expect(Math.max(...gaps), `the longest gap of ${one.room} ${one.kind}, ms`).toBeLessThan(one.kind === 'video' ? 2_000 : 3_000);
  }
});
