import type { Page } from '@playwright/test';
import { expect, test } from '../lib/mix.ts';
import { moderator, roomToken, type Member } from '../lib/member.ts';

const own = ['audio_mute', 'audio_unmute', 'video_mute', 'video_unmute', 'deaf', 'undeaf', 'set_input_volume', 'set_output_volume', 'set_input_sensitivity', 'set_position', 'set_meta', 'raisehand', 'lowerhand'];

/** Everything that can be allowed. */
const all = [...new Set([...moderator, ...own.flatMap((name) => [`room.self.${name}`, `room.member.${name}`]), 'room.playback', 'room.playback_seek', 'room.stream', 'room.recording'])];

/** One method with its arguments, and the word of what changes by it, as the others hear it. */
interface Call {
  method: string;
  args: unknown[];
  changes?: string;
}

/** Every method about a member, in an order in which each changes something. */
function ofMember(memberId: string): Call[] {
  const who = { memberId };
  return [
    { method: 'audioMute', args: [who], changes: 'audio_muted' },
    { method: 'audioUnmute', args: [who], changes: 'audio_muted' },
    { method: 'videoMute', args: [who], changes: 'video_muted' },
    { method: 'videoUnmute', args: [who], changes: 'video_muted' },
    { method: 'deaf', args: [who], changes: 'deaf' },
    { method: 'undeaf', args: [who], changes: 'deaf' },
    { method: 'setInputVolume', args: [{ ...who, volume: 10 }], changes: 'input_volume' },
    { method: 'setMicrophoneVolume', args: [{ ...who, volume: 0 }], changes: 'input_volume' },
    { method: 'setOutputVolume', args: [{ ...who, volume: -10 }], changes: 'output_volume' },
    { method: 'setSpeakerVolume', args: [{ ...who, volume: 0 }], changes: 'output_volume' },
    { method: 'setInputSensitivity', args: [{ ...who, value: 20 }], changes: 'input_sensitivity' },
    { method: 'setRaisedHand', args: [{ ...who, raised: true }], changes: 'handraised' },
    { method: 'setRaisedHand', args: [{ ...who, raised: false }], changes: 'handraised' },
    { method: 'setMemberPosition', args: [{ ...who, position: 'off-canvas' }], changes: 'requested_position' },
    { method: 'setMemberPosition', args: [{ ...who, position: 'auto' }], changes: 'requested_position' },
    { method: 'setMemberMeta', args: [{ ...who, meta: { a: 1 } }], changes: 'meta' },
    { method: 'updateMemberMeta', args: [{ ...who, meta: { b: 2 } }], changes: 'meta' },
    { method: 'deleteMemberMeta', args: [{ ...who, keys: ['a'] }], changes: 'meta' },
  ];
}

/** Every method about the room. */
const ofRoom: Call[] = [
  { method: 'setLayout', args: [{ name: '2x2' }], changes: 'layout_name' },
  { method: 'setLayout', args: [{ name: 'grid-responsive', positions: { self: 'standard-1' } }], changes: 'layout_name' },
  { method: 'setPositions', args: [{ positions: { self: 'auto' } }] },
  { method: 'setHideVideoMuted', args: [true], changes: 'hide_video_muted' },
  { method: 'setHideVideoMuted', args: [false], changes: 'hide_video_muted' },
  { method: 'hideVideoMuted', args: [], changes: 'hide_video_muted' },
  { method: 'showVideoMuted', args: [], changes: 'hide_video_muted' },
  { method: 'setMeta', args: [{ a: 1 }], changes: 'meta' },
  { method: 'updateMeta', args: [{ b: 2 }], changes: 'meta' },
  { method: 'deleteMeta', args: [['a']], changes: 'meta' },
  { method: 'lock', args: [], changes: 'locked' },
  { method: 'unlock', args: [], changes: 'locked' },
  { method: 'setPrioritizeHandraise', args: [true], changes: 'prioritize_handraise' },
  { method: 'setPrioritizeHandraise', args: [false], changes: 'prioritize_handraise' },
];

/** How often this member was told of such a change of somebody, or of the room. */
async function told(member: Member, call: Call, who?: string): Promise<number> {
  const events = await member.events(who ? 'member.updated' : 'room.updated');
  const names = (detail: any): unknown => (who ? detail.member.id === who && detail.member.updated : detail.room_session.updated);
  return events.map(({ detail }) => names(detail)).filter((list) => Array.isArray(list) && list.includes(call.changes)).length;
}

async function takesEffect(actor: Member, witness: Member, call: Call, who?: string): Promise<void> {
  const before = await told(witness, call, who);
  await actor.does(call.method, ...call.args);
  if (call.changes) await expect.poll(() => told(witness, call, who), { message: `${witness.label} hears of ${call.method}` }).toBeGreaterThan(before);
}

test('every method, with and without its permission', async ({ mix, roomName }) => {
  test.setTimeout(240_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', all, { colour: 1, tone: 440 });
  await mix.join(b, roomName, 'bo', [], { colour: 2, tone: 880 });
  await b.seesColours(new Map([[a.me, 1], [b.me, 2]]));

  await test.step('about oneself and another, with permission', async () => {
    for (const who of [a.me, b.me]) for (const call of ofMember(who)) await takesEffect(a, b, call, who);
  });
  await test.step('about the room, with permission', async () => {
    for (const call of ofRoom) await takesEffect(a, b, call);
    expect((await a.does('getMemberMeta', { memberId: b.me })).meta).toEqual({ b: 2 });
    expect((await a.does('getMeta')).meta).toEqual({ b: 2 });
    expect((await a.does('getLayouts')).layouts).toContain('highlight-1-responsive');
  });
  await test.step('none of it without', async () => {
    for (const call of [...ofMember(b.me), ...ofMember(a.me), ...ofRoom]) {
      expect((await b.ask(call.method, ...call.args)).error, call.method).toMatchObject({ code: '403', message: 'Unauthorized' });
    }
    for (const method of ['getLayouts', 'removeAllMembers', 'getPlaybacks', 'getStreams']) expect((await b.ask(method)).error, method).toMatchObject({ code: '403' });
    for (const method of ['removeMember', 'promote', 'demote']) expect((await b.ask(method, { memberId: a.me })).error, method).toMatchObject({ code: '403' });
    for (const [method, wish] of [['play', { url: 'https://x/y.mp4' }], ['startStream', { url: 'rtmp://x/y' }]] as const) {
      expect((await b.ask(method, wish)).error, method).toMatchObject({ code: '403' });
    }
    expect((await a.ask('play', { url: 'rtmp://x/y' })).error, 'no file on the web').toMatchObject({ code: '400' });
    expect((await a.ask('startStream', { url: 'rtmp://x/y' })).error).toMatchObject({ code: '501', message: 'Not offered by this server' });
    expect((await a.does('getPlaybacks')).playbacks).toEqual([]);
    expect((await a.does('getStreams')).streams).toEqual([]);
  });
  await test.step('some need none, and nobody is nobody', async () => {
    expect((await b.does('getMembers')).members).toHaveLength(2);
    expect((await b.does('getMeta')).meta).toEqual({ b: 2 });
    expect((await b.ask('getMemberMeta', { memberId: '00000000-0000-0000-0000-000000000000' })).error).toMatchObject({ code: '404' });
    expect((await a.ask('audioMute', { memberId: '00000000-0000-0000-0000-000000000000' })).error).toMatchObject({ code: '404' });
  });
  await test.step('devices change without a word', async () => {
    for (const [method, wish] of [['updateCamera', { width: 320 }], ['updateMicrophone', { echoCancellation: false }]] as const) await a.does(method, wish);
    await b.seesColours(new Map([[a.me, 1], [b.me, 2]]));
    await b.hearsTones([440], [880]);
    await a.does('addCamera', {});
    await b.hasHeard('member.joined', (detail) => detail.member.type === 'device' && detail.member.parent_id === a.me);
  });
  await test.step('events', async () => {
    const heard = (name: string) => b.hasHeard(name);
    for (const name of ['room.subscribed', 'room.joined', 'room.updated', 'member.updated', 'member.updated.audio_muted', 'member.updated.video_muted', 'member.updated.visible', 'member.updated.deaf', 'member.updated.input_volume', 'member.updated.output_volume', 'member.updated.handraised', 'member.updated.meta', 'member.talking', 'memberList.updated', 'layout.changed']) await heard(name);
    await a.hasHeard('room.started');
    await a.hasHeard('member.joined');
  });
  await test.step('a screen needs no permission', async () => {
    await b.call('share');
    await a.hasHeard('member.joined', (detail) => detail.member.type === 'screen' && detail.member.parent_id === b.me);
  });
  await test.step('all out by one call, the caller as the last', async () => {
    await a.does('removeAllMembers');
    await b.hasHeard('room.left');
    await a.hasHeard('member.left', (detail) => detail.member.id === b.me);
    await a.hasHeard('room.left');
  });
});

test('who may only be heard is promoted so', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', all, { colour: 1, tone: 440 });
  await mix.join(b, roomName, 'bo', [], { colour: 2, tone: 880 }, { join_as: 'audience' });
  await a.does('promote', { memberId: b.me, mediaAllowed: 'audio-only', permissions: [] });
  await b.hasHeard('member.promoted', (detail) => detail.authorization.media_allowed === 'audio-only');
  await a.hearsTones([880], [440]);
});

test('who may only be heard is sent sound and no pictures, and the other way round', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b, c] = [await mix.open('ann'), await mix.open('bo'), await mix.open('cy')];
  const ann = { colour: 1, tone: 440 };
  await mix.join(a, roomName, 'ann', all, ann);
  await mix.join(b, roomName, 'bo', [], { colour: 2, tone: 880 }, { media_allowed: 'audio-only' });
  await mix.join(c, roomName, 'cy', [], { colour: 4, tone: 1320 }, { media_allowed: 'video-only' });
  await b.hearsTones([440], [880, 1320]);
  await a.hearsTones([880], [440, 1320]);
  const frames = async (one: Member) => (await one.call<{ frames: number } | null>('look', []))?.frames ?? 0;
  await expect.poll(() => frames(c), { message: 'cy sees a picture that goes on' }).toBeGreaterThan(5);
  expect(await frames(b), 'bo is sent no picture').toBe(0);
  const levels = await c.call<number[] | null>('tones', [440, 880, 1320]);
  expect((levels ?? []).every((level) => level < -60), `cy is sent silence: ${levels}`).toBe(true);
});

test('an app hears that its server was started again, and joins again', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const a = await mix.open('ann');
  let connects = 0;
  (a.page as Page).on('websocket', (socket) => socket.on('framesent', ({ payload }) => void (connects += Number(`${payload}`.includes('signalwire.connect')))));
  await mix.join(a, roomName, 'ann', all, { colour: 1, tone: 440 });
  await a.seesColours(new Map([[a.me, 1]]));
  await mix.kennel.stop('SIGTERM');
  await mix.kennel.start();
  await expect.poll(async () => (await a.events('destroy')).length + (await a.events('room.left')).length, { timeout: 60_000 }).toBeGreaterThan(0);
  // The SDK repeats what is refused as fast as it is refused.
  expect(connects).toBeLessThan(8);
  await a.load('3.30.0');
  await a.join(await roomToken(mix.kennel, roomName, 'ann', all), mix.kennel.relay, { colour: 1, tone: 440 });
});
