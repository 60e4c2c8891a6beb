import { expect, laptop, phone, test, type Visitor } from '../lib/dogcam.ts';
import { isSilent, loudness, moves, sounds } from '../lib/senses.ts';
import { seenClosely, watchClosely } from '../lib/watching.ts';

/** Rooms whose media goes through Kennel. */
const group = { args: ['--room-type', 'group'] };

/** In how many sizes a camera offers its picture on its open connections, at most. */
function layersSent(camera: Visitor): Promise<number> {
  return camera.page.evaluate(() => {
    const { peers } = (window as unknown as { watched: { peers: RTCPeerConnection[] } }).watched;
    const open = peers.filter((peer) => peer.connectionState === 'connected');
    const senders = open.flatMap((peer) => peer.getSenders()).filter((sender) => sender.track?.kind === 'video');
    const groups = open.flatMap((peer) => [...(peer.localDescription?.sdp.matchAll(/a=ssrc-group:SIM (.*)/g) ?? [])]);
    return Math.max(...senders.map((sender) => sender.getParameters().encodings.length), ...groups.map(([, sources]) => sources!.trim().split(' ').length));
  });
}

/** How many pictures arrive at a watcher, whether it shows them or not. */
function arriving(watcher: Visitor): Promise<number> {
  return watcher.page.evaluate(async () => {
    const { peers } = (window as unknown as { watched: { peers: RTCPeerConnection[] } }).watched;
    const frames = async () => {
      const reports = await Promise.all(peers.filter((peer) => peer.connectionState === 'connected').map((peer) => peer.getStats()));
      return reports.flatMap((report) => [...report.values()]).filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
    };
    const before = new Map((await frames()).map(({ id, framesDecoded }) => [id, framesDecoded]));
    await new Promise((done) => setTimeout(done, 1000));
    return (await frames()).filter(({ id, framesDecoded }) => framesDecoded > (before.get(id) ?? 0)).length;
  });
}

test('three devices in a group room: pictures and sound everywhere, and each camera says how well it is connected', async ({ start, visitors }) => {
  const kennel = await start(group);
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const watchers = [await visitors.open('laptop', { kennel, viewport: laptop }), await visitors.open('phone', { kennel, viewport: phone })];
  for (const one of watchers) {
    await one.watch();
    await one.tileIs('Kitchen', 'live');
  }
  for (const one of watchers) await moves(one.videoOf('Kitchen'), `the picture moves for ${one.label}`);
  await expect(camera.at('watchers')).toContainText('2 watching');
  for (const one of watchers) {
    expect(await loudness(one.soundOf('Kitchen'), 100)).toBe(0);
    await one.at('tap-for-sound').click();
    await sounds(one.soundOf('Kitchen'));
    await expect(one.tile('Kitchen'), 'the server judges its connection').toHaveAttribute('data-quality', /good|fair|poor/);
    await expect(one.tile('Kitchen')).toHaveAttribute('aria-label', /(good|fair|poor) connection/);
    await one.picture(`group-one-${one.label}`);
  }
});

test('a third device moves the room to the server, and nobody notices', async ({ start, visitors }) => {
  const kennel = await start({ args: ['--room-type', 'auto'] });
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const first = await visitors.open('laptop', { kennel, viewport: laptop });
  await first.watch();
  await first.tileIs('Kitchen', 'live');
  await first.at('tap-for-sound').click();
  await sounds(first.soundOf('Kitchen'));
  // Its microphone is open for talking back.
  await first.at('talk').click();
  await expect(first.at('talk')).not.toHaveAttribute('aria-busy', 'true');
  await expect.poll(async () => (await first.watched()).asked).toBe(1);
  await moves(first.videoOf('Kitchen'));
  expect(await layersSent(camera), 'an old phone encodes once').toBe(1);
  const loaded = await first.page.evaluate(() => performance.timeOrigin);
  await watchClosely(first.tile('Kitchen'));

  const third = await visitors.open('phone', { kennel, viewport: phone });
  await third.watch();
  await third.tileIs('Kitchen', 'live');
  await expect.poll(async () => (await seenClosely(first.tile('Kitchen'))).switches, { message: 'the track comes from the server now' }).toBe(1);
  await expect(first.tile('Kitchen'), 'the server judges the connection').toHaveAttribute('data-quality', /good|fair|poor/, { timeout: 30_000 });
  for (const one of [first, third]) await moves(one.videoOf('Kitchen'), `the picture moves for ${one.label}`);
  await expect.poll(() => layersSent(camera), { message: 'several sizes, as the server asks for them by now' }).toBe(3);

  const seen = await seenClosely(first.tile('Kitchen'));
  expect(seen.states, 'the tile stayed live').toEqual(['live']);
  expect(seen.blank, 'without a picture').toBeLessThan(300);
  expect(seen.grey, 'greyed').toBe(0);
  await expect(first.at('banner')).toHaveCount(0);
  expect(await first.page.evaluate(() => performance.timeOrigin), 'no reload').toBe(loaded);

  await sounds(first.soundOf('Kitchen'), 'the sound went on without a tap');
  expect(await first.page.evaluate(() => [...document.querySelectorAll('audio')].filter((audio) => !audio.muted && audio.srcObject).length)).toBe(1);
  const voice = camera.page.getByTestId('voice').first();
  await isSilent(voice);
  await first.at('talk').hover();
  await first.page.mouse.down();
  await sounds(voice, 'talking back still works');
  await first.page.mouse.up();
  await isSilent(voice);

  await third.at('tile-mute').click();
  for (const one of [first, third]) await expect(one.tile('Kitchen')).toHaveAttribute('data-muted', 'true');
  await isSilent(first.soundOf('Kitchen'));
  await third.at('tile-mute').click();
  await sounds(first.soundOf('Kitchen'));
  for (const one of [first, third]) await one.picture(`group-moved-${one.label}`);
});

test('two cameras with sound: the loudest is marked; a picture that nobody sees or minds costs nothing', async ({ start, visitors }) => {
  const kennel = await start(group);
  for (const name of ['Kitchen', 'Garden']) {
    const camera = await visitors.open(name, { kennel, viewport: phone });
    await camera.beCamera(name);
    await expect.poll(() => layersSent(camera), { message: 'several sizes, where the server asks for them' }).toBe(3);
  }
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  for (const name of ['Kitchen', 'Garden']) await watcher.tileIs(name, 'live');
  await expect(watcher.page.getByTestId('loudest')).toHaveCount(1);
  await expect(watcher.page.locator('[data-testid=tile][aria-label*=loudest]')).toHaveCount(1);
  await watcher.picture('group-two-laptop');
  await watcher.page.setViewportSize(phone);
  await expect.poll(async () => (await watcher.tile('Kitchen').boundingBox())!.x).toBeLessThan(8);
  await watcher.picture('group-two-phone');
  await watcher.page.setViewportSize(laptop);

  await watcher.videoOf('Kitchen').click();
  await expect(watcher.tile('Garden')).toBeHidden();
  // Its alarm is on: it still comes, or nobody would notice that it froze.
  await expect.poll(() => arriving(watcher)).toBe(2);
  await watcher.tileIs('Garden', 'live');
  await watcher.page.keyboard.press('Escape');

  await watcher.tile('Garden').getByTestId('tile-menu').click();
  await watcher.at('menu-alarm').click();
  await expect(watcher.at('menu-alarm')).toHaveAttribute('aria-pressed', 'false');
  await watcher.page.keyboard.press('Escape');
  await watcher.videoOf('Kitchen').click();
  await watcher.tileIs('Garden', 'paused');
  await expect.poll(() => arriving(watcher)).toBe(1);
  await expect(watcher.at('banner')).toHaveCount(0);
  await watcher.page.keyboard.press('Escape');
  await watcher.tileIs('Garden', 'live', 5_000);
  await moves(watcher.videoOf('Garden'));
});
