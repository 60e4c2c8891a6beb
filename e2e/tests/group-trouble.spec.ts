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
