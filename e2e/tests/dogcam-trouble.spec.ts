import { expect, phone, test } from '../lib/dogcam.ts';
import { Wire } from '../lib/net.ts';
import { moves } from '../lib/senses.ts';

test('the camera is blocked: words within a second, live once it is allowed', async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone, permissions: [] });
  await camera.goto('/dogcam?as=camera');
  await camera.at('camera-name').fill('Kitchen');
  await camera.at('turn-on-camera').click();
  await expect(camera.at('error')).toHaveAttribute('data-code', 'denied', { timeout: 3000 });
  await expect(camera.at('error')).toContainText('blocked');
  await camera.picture('camera-denied-phone');
  await camera.context.grantPermissions(['camera', 'microphone', 'screen-wake-lock', 'clipboard-write']);
  await expect(camera.at('start')).toBeVisible();
  await camera.at('start').click();
  await camera.isLive();
});

test('no camera at all: words, and watching instead works', async ({ start, visitors }) => {
  const kennel = await start();
  const visitor = await visitors.open('visitor', { kennel, viewport: phone, before: noDevices });
  await visitor.goto('/dogcam?as=camera');
  await visitor.at('camera-name').fill('Kitchen');
  await visitor.at('turn-on-camera').click();
  await expect(visitor.at('error')).toHaveAttribute('data-code', 'none');
  await expect(visitor.at('error')).toContainText('No camera found');
  await visitor.at('watch-instead').click();
  await expect(visitor.at('leave')).toBeVisible();
});

test('only the microphone is missing: a picture, and "No sound" on both sides', async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone, before: noMicrophone });
  await camera.beCamera('Kitchen');
  await expect(camera.page.getByText('No sound').first()).toBeVisible();
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  await moves(watcher.videoOf('Kitchen'));
  await expect(watcher.tile('Kitchen').getByText('No sound')).toBeVisible();
});

test('a camera is reloaded: live again within 5 s without a tap, same name and state', async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  await camera.at('mic').click();
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  const reloaded = Date.now();
  await camera.page.reload();
  await camera.isLive();
  expect.soft(Date.now() - reloaded).toBeLessThan(5000);
  await watcher.tileIs('Kitchen', 'live');
  await moves(watcher.videoOf('Kitchen'));
  await expect(watcher.at('tile')).toHaveCount(1);
  await expect(watcher.tile('Kitchen')).toHaveAttribute('data-muted', 'true');
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`the server is restarted (${signal}): both sides are live again by themselves`, async ({ start, visitors }) => {
    test.setTimeout(120_000);
    const kennel = await start();
    const camera = await visitors.open('camera', { kennel, viewport: phone });
    await camera.beCamera('Kitchen');
    const watcher = await visitors.open('watcher', { kennel });
    await watcher.watch();
    await watcher.tileIs('Kitchen', 'live');
    await kennel.stop(signal);
    await expect(camera.at('error').first()).toBeVisible();
    await expect(watcher.at('error').first()).toBeVisible();
    await watcher.picture(`watch-server-gone-${signal}`);
    await kennel.start();
    const started = Date.now();
    await camera.isLive(35_000);
    await watcher.tileIs('Kitchen', 'live', 35_000);
    await moves(watcher.videoOf('Kitchen'), 'moving again', 35_000);
    expect(Date.now() - started).toBeLessThan(40_000);
  });
}

/** Longer than a seat is kept, and longer than the SDK tries: an evening without power. */
const LONG_MS = 40_000;

test('the server is away for 40 s: both sides are live again without a tap', async ({ start, visitors }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  await kennel.stop('SIGKILL');
  await camera.page.waitForTimeout(LONG_MS);
  await kennel.start();
  await camera.isLive(60_000);
  await watcher.tileIs('Kitchen', 'live', 60_000);
  await moves(watcher.videoOf('Kitchen'), 'moving again', 35_000);
});

test("the camera's network is cut for 10 s: the picture never stops", async ({ start, visitors }) => {
  const kennel = await start();
  const wire = await Wire.to(kennel.ports.http);
  try {
    const camera = await visitors.open('camera', { kennel, viewport: phone, origin: `http://localhost:${wire.port}` });
    await camera.beCamera('Kitchen');
    const watcher = await visitors.open('watcher', { kennel });
    await watcher.watch();
    await watcher.tileIs('Kitchen', 'live');
    const cut = Date.now();
    wire.cut();
    await expect(camera.at('error').first()).toHaveAttribute('data-code', 'reconnecting');
    while (Date.now() < cut + 10_000) await moves(watcher.videoOf('Kitchen'), 'moving while cut', 3000);
    wire.mend();
    await camera.isLive();
    await watcher.tileIs('Kitchen', 'live');
    await moves(watcher.videoOf('Kitchen'));
  } finally {
    await wire.close();
  }
});

test("the camera's picture hangs: frozen within 4 s, said loudly, and back", async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  await moves(watcher.videoOf('Kitchen'));
  await camera.freeze(true);
  const frozen = Date.now();
  await watcher.tileIs('Kitchen', 'frozen', 8000);
  expect(Date.now() - frozen).toBeLessThan(5000);
  await expect(watcher.at('banner')).toContainText('Kitchen', { timeout: 15_000 });
  await expect(watcher.page).toHaveTitle(/^! Kitchen/);
  await watcher.picture('watch-frozen-laptop');
  await camera.freeze(false);
  await watcher.tileIs('Kitchen', 'live');
  await expect(watcher.page).not.toHaveTitle(/^!/);
});

test('the camera is closed hard: gone on every screen; pressed Stop: stopped, no alarm', async ({ start, visitors }) => {
  const kennel = await start();
  const kitchen = await visitors.open('kitchen', { kennel, viewport: phone });
  await kitchen.beCamera('Kitchen');
  const garden = await visitors.open('garden', { kennel, viewport: phone });
  await garden.beCamera('Garden');
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  for (const name of ['Kitchen', 'Garden']) await watcher.tileIs(name, 'live');

  await garden.at('stop').click();
  await garden.page.getByTestId('stop-yes').click();
  await expect(watcher.tile('Garden')).not.toHaveAttribute('data-state', /live|gone|frozen/);
  await kitchen.page.close();
  await watcher.tileIs('Kitchen', 'gone', 12_000);
  await expect(watcher.at('banner')).toContainText('Kitchen', { timeout: 15_000 });
  await expect(watcher.at('banner')).not.toContainText('Garden');
  await watcher.picture('watch-gone-laptop');
});

test('a second device with the same name: asked first, then the older one stays stopped', async ({ start, visitors }) => {
  const kennel = await start();
  const old = await visitors.open('old', { kennel, viewport: phone });
  await old.beCamera('Kitchen');
  const young = await visitors.open('young', { kennel, viewport: phone });
  await young.goto('/dogcam?as=camera');
  await young.at('camera-name').fill('Kitchen');
  await young.at('turn-on-camera').click();
  await young.at('start').click();
  await expect(young.at('error')).toHaveAttribute('data-code', 'taken');
  await young.picture('camera-name-taken-phone');
  await young.at('take-over').click();
  await young.isLive();
  await expect(old.at('error').first()).toHaveAttribute('data-code', 'displaced');
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  // No fight: both stay as they are for longer than any of the page's own retries.
  const until = Date.now() + 12_000;
  while (Date.now() < until) {
    await expect(old.at('error').first()).toHaveAttribute('data-code', 'displaced');
    await moves(watcher.videoOf('Kitchen'));
  }
  await young.isLive();
  await old.at('take-back').click();
  await old.isLive();
  await expect(young.at('error').first()).toHaveAttribute('data-code', 'displaced');
});

test('a room for two is full for the third, who gets in when one leaves', async ({ start, visitors }) => {
  test.setTimeout(90_000);
  const kennel = await start();
  expect((await kennel.call('PUT', '/kennel/v1/rooms/Den', { type: 'go' })).status).toBe(200);
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen', '&room=Den');
  const second = await visitors.open('second', { kennel });
  await second.watch('?room=Den');
  await second.tileIs('Kitchen', 'live');
  const third = await visitors.open('third', { kennel });
  await third.watch('?room=Den');
  await expect(third.at('error').first()).toHaveAttribute('data-code', 'full');
  await expect(third.at('error').first()).toContainText('full');
  await third.picture('watch-full-laptop');
  await second.page.close();
  await third.tileIs('Kitchen', 'live', 25_000);
});

test('the server is not there when the page is already open: it says so and joins once it is', async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.goto('/dogcam?as=camera');
  await camera.at('camera-name').fill('Kitchen');
  await camera.at('turn-on-camera').click();
  await expect(camera.at('start')).toBeVisible();
  await kennel.stop('SIGKILL');
  await camera.at('start').click();
  await expect(camera.at('error').first()).toHaveAttribute('data-code', 'server');
  await kennel.start();
  await camera.isLive(35_000);
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  await moves(watcher.videoOf('Kitchen'));
});

function noDevices(): void {
  MediaDevices.prototype.getUserMedia = () => Promise.reject(new DOMException('Requested device not found', 'NotFoundError'));
  MediaDevices.prototype.enumerateDevices = () => Promise.resolve([]);
}

function noMicrophone(): void {
  const ask = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = function (constraints) {
    if (constraints?.audio) return Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
    return ask.call(this, constraints);
  };
}
