import { expect, test } from '../lib/mix.ts';
import { guest, type Member, type Look } from '../lib/member.ts';

const ann: Look = { colour: 1, tone: 440 };
const bo: Look = { colour: 2, tone: 880 };

interface Packets {
  audio: { sent: number; received: number };
  video: { sent: number; received: number };
}

/** Which of the four flow, in packets of the last two seconds. */
async function flows(member: Member): Promise<string> {
  const before = await member.call<Packets>('packets');
  await new Promise((done) => setTimeout(done, 2_000));
  const now = await member.call<Packets>('packets');
  const names = (['audio', 'video'] as const).flatMap((kind) => (['sent', 'received'] as const).map((way) => [kind, way] as const));
  return names.filter(([kind, way]) => now[kind][way] - before[kind][way] > 4).map((name) => name.join(' ')).join(', ');
}

async function flow(member: Member, expected: string): Promise<void> {
  await expect.poll(() => flows(member), { message: `${member.label}: what flows`, timeout: 30_000, intervals: [100] }).toBe(expected);
}

test('Chromium’s own fake microphone talks until it is muted, and after that', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(b, roomName, 'bo', guest, bo, { join_audio_muted: true });
  await mix.join(a, roomName, 'ann', guest, { devices: true });
  const talks = async () => (await b.events('member.talking')).filter(({ detail }) => detail.member.id === a.me).map(({ detail }) => detail.member.talking);
  await expect.poll(talks, { message: 'it talks' }).toEqual([true]);
  // The pauses between its beeps are none.
  await new Promise((done) => setTimeout(done, 5_000));
  expect(await talks()).toEqual([true]);
  await a.does('audioMute');
  await expect.poll(talks, { message: 'it is silent' }).toEqual([true, false]);
  await a.does('audioUnmute');
  await expect.poll(talks, { message: 'it talks again' }).toEqual([true, false, true]);
});

test('what is sent and received is changed while the call goes on', async ({ mix, roomName }) => {
  test.setTimeout(180_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', guest, ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  const all = 'audio sent, audio received, video sent, video received';
  await flow(a, all);
  await test.step('sound neither way, pictures only out', async () => {
    await a.does('updateMedia', { audio: { direction: 'inactive' }, video: { direction: 'sendonly' } });
    await flow(a, 'video sent');
    await b.hearsTones([], [ann.tone]);
  });
  await test.step('pictures both ways again', async () => {
    await a.does('setVideoDirection', 'sendrecv');
    await flow(a, 'video sent, video received');
  });
  await test.step('sound both ways, pictures only in', async () => {
    await a.does('updateMedia', { audio: { direction: 'sendrecv' }, video: { direction: 'recvonly' } });
    await flow(a, 'audio sent, audio received, video received');
    await b.hearsTones([ann.tone], [bo.tone]);
  });
  await test.step('and everything again', async () => {
    await a.does('updateMedia', { audio: { direction: 'sendrecv' }, video: { direction: 'sendrecv' } });
    await flow(a, all);
    await b.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  });
});
