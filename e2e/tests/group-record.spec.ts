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

test('sound and pictures of everybody become files', async ({ people, kennel, roomName }) => {
  test.setTimeout(120_000);
  const made = await twilio(kennel, 'POST', 'Rooms', { UniqueName: roomName, Type: 'group', RecordParticipantsOnConnect: 'true' });
  const [ann, ben] = [await people.open('ann', '2.36.0'), await people.open('ben', '2.18.1')];
  for (const one of [ann, ben]) await one.join(token(one.label, roomName), kennel.signaling, ['audio', 'video']);
  await ben.sees('ann');
  await ann.sees('ben');
  expect((await twilio(kennel, 'POST', `Rooms/${made.body.sid}/RecordingRules`, everything('exclude'))).status).toBe(200);
  const finished = async () => {
    const { body } = await twilio(kennel, 'GET', `Rooms/${made.body.sid}/Recordings`);
    return (body.recordings as { status: string; size: number; duration: number; type: string }[]).filter((one) => one.status === 'completed' && one.size > 0);
  };
  await expect.poll(async () => (await finished()).length, { message: 'sound and pictures of both are files', timeout: 30_000 }).toBe(4);
  expect((await finished()).map((one) => one.type).sort()).toEqual(['audio', 'audio', 'video', 'video']);
  expect((await finished()).every((one) => one.duration >= 1)).toBe(true);
});

test('whoever asked for it is warned while nothing comes of a track that is recorded', async ({ people, kennel, roomName }) => {
  await twilio(kennel, 'POST', 'Rooms', { UniqueName: roomName, Type: 'group', RecordParticipantsOnConnect: 'true' });
  const ann = await people.open('ann', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, ['video'], { notifyWarnings: ['recording-media-lost'] });
  const [camera] = await ann.call<{ sid: string }[]>('published');
  // The browser's own sender stops, and the SDK knows nothing of it: as with a camera that hangs.
  const hang = (hangs: boolean) =>
    ann.page.evaluate(async (hangs) => {
      const page = window as unknown as { peers: RTCPeerConnection[]; held?: [RTCRtpSender, MediaStreamTrack] };
      const sending = page.peers.flatMap((peer) => peer.getSenders()).find((sender) => sender.track?.kind === 'video');
      page.held ??= [sending!, sending!.track!];
      await page.held[0].replaceTrack(hangs ? null : page.held[1]);
    }, hangs);
  await hang(true);
  await ann.event('trackWarning', { kind: 'recording-media-lost', track: camera!.sid }, { timeout: 20_000 });
  await hang(false);
  await ann.event('trackWarningsCleared', { track: camera!.sid });
});
