import { expect, test } from '../lib/test.ts';
import { meet } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

test('leave is seen at once, and who left can come back', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  const ben = await people.open('ben', '2.18.1');
  await ann.join(token('ann', roomName), kennel.signaling);
  await ben.join(token('ben', roomName), kennel.signaling);
  await meet([ann, ben], ['ann', 'ben']);
  for (let turn = 0; turn < 3; turn += 1) {
    const asked = Date.now();
    await ben.leave();
    const gone = await ann.event('participantDisconnected', { who: 'ben' }, { after: asked });
    expect(gone.at - asked).toBeLessThan(1500);
    await ann.seesPeople();
    await ben.join(token('ben', roomName), kennel.signaling);
    await meet([ann, ben], ['ann', 'ben']);
  }
});

for (const browser of ['chromium', 'firefox'] as const) {
  test(`a closed tab is gone in under 3 s, ${browser}`, async ({ people, kennel, roomName }) => {
    const ann = await people.open('ann', '2.18.1');
    const ben = await people.open('ben', '2.36.0', browser);
    await ann.join(token('ann', roomName), kennel.signaling);
    await ben.join(token('ben', roomName), kennel.signaling);
    await ann.sees('ben');
    const closed = Date.now();
    await ben.page.close();
    const gone = await ann.event('participantDisconnected', { who: 'ben' });
    expect(gone.at - closed).toBeLessThan(3000);
    await ann.seesPeople();
  });
}

test('a room that everybody left begins anew with another id', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  const first = await ann.join(token('ann', roomName), kennel.signaling, ['data']);
  await ann.leave();
  const second = await ann.join(token('ann', roomName), kennel.signaling, ['data']);
  expect(second.name).toBe(first.name);
  expect(second.sid).not.toBe(first.sid);
});

test('the same identity twice: the older one is told 53205', async ({ people, kennel, roomName }) => {
  const old = await people.open('old', '2.18.1');
  const young = await people.open('young', '2.36.0');
  const watcher = await people.open('watcher', '2.36.0');
  await watcher.join(token('watcher', roomName), kennel.signaling, []);
  await old.join(token('dog', roomName), kennel.signaling);
  await watcher.sees('dog');
  const joined = await young.join(token('dog', roomName), kennel.signaling);
  const told = await old.event('disconnected');
  expect(told.error?.code).toBe(53205);
  await watcher.event('participantConnected', { who: 'dog', sid: joined.me });
  await watcher.seesPeople('dog');
  await watcher.sees('dog');
  expect(await young.call('state')).toBe('connected');
});

test('a go room has two places; the third hears 53105 until one is free', { tag: '@once' }, async ({ people, kennel, roomName }) => {
  const set = await kennel.call('PUT', `/kennel/v1/rooms/${encodeURIComponent(roomName)}`, { type: 'go' });
  expect(set.status).toBe(200);
  const ann = await people.open('ann', '2.36.0');
  const ben = await people.open('ben', '2.18.1');
  const cleo = await people.open('cleo', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling);
  await ben.join(token('ben', roomName), kennel.signaling);
  const refused = await cleo.tryJoin(token('cleo', roomName), kennel.signaling);
  expect(refused.error).toMatchObject({ code: 53105 });
  await meet([ann, ben], ['ann', 'ben']);
  await ann.leave();
  await ben.seesPeople();
  await cleo.join(token('cleo', roomName), kennel.signaling);
  await meet([cleo, ben], ['cleo', 'ben']);
});
