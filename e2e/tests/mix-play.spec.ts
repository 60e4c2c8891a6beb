import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, type Mix } from '../lib/mix.ts';
import type { Kennel } from '../lib/kennel.ts';
import { guest, moderator, roomToken, type Member } from '../lib/member.ts';
import { serveFolder } from '../lib/pages.ts';

const run = promisify(execFile);
const ann = { colour: 1, tone: 440 };
const bo = { colour: 2, tone: 880 };
const may = [...moderator, 'room.playback', 'room.playback_seek'];

interface Played {
  id: string;
  state: string;
  url: string;
  volume: number;
  position: number;
  seekable: boolean;
  started: number;
  room: string;
}

/** What came of a call of the page's kit. */
async function done<T>(member: Member, name: string, ...args: unknown[]): Promise<T> {
  const answer = await member.call<{ result: T; error?: object }>(name, ...args);
  expect(answer.error, `${member.label}: ${name}`).toBeUndefined();
  return answer.result;
}

/** A film of yellow and then of blue, 30 s each, with a tone that changes with it. */
async function film(path: string, encoding: string[]): Promise<void> {
  const colours = 'color=yellow:s=320x180:r=10:d=30[a];color=blue:s=320x180:r=10:d=30[b];[a][b]concat=n=2[v]';
  const tones = `sine=1500:r=48000:d=30[c];sine=2500:r=48000:d=30[d];[c][d]concat=n=2:v=0:a=1,volume=4,asetnsamples=${path.endsWith('.mp4') ? 1024 : 960}[s]`;
  await run('ffmpeg', ['-v', 'error', '-filter_complex', `${colours};${tones}`, '-map', '[v]', '-map', '[s]', '-g', '50', ...encoding, path]);
}

const encodings = {
  'film.mp4': ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
  'film.webm': ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus'],
};

async function two(mix: Mix, kennel: Kennel, room: string): Promise<[Member, Member]> {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await a.join(await roomToken(kennel, room, 'ann', may), kennel.relay, ann);
  await b.join(await roomToken(kennel, room, 'bo', guest), kennel.relay, bo);
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  return [a, b];
}

for (const [name, encoding] of Object.entries(encodings)) {
  test(`${name} is seen and heard by everybody, paused, moved, made silent and stopped`, async ({ mix, start, roomName }) => {
    test.setTimeout(180_000);
    const folder = await mkdtemp(join(tmpdir(), 'film-'));
    await film(join(folder, name), encoding);
    const site = await serveFolder(folder);
    try {
      const kennel = await start({ args: ['--playback-from', 'lan'] });
      const [a, b] = await two(mix, kennel, roomName);
      const one = await done<Played>(a, 'play', { url: `${site.url}/${name}`, volume: 0 });
      expect(one).toMatchObject({ state: 'playing', url: `${site.url}/${name}`, volume: 0, seekable: true });
      for (const member of [a, b]) {
        await member.seesFile(3);
        await member.hearsTones([1500, member === a ? 880 : 440], [2500]);
        await member.seesColours(new Map([[a.me, 1], [b.me, 2]]));
      }
      await done(a, 'playback', 'seek', 31_000);
      for (const member of [a, b]) await member.seesFile(4);
      await b.hearsTones([2500], [1500]);
      await done(a, 'playback', 'pause');
      await b.hearsTones([440], [1500, 2500]);
      await b.seesFile(4);
      await done(a, 'playback', 'seek', 1_000);
      await done(a, 'playback', 'resume');
      await b.seesFile(3);
      await b.hearsTones([1500], [2500]);
      await done(a, 'playback', 'setVolume', -50);
      await b.hearsTones([440], [1500]);
      await done(a, 'playback', 'stop');
      for (const member of [a, b]) await member.seesFile(undefined);
      expect(await b.events('playback.started'), 'who may not is told nothing').toHaveLength(0);
    } finally {
      await site.close();
      await rm(folder, { recursive: true });
    }
  });
}

test('a file that is not there begins and ends, and everybody who may is told all of it', async ({ mix, start, roomName }) => {
  const kennel = await start({ args: ['--playback-from', 'lan'] });
  const [a] = await two(mix, kennel, roomName);
  const c = await mix.open('cy');
  await c.join(await roomToken(kennel, roomName, 'cy', may), kennel.relay);
  const begun = Date.now();
  const one = await done<Played>(a, 'play', { url: 'http://127.0.0.1:1/nothing.mp4' });
  await c.hasHeard('playback.ended', (detail) => detail.id === one.id && detail.state === 'completed');
  expect(Date.now() - begun).toBeLessThan(10_000);
  const ended = (await c.events('playback.ended')).at(-1)!.detail;
  for (const field of ['id', 'room', 'seekable', 'started', 'state', 'url', 'volume']) expect(ended[field], field).toBeDefined();
  expect(await done<Played[]>(c, 'playbacks')).toEqual([]);
});

test('five promises with a file', async ({ mix, start, roomName }) => {
  test.setTimeout(120_000);
  const folder = await mkdtemp(join(tmpdir(), 'film-'));
  await film(join(folder, 'film.mp4'), encodings['film.mp4']);
  const site = await serveFolder(folder);
  try {
    const kennel = await start({ args: ['--playback-from', 'lan'] });
    const [a] = await two(mix, kennel, roomName);
    const begun = Date.now();
    const one = await done<Played>(a, 'play', { url: `${site.url}/film.mp4` });
    await a.hasHeard('playback.started', (detail) => detail.id === one.id && detail.state === 'playing');
    await done(a, 'playback', 'setVolume', -50);
    await a.hasHeard('playback.updated', (detail) => detail.volume === -50, 'its volume');
    await done(a, 'playback', 'pause');
    await a.hasHeard('playback.updated', (detail) => detail.state === 'paused', 'its pause');
    await done(a, 'playback', 'resume');
    await a.hasHeard('playback.updated', (detail) => detail.state === 'playing' && detail.volume === -50, 'that it goes on');
    await done(a, 'playback', 'stop');
    await a.hasHeard('playback.ended', (detail) => detail.state === 'completed', 'its end');
    expect(Date.now() - begun, 'within what the vendor waits').toBeLessThan(10_000);
  } finally {
    await site.close();
    await rm(folder, { recursive: true });
  }
});

test('addresses that are not on the internet are not gone to unless the owner says so', async ({ mix, start, roomName }) => {
  const kennel = await start();
  const [a] = await two(mix, kennel, roomName);
  const one = await done<Played>(a, 'play', { url: 'http://127.0.0.1:1/nothing.mp4' });
  await a.hasHeard('playback.ended', (detail) => detail.id === one.id && detail.state === 'completed');
});
