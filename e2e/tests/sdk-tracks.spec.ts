import { expect, test } from '../lib/test.ts';
import { meet, type Person } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

test.describe('ann and ben have met', () => {
  let ann: Person;
  let ben: Person;

  test.beforeEach(async ({ people, kennel, roomName }) => {
    ann = await people.open('ann', '2.18.1');
    ben = await people.open('ben', '2.36.0');
    await ann.join(token('ann', roomName), kennel.signaling);
    await ben.join(token('ben', roomName), kennel.signaling);
    await meet([ann, ben], ['ann', 'ben']);
  });

  test('self mute is silence at the other end, and back', async () => {
    for (const [self, name, other] of [
      [ann, 'ann', ben],
      [ben, 'ben', ann],
    ] as const) {
      await self.call('enable', 'audio', false);
      const off = await other.event('trackDisabled', { who: name, kind: 'audio' });
      await other.hearsSilenceOf(name);
      await other.sees(name);
      await self.call('enable', 'audio', true);
      await other.event('trackEnabled', { who: name, kind: 'audio' }, { after: off.at });
      await other.hears(name);
    }
  });

  test('a late joiner sees who is muted and hears nothing of them', async ({ people, kennel, roomName }) => {
    await ann.call('enable', 'audio', false);
    await ben.event('trackDisabled', { who: 'ann', kind: 'audio' });
    const cleo = await people.open('cleo', '2.36.0');
    await cleo.join(token('cleo', roomName), kennel.signaling);
    await cleo.hears('ben');
    await cleo.hearsSilenceOf('ann');
    expect(await cleo.track('ann', 'audio')).toMatchObject({ enabled: false, subscribed: true });
    expect(await cleo.track('ben', 'audio')).toMatchObject({ enabled: true });
  });

  test('video off stops the picture, on brings it back moving', async () => {
    await ann.call('enable', 'video', false);
    await ben.event('trackDisabled', { who: 'ann', kind: 'video' });
    await ben.seesNothingNewOf('ann');
    await ben.hears('ann');
    await ann.call('enable', 'video', true);
    await ben.event('trackEnabled', { who: 'ann', kind: 'video' });
    await ben.sees('ann');
  });

  test('unpublish takes the track away, publish brings another', async () => {
    const before = await ben.track('ann', 'video');
    await ann.call('unpublish', 'video');
    await ben.event('trackUnsubscribed', { who: 'ann', kind: 'video', track: before!.sid });
    await ben.event('trackUnpublished', { who: 'ann', kind: 'video' });
    expect(await ben.track('ann', 'video')).toBeNull();
    await ben.hears('ann');
    const sid = await ann.call<string>('publish', 'video');
    expect(sid).toMatch(/^MT[0-9a-f]{32}$/);
    await ben.event('trackSubscribed', { who: 'ann', kind: 'video', track: sid });
    await ben.sees('ann');
  });

  test('changing the camera, five times', async () => {
    const cameras = new Set<string>();
    let shown = await ann.call<string>('camera');
    cameras.add(shown);
    for (let turn = 1; turn <= 5; turn += 1) {
      await ann.call('unpublish', 'video');
      const sid = await ann.call<string>('publish', 'video', turn % 2);
      await expect.poll(async () => (await ben.track('ann', 'video'))?.sid).toBe(sid);
      await ben.sees('ann');
      const now = await ann.call<string>('camera');
      expect(now).not.toBe(shown);
      cameras.add((shown = now));
    }
    expect(cameras.size).toBe(2);
    await ann.sees('ben');
  });

  test('both change their camera in the same moment', async () => {
    await Promise.all([ann.call('unpublish', 'video'), ben.call('unpublish', 'video')]);
    const [a, b] = await Promise.all([ann.call<string>('publish', 'video', 1), ben.call<string>('publish', 'video', 1)]);
    await expect.poll(async () => (await ben.track('ann', 'video'))?.sid).toBe(a);
    await expect.poll(async () => (await ann.track('ben', 'video'))?.sid).toBe(b);
    await meet([ann, ben], ['ann', 'ben']);
  });
});
