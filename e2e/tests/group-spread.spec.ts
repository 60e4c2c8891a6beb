import { createSocket } from 'node:dgram';
import { expect, test } from '../lib/test.ts';
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

async function figure(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^kennel_media_${name}_total (\\d+)$`, 'm').exec(text)?.[1]);
}

test('a room on two workers: pictures, sound and data go both ways, and a worker that panics takes its own people with it', async ({ people, start, roomName }) => {
  test.setTimeout(180_000);
  const word = 'the word that breaks a worker';
  const kennel = await start({ env: { TEST_KENNEL_PANIC: word }, args: ['--workers', '2', '--room-spread', '1'] });
  // By turns: the first and the third at home, the second on the wing.
  const all = [await people.open('ann', '2.18.1'), await people.open('ben', '2.36.0'), await people.open('cleo', '2.36.0')];
  for (const [i, person] of all.entries()) await person.join(token(person.label, roomName), kennel.signaling, ['audio', drawn(1 + i), 'data']);
  const [ann, ben, cleo] = all as [Person, Person, Person];
  await meetInColours(all);
  for (const viewer of all) for (const other of all.filter((one) => one !== viewer)) await viewer.hears(other.label);
  for (const [from, to] of [[ann, ben], [ben, ann], [ben, cleo]] as const) {
    const text = `from ${from.label} to ${to.label}`;
    const heard = async () => (await to.call<{ text?: string }[]>('messages')).some((one) => one.text === text);
    await expect.poll(async () => (await from.call('send', text), await heard()), { message: text, intervals: [200] }).toBe(true);
  }
  await expect.poll(() => figure(kennel.url, 'piped')).toBeGreaterThan(1_000);
  expect(await figure(kennel.url, 'pipe_dropped')).toBe(0);

  // The wing is lost. Those at home go on seeing each other, and ben comes back by himself.
  const broken = Date.now();
  await sendDatagram(word, kennel.ports.media + 1);
  await expect.poll(() => kennel.log, { message: 'the panic is noticed' }).toContain('lost its engine');
  await meetInColours(all);
  console.log(`    everybody sees everybody ${Date.now() - broken} ms after the wing was lost`);
  for (const [viewer, other] of [[ann, cleo], [cleo, ann]] as const) {
    const lost = (await viewer.events()).filter((one) => one.at >= broken && one.name === 'trackUnsubscribed' && one.who === other.label);
    expect(lost, `${viewer.label} goes on seeing ${other.label}`).toEqual([]);
  }
  await ben.hears('ann');
  await ann.hears('ben');
  expect(await figure(kennel.url, 'rooms_lost')).toBe(0);

  // Home is lost, and the room with it: all come back.
  await sendDatagram(word, kennel.ports.media);
  await expect.poll(() => figure(kennel.url, 'rooms_lost')).toBe(1);
  await meetInColours(all);
  for (const viewer of all) expect(await viewer.call('state')).toBe('connected');
  await ben.hears('cleo');
});

async function sendDatagram(text: string, port: number): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((done) => socket.send(text, port, '127.0.0.1', done));
  socket.close();
}
