import { expect, test } from '../lib/test.ts';
import type { Make, Person, Picture } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';

interface Layer {
  ssrc: number;
  width: number;
  frames: number;
  active: boolean;
  codec: string | null;
}

const drawn = (colour: number, size: object = {}): Make => ['video', 'drawn', { colour, ...size }];
/** Large enough for three layers, small enough for a machine without an encoder of its own. */
const large = drawn(2, { width: 960, height: 540, rate: 10 });
const byHand = { bandwidthProfile: { video: { clientTrackSwitchOffControl: 'manual', contentPreferencesMode: 'manual' } } };

test('simulcast: the picture is as large as the viewer asks, and layers that nobody needs are not sent', async ({ people, kennel, roomName }) => {
  test.setTimeout(120_000);
  const ann = await people.open('ann', '2.36.0');
  const ben = await people.open('ben', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, [large], { preferredVideoCodecs: 'auto' });
  await ben.join(token('ben', roomName), kennel.signaling, [], byHand);
  const sid = await subscribed(ben, 'ann');
  await ben.seesColour(sid, 2);
  const shows = async (width: number, height: number) => {
    await ben.call('tell', sid, 'setContentPreferences', { renderDimensions: { width, height } });
    await expect.poll(() => widthOf(ben, sid), { message: `${width} wide`, timeout: 40_000 }).toBe(width);
    await ben.seesColour(sid, 2);
  };
  await shows(240, 135);
  await expect.poll(async () => (await sending(ann)).length, { message: 'only the smallest layer is sent', timeout: 30_000 }).toBe(1);
  await shows(480, 270);
  await shows(960, 540);
  await shows(240, 135);
  const off = Date.now();
  await ben.call('tell', sid, 'switchOff');
  await expect.poll(async () => (await sending(ann)).length, { message: 'nothing is sent to nobody', timeout: 30_000 }).toBe(0);
  console.log(`    the last layer stops ${Date.now() - off} ms after the only viewer switched the picture off`);
  await ben.call('tell', sid, 'switchOn');
  await ben.seesColour(sid, 2);
});

test('two viewers of one simulcast track get different sizes', async ({ people, kennel, roomName }) => {
  test.setTimeout(120_000);
  const ann = await people.open('ann', '2.36.0');
  const viewers = [await people.open('ben', '2.36.0'), await people.open('cleo', '2.36.0')] as const;
  await ann.join(token('ann', roomName), kennel.signaling, [large], { preferredVideoCodecs: 'auto' });
  for (const viewer of viewers) await viewer.join(token(viewer.label, roomName), kennel.signaling, [], byHand);
  const sid = await subscribed(viewers[0], 'ann');
  for (const [i, viewer] of viewers.entries()) {
    await subscribed(viewer, 'ann');
    const renderDimensions = i ? { width: 240, height: 135 } : { width: 480, height: 270 };
    await viewer.call('tell', sid, 'setContentPreferences', { renderDimensions });
  }
  await expect.poll(() => widthOf(viewers[0], sid), { timeout: 40_000 }).toBe(480);
  await expect.poll(() => widthOf(viewers[1], sid), { timeout: 40_000 }).toBe(240);
  await Promise.all(viewers.map((viewer) => viewer.seesColour(sid, 2)));
});

test('explicit VP8 simulcast of the older SDK is seen by both versions', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.18.1');
  const viewers = [await people.open('ben', '2.36.0'), await people.open('cleo', '2.18.1')];
  const options = { preferredVideoCodecs: [{ codec: 'VP8', simulcast: true }] };
  await ann.join(token('ann', roomName), kennel.signaling, [large], options);
  for (const viewer of viewers) {
    await viewer.join(token(viewer.label, roomName), kennel.signaling, []);
    await viewer.seesColour(await subscribed(viewer, 'ann'), 2);
  }
});

test('H264 is forwarded as published', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  const ben = await people.open('ben', '2.18.1');
  await ann.join(token('ann', roomName), kennel.signaling, [drawn(3, { width: 320, height: 240 })], { preferredVideoCodecs: ['H264'] });
  await ben.join(token('ben', roomName), kennel.signaling, [drawn(5)]);
  await ben.seesColour(await subscribed(ben, 'ann'), 3);
  await ann.seesColour(await subscribed(ann, 'ben'), 5);
  expect((await ann.call<Layer[]>('layers')).filter((one) => one.frames).map((one) => one.codec)).toEqual(['video/H264']);
});

test('a track is switched off and on by its viewer, and nobody else notices', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.18.1');
  const ben = await people.open('ben', '2.36.0');
  const cleo = await people.open('cleo', '2.36.0');
  await ann.join(token('ann', roomName), kennel.signaling, [drawn(2)]);
  await ben.join(token('ben', roomName), kennel.signaling, [], byHand);
  await cleo.join(token('cleo', roomName), kennel.signaling, []);
  const sid = await subscribed(ben, 'ann');
  await subscribed(cleo, 'ann');
  for (let turn = 0; turn < 2; turn += 1) {
    await ben.call('tell', sid, 'switchOn');
    await ben.seesColour(sid, 2);
    const off = Date.now();
    await ben.call('tell', sid, 'switchOff');
    await ben.event('trackSwitchedOff', { who: 'ann', track: sid }, { after: off });
    await ben.seesNothingNewOf('ann');
    await cleo.seesColour(sid, 2);
    const on = Date.now();
    await ben.call('tell', sid, 'switchOn');
    await ben.event('trackSwitchedOn', { who: 'ann', track: sid }, { after: on });
    await ben.seesColour(sid, 2);
  }
});

test('of two cameras a viewer with room for one gets the one with the higher priority', async ({ people, kennel, roomName }) => {
  const ann = await people.open('ann', '2.36.0');
  const ben = await people.open('ben', '2.18.1');
  const cleo = await people.open('cleo', '2.18.1');
  await ann.join(token('ann', roomName), kennel.signaling, [drawn(1)]);
  await ben.join(token('ben', roomName), kennel.signaling, [drawn(2)]);
  await cleo.join(token('cleo', roomName), kennel.signaling, [], { bandwidthProfile: { video: { mode: 'grid', maxTracks: 1 } } });
  const tracks = { ann: await subscribed(cleo, 'ann'), ben: await subscribed(cleo, 'ben') };
  const onlySees = async (on: 'ann' | 'ben', off: 'ann' | 'ben') => {
    await expect.poll(() => cleo.call('switchedOff', tracks[off]), `${off} is off`).toBe(true);
    await expect.poll(() => cleo.call('switchedOff', tracks[on]), `${on} is on`).toBe(false);
    await cleo.seesColour(tracks[on], on === 'ann' ? 1 : 2);
    await cleo.seesNothingNewOf(off);
  };
  await cleo.call('tell', tracks.ben, 'setPriority', 'high');
  await onlySees('ben', 'ann');
  await cleo.call('tell', tracks.ben, 'setPriority', 'low');
  await onlySees('ann', 'ben');
});

async function subscribed(viewer: Person, who: string): Promise<string> {
  await expect.poll(async () => (await viewer.track(who, 'video'))?.subscribed, `${viewer.label} is given ${who}`).toBe(true);
  return (await viewer.track(who, 'video'))!.sid;
}

async function widthOf(viewer: Person, sid: string): Promise<number> {
  return (await viewer.call<Picture | null>('pictureOf', sid))?.width ?? 0;
}

/** Layers of which frames go out within a second. */
async function sending(person: Person): Promise<Layer[]> {
  const before = await person.call<Layer[]>('layers');
  await new Promise((done) => setTimeout(done, 1000));
  const now = await person.call<Layer[]>('layers');
  return now.filter((one) => one.frames > (before.find((old) => old.ssrc === one.ssrc)?.frames ?? 0));
}
