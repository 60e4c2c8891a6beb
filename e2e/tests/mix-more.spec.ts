import type { Page } from '@playwright/test';
import { expect, test } from '../lib/mix.ts';
import { guest, moderator, rest, roomToken, type Member } from '../lib/member.ts';
import { token } from '../lib/tokens.ts';

const ann = { colour: 1, tone: 440 };
const bo = { colour: 2, tone: 880 };

/** What each sends now is seen and heard by both: pictures and tones of before do not count. */
async function goesOn(a: Member, b: Member): Promise<void> {
  await a.turns(5);
  await b.turns(6);
  for (const one of [a, b]) await one.seesColours(new Map([[a.me, 5], [b.me, 6]]));
  await a.hearsTones([bo.tone], [ann.tone]);
  await b.hearsTones([ann.tone], [bo.tone]);
}

test('clients of both vendors are in one room: one sees the mix, the other each one’s own tracks', async ({ mix, people, kennel, roomName }) => {
  test.setTimeout(180_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  const tim = await people.open('tim', '2.36.0');
  const joined = await tim.join(token('tim', roomName), kennel.signaling, ['audio', ['video', 'drawn', { colour: 4 }]]);
  await tim.seesPeople('ann', 'bo');
  for (const [name, colour] of [['ann', 1], ['bo', 2]] as const) {
    await expect.poll(async () => (await tim.track(name, 'video'))?.subscribed, { message: `tim is given ${name}` }).toBe(true);
    await tim.seesColour((await tim.track(name, 'video'))!.sid, colour, 30_000);
    await tim.hears(name);
  }
  await a.hasHeard('member.joined', (detail) => detail.member.name === 'tim');
  const { members } = await a.does('getMembers');
  const timId = members.find((one: any) => one.name === 'tim').id;
  await a.seesColours(new Map([[a.me, 1], [b.me, 2], [timId, 4]]), 30_000);
  await test.step('a moderator of the one vendor mutes a client of the other', async () => {
    await a.does('videoMute', { memberId: b.me });
    await expect.poll(async () => (await tim.track('bo', 'video'))?.enabled, { message: 'tim sees that bo is off' }).toBe(false);
    await a.does('videoUnmute', { memberId: b.me });
    await expect.poll(async () => (await tim.track('bo', 'video'))?.enabled, { message: 'tim sees that bo is on' }).toBe(true);
  });
  expect(joined.name).toBe(roomName);
});

test('pages of the original demonstration: createRoomObject, words for flags, the vendor’s own host', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  const join = async (member: typeof a, user: string, permissions: string[], look: object) => {
    const token = await roomToken(mix.kennel, roomName, user, permissions);
    // The token leads here, whatever the page says.
    return member.join(token, 'relay.signalwire.com', { how: 'object', ...look, audio: 'true' as never, video: 'true' as never });
  };
  await join(a, 'ann', moderator, ann);
  await join(b, 'bo', guest, bo);
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  await test.step('everybody is muted by one word, the moderator too', async () => {
    await a.does('audioMute', { memberId: 'all' });
    for (const one of [a, b]) await one.hasHeard('member.updated', (detail) => detail.member.id === one.me && detail.member.audio_muted === true);
    await a.does('audioUnmute', { memberId: 'all' });
    await a.hearsTones([bo.tone], [ann.tone]);
  });
  await test.step('a method that is given an id instead of an object mutes the giver', async () => {
    await a.does('audioMute', a.me);
    await b.hasHeard('member.updated', (detail) => detail.member.id === a.me && detail.member.audio_muted === true);
  });
});

test('a shared screen is a member of its own, and goes with its person', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  const shared = await a.call<any>('share');
  expect(shared.error).toBeUndefined();
  const screen = shared.result.member;
  await b.hasHeard('member.joined', (detail) => detail.member.type === 'screen' && detail.member.parent_id === a.me);
  await b.seesColours(new Map([[a.me, 1], [b.me, 2], [screen, 7]]));
  await a.call('unshare');
  await b.hasHeard('member.left', (detail) => detail.member.id === screen);
  await b.seesColours(new Map([[a.me, 1], [b.me, 2]]));
});

test('a shared screen is gone at once when its page is loaded again', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  const token = await roomToken(mix.kennel, roomName, 'bo', [...guest, 'room.self.screenshare']);
  const before = await b.join(token, mix.kennel.relay, { ...bo, options: { reattach: true } });
  const screen = (await b.call<any>('share')).result.member;
  await a.seesColours(new Map([[a.me, 1], [b.me, 2], [screen, 7]]));
  await b.load('3.30.0');
  await a.hasHeard('member.left', (detail) => detail.member.id === screen);
  const after = await b.join(token, mix.kennel.relay, { ...bo, options: { reattach: true } });
  expect(after.me).toBe(before.me);
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
});

test('one’s own picture over the mix goes when it is muted, and comes back', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  /** Whether the SDK shows this page its own camera over its own place, which would hide the card that the others see there. */
  const overlay = (one: typeof a) =>
    one.page.evaluate(() => {
      const video = document.querySelector<HTMLElement>('.mcuLayers video');
      const box = video?.getBoundingClientRect();
      const shown = !!video && !!box && box.width > 0 && box.height > 0 && [video, video.parentElement!].every((one) => getComputedStyle(one).opacity !== '0' && getComputedStyle(one).display !== 'none');
      return shown;
    }, undefined);
  await expect.poll(() => overlay(b), { message: 'bo sees its own picture at once' }).toBe(true);
  for (const [by, who] of [[b, undefined], [a, { memberId: b.me }]] as const) {
    await by.does('videoMute', ...(who ? [who] : []));
    await expect.poll(() => overlay(b), { message: `muted by ${by.label}: the card is seen` }).toBe(false);
    // A moderator turns nobody's camera on here: its holder does.
    await b.does('videoUnmute');
    await expect.poll(() => overlay(b), { message: `unmuted after ${by.label}` }).toBe(true);
  }
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
});

test('who may send no more does not send by calling again, and who may not come in any more does not come back', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  const token = await roomToken(mix.kennel, roomName, 'bo', guest);
  await b.join(token, mix.kennel.relay, { ...bo, options: { reattach: true } });
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  await test.step('its permission was withdrawn: it looks on, also after a reload by the token that once let it send', async () => {
    await a.does('demote', { memberId: b.me });
    await a.seesColours(new Map([[a.me, 1]]));
    await b.load('3.30.0');
    await b.tryJoin(token, mix.kennel.relay, { ...bo, options: { reattach: true } });
    await expect.poll(async () => (await b.call<{ frames: number } | null>('look', []))?.frames ?? 0, { message: 'it sees the mix' }).toBeGreaterThan(10);
    expect((await a.does('getMembers')).members.map((one: any) => one.name)).toEqual(['ann']);
    await a.seesColours(new Map([[a.me, 1]]));
    await a.hearsTones([], [bo.tone]);
  });
  await test.step('its token is good for nothing any more: who left does not come in again by it', async () => {
    const until = Date.now() + 8_000;
    const c = await mix.open('cy');
    const short = await roomToken(mix.kennel, roomName, 'cy', guest, { join_until: new Date(until).toISOString() });
    await c.join(short, mix.kennel.relay, { colour: 4, tone: 1320 });
    await c.does('leave');
    await a.hasHeard('member.left', (detail) => detail.member.name === 'cy');
    await expect.poll(() => Date.now() > until + 1_000, { timeout: 20_000 }).toBe(true);
    await c.load('3.30.0');
    expect((await c.tryJoin(short, mix.kennel.relay)).error).toMatchObject({ code: '403', message: 'Unauthorized' });
  });
});

test('a page that is loaded again is the same member', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  const token = await roomToken(mix.kennel, roomName, 'bo', guest);
  const before = await b.join(token, mix.kennel.relay, { ...bo, options: { reattach: true } });
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  await b.load('3.30.0');
  const after = await b.join(token, mix.kennel.relay, { ...bo, options: { reattach: true } });
  expect(after.me).toBe(before.me);
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  await goesOn(a, b);
  expect(await a.events('member.left')).toHaveLength(0);
});

test('a socket that breaks takes nothing along', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await (b.page as Page).addInitScript(() => {
    const Native = window.WebSocket;
    const open: WebSocket[] = [];
    Object.assign(window, { sockets: open });
    window.WebSocket = new Proxy(Native, { construct: (target, args) => (open.push(new (target as any)(...args)), open.at(-1)!) });
  });
  await b.load('3.30.0');
  await mix.join(b, roomName, 'bo', guest, bo);
  const all = new Map([[a.me, 1], [b.me, 2]]);
  await a.seesColours(all);
  await b.page.evaluate(() => (window as any).sockets.at(-1).close(), undefined);
  // The SDK connects anew within 4 s, and asks for nothing: the call goes on.
  await expect.poll(() => b.page.evaluate(() => (window as any).sockets.at(-1).readyState === 1 && (window as any).sockets.length, undefined), { timeout: 20_000 }).toBeGreaterThan(1);
  await expect.poll(async () => (await b.ask('audioMute')).error, { timeout: 20_000 }).toBeUndefined();
  await a.hasHeard('member.updated', (detail) => detail.member.id === b.me && detail.member.audio_muted === true);
  await b.does('audioUnmute');
  await goesOn(a, b);
  expect(await a.events('member.left')).toHaveLength(0);
  expect(await b.events('destroy')).toHaveLength(0);
});

for (const sdk of ['3.25.1', '3.16.0', '3.11.1'] as const) {
  test(`an older SDK meets the newest: ${sdk}`, async ({ mix, roomName }) => {
    test.setTimeout(120_000);
    const [a, b] = [await mix.open('ann'), await mix.open('bo', sdk)];
    await mix.join(a, roomName, 'ann', moderator, ann);
    await mix.join(b, roomName, 'bo', [...guest, 'room.set_layout', 'room.list_available_layouts', 'room.self.set_meta'], bo);
    const all = new Map([[a.me, 1], [b.me, 2]]);
    await a.seesColours(all);
    await b.seesColours(all);
    await b.hearsTones([ann.tone], [bo.tone]);
    expect((await b.ask('audioMute', { memberId: a.me })).error, 'a guest').toBeDefined();
    await b.does('videoMute');
    await a.hasHeard('member.updated', (detail) => detail.member.id === b.me && detail.member.video_muted === true);
    await a.seesColours(new Map<string, number | 'card'>([...all, [b.me, 'card']]));
    await b.does('videoUnmute');
    expect((await b.does('getMembers')).members).toHaveLength(2);
    expect((await b.does('getLayouts')).layouts).toContain('2x2');
    await b.does('setLayout', { name: '2x2' });
    await a.hasHeard('layout.changed', (detail) => detail.layout.name === '2x2');
    await b.does('setMemberMeta', { meta: { a: 1 } });
    await a.hasHeard('member.updated', (detail) => detail.member.id === b.me && detail.member.meta?.a === 1);
    await a.seesColours(all);
    await a.does('removeMember', { memberId: b.me });
    await b.hasHeard('destroy');
  });
}

test('who may not come in is told so', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await a.does('lock');
  const locked = await b.tryJoin(await roomToken(mix.kennel, roomName, 'bo', guest), mix.kennel.relay, bo);
  expect(locked.error).toMatchObject({ code: '403', message: 'Unauthorized' });
  await a.does('unlock');
  await b.load('3.30.0');
  await mix.join(b, roomName, 'bo', guest, bo);
  const later = await mix.open('late');
  const early = await roomToken(mix.kennel, roomName, 'late', guest, { join_from: new Date(Date.now() + 3_600_000).toISOString() });
  expect((await later.tryJoin(early, mix.kennel.relay)).error).toBeTruthy();
});

test('audience looks on, is promoted, and is put back', async ({ mix, roomName }) => {
  test.setTimeout(120_000);
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  await mix.join(a, roomName, 'ann', moderator, ann);
  await mix.join(b, roomName, 'bo', [], bo, { join_as: 'audience' });
  await b.seesColours(new Map([[a.me, 1]]));
  await b.hearsTones([ann.tone], [bo.tone]);
  expect((await a.does('getMembers')).members.map((one: any) => one.name)).toEqual(['ann']);
  await a.does('promote', { memberId: b.me, permissions: guest });
  await a.hasHeard('member.joined', (detail) => detail.member.name === 'bo');
  await a.seesColours(new Map([[a.me, 1], [b.me, 2]]));
  await goesOn(a, b);
  await a.does('demote', { memberId: b.me });
  await a.seesColours(new Map([[a.me, 5]]));
  await a.hearsTones([], [bo.tone]);
  await a.turns(3);
  await b.seesColours(new Map([[a.me, 3]]));
});

test('a room made by REST begins as it was made', async ({ mix, roomName }) => {
  const made = await rest(mix.kennel, 'POST', 'rooms', { name: roomName, display_name: 'The den', max_members: 2, layout: '2x2', tone_on_entry_and_exit: false, meta: { a: 1 } });
  expect(made.status).toBe(200);
  expect((await rest(mix.kennel, 'POST', 'rooms', { name: roomName })).status).toBe(422);
  const [a, b, c] = [await mix.open('ann'), await mix.open('bo'), await mix.open('cy')];
  const entered = await mix.join(a, roomName, 'ann', moderator, ann);
  expect(entered.room).toBe(made.body.id);
  await mix.join(b, roomName, 'bo', guest, bo);
  expect((await c.tryJoin(await roomToken(mix.kennel, roomName, 'cy', guest), mix.kennel.relay)).error).toMatchObject({ code: '403' });
  expect(await a.does('getMeta')).toMatchObject({ meta: { a: 1 } });
  expect((await a.events('layout.changed')).at(-1)!.detail.layout.name).toBe('2x2');
  const shown = await rest(mix.kennel, 'GET', `rooms/${roomName}?include_active_session=true`);
  expect(shown.body).toMatchObject({ display_name: 'The den', active_session: { status: 'in-progress', max_members: 2 } });
});

test('a browser that would rather send H264 is seen, and sees', async ({ mix, roomName }) => {
  const [a, b] = [await mix.open('ann'), await mix.open('bo')];
  // As an app says it that knows of an encoder in hardware.
  const h264 = () => {
    const make = RTCPeerConnection.prototype.createOffer;
    RTCPeerConnection.prototype.createOffer = function (this: RTCPeerConnection, ...args: any[]) {
      const { codecs } = RTCRtpReceiver.getCapabilities('video')!;
      const first = codecs.filter((codec) => codec.mimeType === 'video/H264');
      const kept = [...first, ...codecs.filter((codec) => codec.mimeType !== 'video/H264')];
      this.getTransceivers().filter((one) => one.receiver.track.kind === 'video').forEach((one) => one.setCodecPreferences(kept));
      (globalThis as any).talks = [...((globalThis as any).talks ?? []), this];
      return (make as any).apply(this, args);
    } as never;
  };
  await a.page.evaluate(h264, undefined);
  const has = await a.page.evaluate(() => RTCRtpSender.getCapabilities('video')!.codecs.some((codec) => codec.mimeType === 'video/H264'), undefined);
  test.skip(!has, 'this Chromium encodes no H264');
  await mix.join(a, roomName, 'ann', moderator, ann);
  await mix.join(b, roomName, 'bo', guest, bo);
  for (const one of [a, b]) await one.seesColours(new Map([[a.me, 1], [b.me, 2]]), 30_000);
  const codecs = () =>
    a.page.evaluate(async () => {
      const stats = (await Promise.all(((globalThis as any).talks as RTCPeerConnection[]).map((talk) => talk.getStats()))).flatMap((one) => [...one.values()]);
      const of = (type: string) => stats.filter((one) => one.type === type && one.kind === 'video').map((one) => stats.find((codec) => codec.id === one.codecId)?.mimeType);
      return { sent: of('outbound-rtp'), received: of('inbound-rtp') };
    }, undefined);
  await expect.poll(codecs).toEqual({ sent: ['video/H264'], received: ['video/VP8'] });
});
