import { expect, test } from '../lib/test.ts';
import { token } from '../lib/tokens.ts';
import { twilio } from '../lib/twilio.ts';

const everything = (type: 'include' | 'exclude') => ({ Rules: JSON.stringify([{ type, all: true }]) });

test('a room that is recorded says so, and rules that change say it to everybody inside', async ({ people, kennel, roomName }) => {
  test.setTimeout(120_000);
  const made = await twilio(kennel, 'POST', 'Rooms', { UniqueName: roomName, Type: 'group', RecordParticipantsOnConnect: 'true' });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const rules = `Rooms/${made.body.sid}/RecordingRules`;
  const [ann, ben] = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1')];
  for (const one of [ann, ben]) {
    await one.join(token(one.label, roomName), kennel.signaling, ['audio', 'video']);
    await expect.poll(() => one.call('isRecording'), { message: `${one.label} is recorded` }).toBe(true);
  }
  await ben.sees('ann');
  const stopped = Date.now();
  expect((await twilio(kennel, 'POST', rules, everything('exclude'))).status).toBe(200);
  for (const one of [ann, ben]) {
    await one.event('recordingStopped', {}, { after: stopped });
    expect(await one.call('isRecording')).toBe(false);
  }
  const again = Date.now();
  expect((await twilio(kennel, 'POST', rules, everything('include'))).status).toBe(200);
  for (const one of [ann, ben]) await one.event('recordingStarted', {}, { after: again });
  const first = await people.open('cy', '2.36.0');
  await first.join(token('cy', roomName), kennel.signaling, ['audio']);
  expect(await first.call('isRecording')).toBe(true);
  expect((await ann.events()).some((one) => one.name === 'disconnected')).toBe(false);
});

test('rooms that nobody asked to record are not', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, ['audio']);
  expect(await ann.call('isRecording')).toBe(false);
});
