import { expect, test } from '../lib/test.ts';
import { Wire } from '../lib/net.ts';
import { meet, type Person } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

const CUT_MS = 10_000;
/** Far below the cut, and above what a busy machine does to the frames of two fake cameras. */
const STILL_MS = 4_000;

for (const sdk of ['2.18.1', '2.36.0'] as const) {
  test(`the socket is cut for 10 s: media goes on, the room is back, ${sdk}`, async ({ people, kennel, roomName }) => {
    const wire = await Wire.to(kennel.ports.http);
    try {
      const ann = await people.open('ann', sdk);
      const ben = await people.open('ben', '2.36.0');
      const joined = await ann.join(token('ann', roomName), `ws://127.0.0.1:${wire.port}/signaling`);
      await ben.join(token('ben', roomName), kennel.signaling);
      await meet([ann, ben], ['ann', 'ben']);
      await Promise.all([ann.call('resetGap', 'ben'), ben.call('resetGap', 'ann')]);

      const cut = Date.now();
      wire.cut();
      await ann.event('reconnecting', {}, { after: cut });
      await ben.event('participantReconnecting', { who: 'ann' }, { after: cut });
      await ann.call('enable', 'audio', false);
      while (Date.now() < cut + CUT_MS) {
        await ben.sees('ann');
        await ann.sees('ben');
      }
      expect(await ann.call('state')).toBe('reconnecting');
      await ben.seesPeople('ann');

      wire.mend();
      await ann.event('reconnected', {}, { after: cut });
      await ben.event('participantReconnected', { who: 'ann', sid: joined.me }, { after: cut });
      // What was changed while away arrives now.
      await ben.event('trackDisabled', { who: 'ann', kind: 'audio' });
      await stayedAlive(ann, 'ben');
      await stayedAlive(ben, 'ann');
      await ben.hearsSilenceOf('ann');
    } finally {
      await wire.close();
    }
  });
}

async function stayedAlive(person: Person, who: string): Promise<void> {
  const picture = await person.picture(who);
  expect(picture!.longestGap, `${person.label} saw ${who} all the time`).toBeLessThan(STILL_MS);
}

test('somebody joins while another is cut off: they meet once the wire is mended', async ({ people, kennel, roomName }) => {
  const wire = await Wire.to(kennel.ports.http);
  try {
    const ann = await people.open('ann', '2.18.1');
    const ben = await people.open('ben', '2.36.0');
    await ann.join(token('ann', roomName), `ws://127.0.0.1:${wire.port}/signaling`);
    wire.cut();
    await ann.event('reconnecting');
    await ben.join(token('ben', roomName), kennel.signaling);
    await ben.event('present', { who: 'ann' });
    wire.mend();
    await ann.event('reconnected');
    await meet([ann, ben], ['ann', 'ben']);
  } finally {
    await wire.close();
  }
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`the server is restarted with ${signal}: both are back by themselves`, async ({ people, start, roomName }) => {
    const kennel = await start();
    const ann = await people.open('ann', '2.18.1');
    const ben = await people.open('ben', '2.36.0');
    await ann.join(token('ann', roomName), kennel.signaling);
    await ben.join(token('ben', roomName), kennel.signaling);
    await meet([ann, ben], ['ann', 'ben']);
    const stopped = Date.now();
    const code = await kennel.stop(signal);
    expect(code).toBe(signal === 'SIGTERM' ? 0 : null);
    for (const person of [ann, ben]) await person.event('reconnecting', {}, { after: stopped });
    await Promise.all([ann.call('resetGap', 'ben'), ben.call('resetGap', 'ann')]);
    await kennel.start();
    for (const person of [ann, ben]) await person.event('reconnected', {}, { after: stopped, timeout: 35_000 });
    for (const person of [ann, ben]) expect(await person.call('state')).toBe('connected');
    await meet([ann, ben], ['ann', 'ben']);
    // Pictures go from browser to browser: neither of them missed anything.
    await stayedAlive(ann, 'ben');
    await stayedAlive(ben, 'ann');
    // And the rooms are the same ones: a third who comes later meets both.
    const cy = await people.open('cy', '2.36.0');
    await cy.join(token('cy', roomName), kennel.signaling);
    await meet([ann, ben, cy], ['ann', 'ben', 'cy']);
  });
}
