import { expect, test } from '../lib/test.ts';
import type { Make, Person } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

interface Message {
  who: string;
  text?: string;
  bytes?: number[];
  length?: number;
  sum?: number;
}

const manners: [what: string, options: Record<string, unknown>, shown: Record<string, unknown>][] = [
  ['ordered and reliable', {}, { ordered: true, maxRetransmits: null, reliable: true }],
  ['unordered, three tries', { ordered: false, maxRetransmits: 3 }, { ordered: false, maxRetransmits: 3, reliable: false }],
];

for (const [what, options, shown] of manners) {
  test(`messages of all kinds reach two others and come back, ${what}`, async ({ people, kennel, roomName }) => {
    const ann = await people.open('ann', '2.18.1');
    const others = [await people.open('ben', '2.36.0'), await people.open('cleo', '2.18.1')];
    const data: Make = ['data', 'data', options];
    await ann.join(token('ann', roomName), kennel.signaling, [data]);
    for (const other of others) await other.join(token(other.label, roomName), kennel.signaling, [data]);
    for (const other of others) {
      await isOpen(ann, other);
      await isOpen(other, ann);
      expect(await other.call('manner', 'ann'), 'as its publisher chose').toMatchObject(shown);
    }
    const texts = Array.from({ length: 30 }, (_, i) => `message ${i} é 🐶`);
    for (const text of texts) await ann.call('send', text);
    await ann.call('send', [0, 1, 254, 255]);
    const sum = await ann.call<number>('sendMany', 200_000);
    for (const other of others) {
      const heard = async () => (await messages(other)).filter((one) => one.who === 'ann' && one.text !== 'knock');
      await expect.poll(async () => (await heard()).length, `${other.label} hears all`).toBe(texts.length + 2);
      expect((await heard()).flatMap((one) => one.text ?? [])).toEqual(texts);
      expect((await heard()).find((one) => one.bytes)?.bytes).toEqual([0, 1, 254, 255]);
      expect((await heard()).find((one) => one.length), '200 kB in one message').toMatchObject({ length: 200_000, sum });
      await other.call('send', `from ${other.label}`);
      await expect.poll(async () => (await messages(ann)).some((one) => one.text === `from ${other.label}`)).toBe(true);
    }
  });
}

test('messages with nothing in them arrive between the others', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  const all = [ann, await people.open('ben', '2.18.1'), await people.open('cleo', '2.36.0', 'firefox')];
  // Firefox finds no way on this machine alone before it was given a camera.
  for (const one of all) await one.join(token(one.label, roomName), kennel.signaling, ['video', 'data']);
  const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => [from, to] as const));
  for (const [from, to] of pairs) await isOpen(from, to);
  for (const from of all) for (const message of ['one', '', [], 'two', '', [3]]) await from.call('send', message);
  for (const [from, to] of pairs) {
    const heard = async () => (await messages(to)).filter((one) => one.who === from.label && one.text !== 'knock').map((one) => one.text ?? one.bytes);
    await expect.poll(heard, `${to.label} hears all of ${from.label}`).toEqual(['one', '', [], 'two', '', [3]]);
  }
});

test('a data track is taken back, another comes, and the first one of somebody else goes on', async ({ people, kennel, roomName }) => {
  const [ann, ben] = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1')];
  await ann.join(token('ann', roomName), kennel.signaling, []);
  await ben.join(token('ben', roomName), kennel.signaling, ['data']);
  for (let turn = 0; turn < 3; turn += 1) {
    const sid = await ann.call<string>('publish', 'data');
    await ben.event('trackSubscribed', { who: 'ann', kind: 'data', track: sid });
    await isOpen(ann, ben, `turn ${turn}`);
    await ann.call('unpublish', 'data');
    await ben.event('trackUnsubscribed', { who: 'ann', kind: 'data', track: sid });
    await isOpen(ben, ann, `back ${turn}`);
  }
});

/** Sends until something is heard: the SDK loses what is sent before the channel is open, silently. */
async function isOpen(from: Person, to: Person, text = 'knock'): Promise<void> {
  const heard = async () => (await messages(to)).some((one) => one.who === from.label && one.text === text);
  await expect.poll(async () => (await from.call('send', text), await heard()), { message: `${to.label} hears ${from.label}`, intervals: [100] }).toBe(true);
}

function messages(of: Person): Promise<Message[]> {
  return of.call('messages');
}
