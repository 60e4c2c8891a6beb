import { createSocket } from 'node:dgram';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '../lib/test.ts';
import { Wire } from '../lib/net.ts';
import type { Make, Person } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

const drawn = (colour: number): Make => ['video', 'drawn', { colour }];

/** Everybody sees the camera of everybody else, in its colour; its newest track, as a link that was made anew brings new ones. */
async function meetInColours(all: Person[]): Promise<void> {
  await Promise.all(
    all.flatMap((viewer) =>
      all.filter((one) => one !== viewer).map(async (other) => {
        await expect.poll(async () => (await viewer.track(other.label, 'video'))?.subscribed, `${viewer.label} is given ${other.label}`).toBe(true);
        await viewer.seesColour((await viewer.track(other.label, 'video'))!.sid, 1 + all.indexOf(other), 40_000);
      }),
    ),
  );
}

test('the server is killed and started again: three have pictures and sound again by themselves', async ({ people, start, roomName }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const all = [await people.open('ann', '2.18.1'), await people.open('ben', '2.36.0'), await people.open('cleo', '2.36.0')];
  for (const [i, person] of all.entries()) await person.join(token(person.label, roomName), kennel.signaling, ['audio', drawn(1 + i), 'data']);
  await meetInColours(all);
  await kennel.stop('SIGKILL');
  for (const person of all) await person.event('reconnecting');
  const started = Date.now();
  await kennel.start();
  await meetInColours(all);
  console.log(`    everybody sees everybody ${Date.now() - started} ms after the server was started`);
  for (const person of all) expect(await person.call('state')).toBe('connected');
  for (const [i, person] of all.entries()) await person.hears(all[(i + 1) % all.length]!.label);
  const [ann, ben] = all as [Person, Person];
  const heard = async () => (await ben.call<{ text?: string }[]>('messages')).some((one) => one.text === 'after');
  await expect.poll(async () => (await ann.call('send', 'after'), await heard()), { message: 'data too', intervals: [200] }).toBe(true);
  // And it is a room like any other: cameras change, and a fourth who comes sees all.
  await ann.call('unpublish', 'video');
  const sid = await ann.call<string>('publish', drawn(6));
  await ben.seesColour(sid, 6);
  const dan = await people.open('dan', '2.18.1');
  await dan.join(token('dan', roomName), kennel.signaling, []);
  await expect.poll(async () => (await dan.track('ann', 'video'))?.subscribed).toBe(true);
  await dan.seesColour((await dan.track('ann', 'video'))!.sid, 6);
});

test('a camera is changed while the socket is cut: the others see the new one once it is mended', async ({ people, kennel, roomName }) => {
  const wire = await Wire.to(kennel.ports.http);
  try {
    const ann = await people.open('ann', '2.36.0');
    const ben = await people.open('ben', '2.18.1');
    await ann.join(token('ann', roomName), `ws://127.0.0.1:${wire.port}/signaling`, ['audio', drawn(1)]);
    await ben.join(token('ben', roomName), kennel.signaling, ['audio', drawn(2)]);
    await meetInColours([ann, ben]);
    wire.cut();
    await ann.event('reconnecting');
    await ann.call('unpublish', 'video');
    const published = ann.call<string>('publish', drawn(4));
    // Ben's camera changes too: ann hears of it when it is back.
    await ben.call('unpublish', 'video');
    const theirs = await ben.call<string>('publish', drawn(5));
    await ben.hears('ann');
    wire.mend();
    await ann.event('reconnected');
    await ben.seesColour(await published, 4);
    await ann.seesColour(theirs, 5);
  } finally {
    await wire.close();
  }
});

test('a media worker panics: pictures and sound are back within 3 s, nobody joins again, and what it choked on is kept', async ({ people, start, roomName }) => {
  test.setTimeout(120_000);
  const word = 'the word that breaks a worker';
  const kennel = await start({ env: { TEST_KENNEL_PANIC: word }, args: ['--workers', '1'] });
  const all = [await people.open('ann', '2.18.1'), await people.open('ben', '2.36.0'), await people.open('cleo', '2.36.0')];
  for (const [i, person] of all.entries()) await person.join(token(person.label, roomName), kennel.signaling, ['audio', drawn(1 + i), 'data']);
  await meetInColours(all);
  const pairs = all.flatMap((viewer) => all.filter((one) => one !== viewer).map((other) => [viewer, other] as const));
  for (const [viewer, other] of pairs) await viewer.call('resetGap', other.label);
  const broken = Date.now();
  await sendDatagram(word, kennel.ports.media);
  await expect.poll(() => kennel.log, { message: 'the panic is noticed' }).toContain('lost its engine');
  await meetInColours(all);
  const gaps = await Promise.all(
    pairs.map(async ([viewer, other]) => {
      const { first, longestGap } = (await viewer.picture(other.label))!;
      return Math.round(first! > broken ? first! - broken : longestGap);
    }),
  );
  console.log(`    pictures were gone for ${gaps.sort((a, b) => a - b).join(', ')} ms`);
  expect(Math.max(...gaps)).toBeLessThan(3_000);
  for (const [i, person] of all.entries()) await person.hears(all[(i + 1) % all.length]!.label);
  const told = (await Promise.all(all.map((person) => person.events()))).flat().filter((one) => one.at >= broken);
  expect(told.filter((one) => ['reconnecting', 'disconnected', 'participantDisconnected', 'participantReconnecting'].includes(one.name))).toEqual([]);
  // What was being handled is there to be made a test, for the owner alone, and the log says where.
  const [file, ...more] = await readdir(join(kennel.data, 'crash'));
  expect(more).toEqual([]);
  const path = join(kennel.data, 'crash', file!);
  expect(await readFile(path, 'utf8')).toContain(Buffer.from(word).toString('hex').slice(0, 32));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(kennel.log).toContain(path);
  const figures = await (await fetch(`${kennel.url}/metrics`)).text();
  expect(figures).toMatch(/^kennel_media_panics_total 1$/m);
  expect(figures).toMatch(/^kennel_crash_files_total 1$/m);
});

async function sendDatagram(text: string, port: number): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((done) => socket.send(text, port, '127.0.0.1', done));
  socket.close();
}
