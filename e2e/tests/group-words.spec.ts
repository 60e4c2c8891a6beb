import { expect, test } from '../lib/test.ts';
import type { Make, Person } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

const whistle: Make = ['audio', 'tone'];

/** What is used here of the SDK's figures. */
type Way = { bandwidth: { actual: number } };
type Figures = Record<'audio' | 'video', Record<'sendStats' | 'recvStats', Way>>;

test('who makes a sound becomes the dominant speaker, then another one does', async ({ people, kennel, roomName }) => {
  const all = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1'), await people.open('cleo', '2.36.0')];
  for (const person of all) await person.join(token(person.label, roomName), kennel.signaling, [whistle], { dominantSpeaker: true });
  const [ann, ben, cleo] = all as [Person, Person, Person];
  await cleo.seesPeople('ann', 'ben');
  // Nobody is told about oneself.
  const others = (than: Person) => all.filter((one) => one !== than);
  // A microphone that starts may count as a word, so that ann is the speaker before she whistles: only that she is one is asked here.
  await ann.call('whistle', true);
  for (const person of others(ann)) await expect.poll(() => person.call('speaker'), `${person.label} knows that ann speaks`).toBe('ann');
  const settled = Date.now();
  for (const [speaker, before] of [
    [ben, ann],
    [ann, ben],
  ] as const) {
    const began = Date.now();
    await before.call('whistle', false);
    await speaker.call('whistle', true);
    for (const person of others(speaker)) await person.event('dominantSpeakerChanged', { who: speaker.label }, { after: began });
    expect(await cleo.call('speaker')).toBe(speaker.label);
    console.log(`    ${speaker.label} is the speaker after ${(await cleo.event('dominantSpeakerChanged', { who: speaker.label }, { after: began })).at - began} ms`);
  }
  // One change for each that spoke: nothing flaps.
  const changes = (await cleo.events()).filter((one) => one.name === 'dominantSpeakerChanged' && one.who && one.at >= settled);
  expect(changes.map((one) => one.who)).toEqual(['ben', 'ann']);
  await ann.leave();
  await expect.poll(() => cleo.call('speaker')).not.toBe('ann');
});

test('levels of network quality arrive, of oneself and of the others, with figures', async ({ people, kennel, roomName }) => {
  const all = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1')];
  const drawn: Make = ['video', 'drawn', { colour: 3 }];
  for (const person of all) await person.join(token(person.label, roomName), kennel.signaling, ['audio', drawn], { networkQuality: { local: 3, remote: 3 } });
  for (const [person, other] of [all, [...all].reverse()] as [Person, Person][]) {
    await expect.poll(() => person.call<number | null>('quality'), `${person.label} has a level`).toBeGreaterThanOrEqual(1);
    await expect.poll(() => person.call<number | null>('quality', other.label), `${person.label} knows ${other.label}'s level`).toBeGreaterThanOrEqual(1);
    await person.event('networkQuality', { who: person.label });
    const figures = { send: expect.any(Number), recv: expect.any(Number), sendStats: expect.any(Object), recvStats: expect.any(Object) };
    await expect(async () => expect(await person.call('qualityStats')).toMatchObject({ audio: figures, video: figures })).toPass({ timeout: 15_000 });
    // The SDK takes the others' figures with the first level only: they have to be measured by then.
    const others = await person.call<Figures>('qualityStats', other.label);
    expect(others, `what ${person.label} knows of ${other.label}`).toMatchObject({ audio: figures, video: figures });
    for (const kind of ['audio', 'video'] as const) {
      for (const way of ['sendStats', 'recvStats'] as const) expect(others[kind][way].bandwidth.actual, `${kind} ${way}`).toBeGreaterThan(0);
    }
  }
});
