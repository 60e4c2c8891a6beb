import { expect, test } from '../lib/test.ts';
import { meet, type Person } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

/** The longest time in ms for which `person` gets no new frame of `who`, watched for so long. */
async function longestGap(person: Person, who: string, ms: number): Promise<number> {
  const end = Date.now() + ms;
  let [frames, since, longest] = [-1, Date.now(), 0];
  while (Date.now() < end) {
    const now = (await person.picture(who))?.frames ?? frames;
    if (now !== frames) [frames, since] = [now, Date.now()];
    longest = Math.max(longest, Date.now() - since);
    await new Promise((done) => setTimeout(done, 20));
  }
  return longest;
}

test('two are connected with each other, and with a third one by the server, without a break', { tag: '@once' }, async ({ people, start, roomName }) => {
  const kennel = await start({ args: ['--room-type', 'auto'] });
  const ann = await people.open('ann', '2.18.1');
  const ben = await people.open('ben', '2.36.0');
  const cleo = await people.open('cleo', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling);
  await ben.join(token('ben', roomName), kennel.signaling);
  await meet([ann, ben], ['ann', 'ben']);

  const third = Date.now();
  const watching = Promise.all([longestGap(ann, 'ben', 12_000), longestGap(ben, 'ann', 12_000)]);
  await cleo.join(token('cleo', roomName), kennel.signaling);
  const gaps = await watching;
  await ann.event('trackUnsubscribed', { who: 'ben', kind: 'video' }, { after: third });
  // A slow machine that encodes everything twice while the room moves may stumble; a picture that waits for the next key frame takes longer.
  expect(Math.max(...gaps), 'no picture stops').toBeLessThan(2_500);
  await meet([ann, ben, cleo], ['ann', 'ben', 'cleo']);
  for (const person of [ann, ben, cleo]) {
    await expect.poll(() => person.call<unknown[]>('connections').then((all) => all.length), `${person.label} has one connection`).toBe(1);
  }
});
