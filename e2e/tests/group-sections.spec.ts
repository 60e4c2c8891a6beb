import { expect, test } from '../lib/test.ts';
import type { Make, Person, Sdk } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

/** What each has published last as its camera: its sid and colour. */
interface Shown {
  sid: string;
  colour: number;
}

type End = ['chromium' | 'firefox', Sdk];

/** Each browser publishes to each, and each version of the SDK runs in each of them. */
const pairs: [End, End][] = [
  [['chromium', '2.18.1'], ['chromium', '2.36.0']],
  [['firefox', '2.18.1'], ['chromium', '2.36.0']],
  [['chromium', '2.18.1'], ['firefox', '2.36.0']],
  [['firefox', '2.36.0'], ['firefox', '2.18.1']],
];

const drawn = (name: string, colour: number): Make => [name, 'drawn', { colour }];

for (const [first, second] of pairs) test.describe(`ann in ${first.join(' ')} and ben in ${second.join(' ')} with cameras of colours`, () => {
  let ann: Person;
  let ben: Person;

  test.beforeEach(async ({ people, kennel, roomName }) => {
    ann = await people.open('ann', first[1], first[0]);
    ben = await people.open('ben', second[1], second[0]);
    await ann.join(token('ann', roomName), kennel.signaling, ['audio', drawn('video', 1), 'data']);
    await ben.join(token('ben', roomName), kennel.signaling, ['audio', drawn('video', 2), 'data']);
    await Promise.all([sees(ann, 'ben', 2), sees(ben, 'ann', 1)]);
  });

  /** Takes the camera away and shows another, without a pause as apps do it. */
  async function change(person: Person, colour: number): Promise<Shown> {
    await person.call('unpublish', 'video');
    return { sid: await person.call<string>('publish', drawn('video', colour)), colour };
  }

  test('twenty changes of the camera on both sides, each with its own picture', async () => {
    test.setTimeout(150_000);
    for (let turn = 1; turn <= 20; turn += 1) {
      const [mine, theirs] = [turn % 8, (turn + 3) % 8];
      if (turn % 2) {
        const [a, b] = await Promise.all([change(ann, mine), change(ben, theirs)]);
        await Promise.all([ben.seesColour(a.sid, a.colour), ann.seesColour(b.sid, b.colour)]);
      } else {
        const a = await change(ann, mine);
        await ben.seesColour(a.sid, a.colour);
        const b = await change(ben, theirs);
        await ann.seesColour(b.sid, b.colour);
      }
    }
    await ann.hears('ben');
    await ben.hears('ann');
    // What came and went left nothing behind: a section for each kind and a few to spare.
    const sections = await ann.page.evaluate(() => (window as unknown as { peers: RTCPeerConnection[] }).peers.at(-1)!.getTransceivers().length, undefined);
    expect(sections).toBeLessThanOrEqual(6);
  });

  test('published, taken back, and published again; a second and a third camera beside', async () => {
    const kept = (await ben.track('ann', 'video'))!.sid;
    for (let turn = 0; turn < 3; turn += 1) {
      const [second, other] = await Promise.all([
        ann.call<string>('publish', drawn('second', 4 + turn)),
        ben.call<string>('publish', drawn('second', 6 - turn)),
      ]);
      const third = await ann.call<string>('publish', drawn('third', 3));
      await Promise.all([ben.seesColour(second, 4 + turn), ann.seesColour(other, 6 - turn)]);
      await ben.seesColour(third, 3);
      await ben.seesColour(kept, 1);
      for (const name of ['second', 'third']) await ann.call('unpublish', name);
      await ben.call('unpublish', 'second');
      await ben.event('trackUnsubscribed', { who: 'ann', track: second });
      await ben.event('trackUnsubscribed', { who: 'ann', track: third });
      await ann.event('trackUnsubscribed', { who: 'ben', track: other });
    }
    await ben.seesColour(kept, 1);
    await sees(ann, 'ben', 2);
  });

  test('a microphone is changed five times and is heard each time', async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      await ann.call('unpublish', 'audio');
      const sid = await ann.call<string>('publish', 'audio');
      await expect.poll(async () => (await ben.track('ann', 'audio'))?.sid).toBe(sid);
      await ben.hears('ann');
    }
    await ann.hears('ben');
  });
});

test('three publish and take back at random, all at once, and everything settles', async ({ people, kennel, roomName }) => {
  test.setTimeout(120_000);
  const all: Person[] = [];
  for (const [i, name] of ['ann', 'ben', 'cleo'].entries()) all.push(await people.open(name, i === 1 ? '2.18.1' : '2.36.0'));
  await Promise.all(all.map((person) => person.join(token(person.label, roomName), kennel.signaling, [drawn('video', 1)])));
  const seed = Number(process.env.KENNEL_E2E_SEED ?? Date.now() % 100_000);
  console.log(`    seed ${seed}`);
  const random = generator(seed);
  /** What each publishes now: name of the track, sid and colour. */
  const published = all.map(() => new Map<string, Shown>());
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(
      all.map(async (person, i) => {
        for (const name of ['one', 'two'].filter(() => random() < 0.6)) {
          if (published[i]!.delete(name)) await person.call('unpublish', name);
          else {
            const colour = Math.floor(random() * 8);
            published[i]!.set(name, { sid: await person.call<string>('publish', drawn(name, colour)), colour });
          }
        }
      }),
    );
  }
  for (const [i, publisher] of all.entries()) {
    for (const viewer of all.filter((one) => one !== publisher)) {
      for (const { sid, colour } of published[i]!.values()) await viewer.seesColour(sid, colour);
      const count = async () => (await viewer.call<{ who: string }[]>('pictures')).filter((one) => one.who === publisher.label).length;
      await expect.poll(count, `${viewer.label} has no more of ${publisher.label} than is there`).toBe(1 + published[i]!.size);
    }
  }
});

async function sees(viewer: Person, who: string, colour: number): Promise<void> {
  await expect.poll(async () => (await viewer.track(who, 'video'))?.subscribed, `${viewer.label} is given ${who}`).toBe(true);
  await viewer.seesColour((await viewer.track(who, 'video'))!.sid, colour);
}

/** Random numbers from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
