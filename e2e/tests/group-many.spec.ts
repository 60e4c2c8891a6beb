import { expect, test } from '../lib/test.ts';
import type { Make, Person, Picture, Sdk } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

const names = ['ann', 'ben', 'cleo', 'dan', 'eve', 'fay'];
const sdkOf = (at: number): Sdk => (at % 2 ? '2.18.1' : '2.36.0');
const tracksOf = (name: string): Make[] => ['audio', ['video', 'drawn', { colour: 1 + names.indexOf(name) }]];

/** On a machine with too much to do answers come late, which looks like a line that is full: pictures may wait up to 24 s to be tried again. */
const PATIENCE_MS = 45_000;

/** Everybody gets frames of everybody else, in the colours that those send. */
async function allSeeAll(all: Map<string, Person>): Promise<void> {
  await Promise.all(
    [...all].map(async ([name, person]) => {
      const others = [...all.keys()].filter((other) => other !== name);
      await person.seesPeople(...others);
      for (const other of others) {
        await expect.poll(async () => (await person.track(other, 'video'))?.subscribed, `${name} is given ${other}`).toBe(true);
        await person.seesColour((await person.track(other, 'video'))!.sid, 1 + names.indexOf(other), PATIENCE_MS);
      }
    }),
  );
}

test('six in one room: a late joiner, one who leaves and is back, and frames on all thirty pairs', async ({ people, kennel, roomName }) => {
  test.setTimeout(240_000);
  const all = new Map<string, Person>();
  for (const [i, name] of names.entries()) all.set(name, await people.open(name, sdkOf(i)));
  const join = (name: string) => all.get(name)!.join(token(name, roomName), kennel.signaling, tracksOf(name));
  const late = 'fay';
  const early = new Map([...all].filter(([name]) => name !== late));
  await test.step('five join in the same moment', async () => {
    await Promise.all([...early.keys()].map(join));
    await allSeeAll(early);
  });
  await test.step('the sixth comes late', async () => {
    await join(late);
    await allSeeAll(all);
    console.log(`    late joiner, ms from connect to the first frame of each: ${JSON.stringify(await all.get(late)!.firstPictures())}`);
  });
  await test.step('everybody hears the next one', async () => {
    for (const [i, name] of names.entries()) await all.get(name)!.hears(names[(i + 1) % names.length]!);
  });
  await test.step('one leaves and comes back', async () => {
    const ben = all.get('ben')!;
    await ben.leave();
    for (const [name, person] of all) if (name !== 'ben') await person.seesPeople(...names.filter((other) => other !== 'ben' && other !== name));
    await join('ben');
    await allSeeAll(all);
    console.log(`    come back, ms from connect to the first frame of each: ${JSON.stringify(await ben.firstPictures())}`);
  });
  await test.step('nothing stands still', async () => {
    const before = new Map<string, Picture[]>();
    for (const [name, person] of all) before.set(name, await person.call<Picture[]>('pictures'));
    await expect(async () => {
      for (const [name, person] of all) {
        const now = await person.call<Picture[]>('pictures');
        expect(now.length, name).toBe(names.length - 1);
        for (const [i, picture] of now.entries()) expect(picture.frames, name).toBeGreaterThan(before.get(name)![i]!.frames + 10);
      }
    }).toPass({ timeout: 20_000 });
  });
});

test('two rooms at once, and a watcher who takes no tracks', async ({ people, kennel, roomName }) => {
  const rooms = [`${roomName} A`, `${roomName} B`];
  const cameras = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1')];
  const watchers = [await people.open('cleo', '2.18.1'), await people.open('dan', '2.36.0')];
  for (const [i, camera] of cameras.entries()) await camera.join(token('camera', rooms[i]!), kennel.signaling, ['audio', ['video', 'drawn', { colour: 2 + i }]]);
  for (const [i, watcher] of watchers.entries()) await watcher.join(token('watcher', rooms[i]!), kennel.signaling, []);
  for (const [i, watcher] of watchers.entries()) {
    await expect.poll(async () => (await watcher.track('camera', 'video'))?.subscribed).toBe(true);
    await watcher.seesColour((await watcher.track('camera', 'video'))!.sid, 2 + i);
    await watcher.hears('camera');
    await watcher.seesPeople('camera');
  }

  const picky = await people.open('picky', '2.36.0');
  await picky.join(token('picky', rooms[0]!), kennel.signaling, [['video', 'drawn', { colour: 7 }]], { automaticSubscription: false });
  await picky.seesPeople('camera', 'watcher');
  // Others receive what it sends: by then its own tracks would have come too.
  const watcher = watchers[0]!;
  await expect.poll(async () => (await watcher.track('picky', 'video'))?.subscribed).toBe(true);
  await watcher.seesColour((await watcher.track('picky', 'video'))!.sid, 7);
  expect(await picky.track('camera', 'video')).toMatchObject({ subscribed: false });
  expect(await picky.track('camera', 'audio')).toMatchObject({ subscribed: false });
  expect((await picky.events()).filter((one) => one.name === 'trackSubscribed')).toEqual([]);
});
