import { expect, test } from '../lib/test.ts';
import { meet, type Person, type Sdk } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

const pairs: [Sdk, Sdk][] = [
  ['2.18.1', '2.36.0'],
  ['2.36.0', '2.18.1'],
  ['2.18.1', '2.18.1'],
];

for (const [first, second] of pairs) {
  test(`two see and hear each other, ${first} first, ${second} second`, async ({ people, kennel, roomName }) => {
    const ann = await people.open('ann', first);
    const ben = await people.open('ben', second);
    const a = await ann.join(token('ann', roomName), kennel.signaling);
    const b = await ben.join(token('ben', roomName), kennel.signaling);
    expect(b).toMatchObject({ sid: a.sid, name: roomName, identity: 'ben' });
    expect(a.sid).toMatch(/^RM[0-9a-f]{32}$/);
    expect(b.me).toMatch(/^PA[0-9a-f]{32}$/);
    await meet([ann, ben], ['ann', 'ben']);
    await ann.event('participantConnected', { who: 'ben', sid: b.me });
    await ben.event('present', { who: 'ann', sid: a.me });
  });
}

test('a third joins late and everybody meets', async ({ people, kennel, roomName }) => {
  const names = ['ann', 'ben', 'cleo'];
  const sdks: Sdk[] = ['2.18.1', '2.36.0', '2.18.1'];
  const all: Person[] = [];
  for (const [i, name] of names.entries()) all.push(await people.open(name, sdks[i]!));
  await all[0]!.join(token('ann', roomName), kennel.signaling);
  await all[1]!.join(token('ben', roomName), kennel.signaling);
  await meet(all.slice(0, 2), names.slice(0, 2));
  await all[2]!.join(token('cleo', roomName), kennel.signaling);
  await meet(all, names);
  for (const [i, person] of all.entries()) await person.seesPeople(...names.filter((_, other) => other !== i));
});

test('three join in the same moment and everybody meets', async ({ people, kennel, roomName }) => {
  const names = ['ann', 'ben', 'cleo'];
  const all = await Promise.all(names.map((name, i) => people.open(name, i % 2 ? '2.18.1' : '2.36.0')));
  const joined = await Promise.all(all.map((person, i) => person.join(token(names[i]!, roomName), kennel.signaling)));
  expect(new Set(joined.map((one) => one.sid)).size, 'one room').toBe(1);
  await meet(all, names);
});

for (const first of ['camera', 'watcher']) {
  test(`a watcher without camera or microphone, the ${first} is first`, async ({ people, kennel, roomName }) => {
    const camera = await people.open('camera', '2.36.0');
    const watcher = await people.open('watcher', '2.18.1');
    const joins = [
      () => camera.join(token('camera', roomName), kennel.signaling),
      () => watcher.join(token('watcher', roomName), kennel.signaling, []),
    ];
    for (const join of first === 'camera' ? joins : joins.reverse()) await join();
    await watcher.sees('camera');
    await watcher.hears('camera');
    await camera.seesPeople('watcher');
    expect(await camera.track('watcher', 'video')).toBeNull();
  });
}

test('two rooms of one server know nothing of each other', async ({ people, kennel, roomName }) => {
  const [ann, ben] = [await people.open('ann', '2.36.0'), await people.open('ben', '2.36.0')];
  const a = await ann.join(token('ann', `${roomName} A`), kennel.signaling, ['video']);
  const b = await ben.join(token('ben', `${roomName} B`), kennel.signaling, ['video']);
  expect(a.sid).not.toBe(b.sid);
  const cleo = await people.open('cleo', '2.36.0');
  await cleo.join(token('cleo', a.sid), kennel.signaling, ['video']);
  await cleo.sees('ann');
  await cleo.seesPeople('ann');
  await ben.seesPeople();
});

test('data tracks carry text and bytes, in order', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.18.1');
  const ben = await people.open('ben', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, ['data']);
  await ben.join(token('ben', roomName), kennel.signaling, ['data']);
  for (const [from, to] of [
    [ann, ben],
    [ben, ann],
  ] as const) {
    // The SDK loses what is sent before the channel is open, silently.
    const heard = () => to.call<{ text?: string; bytes?: number[] }[]>('messages');
    await expect.poll(async () => (await from.call('send', 'knock'), (await heard()).length), { intervals: [200] }).toBeGreaterThan(0);
    const sent = ['mute MT1', 'é 🐶 <b>', ...Array.from({ length: 20 }, (_, i) => `message ${i}`)];
    for (const text of sent) await from.call('send', text);
    await from.call('send', [0, 1, 254, 255]);
    const news = async () => (await heard()).filter((one) => one.text !== 'knock').map((one) => one.text ?? one.bytes);
    await expect.poll(news).toEqual([...sent, [0, 1, 254, 255]]);
  }
});
