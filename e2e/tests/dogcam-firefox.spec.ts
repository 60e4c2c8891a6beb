import type { Page as FirefoxPage } from 'puppeteer-core';
import { expect, phone, test } from '../lib/dogcam.ts';
import type { Kennel } from '../lib/kennel.ts';
import { moves } from '../lib/senses.ts';

/** Frames that a tile of the Firefox page shows within 800 ms, and how often they changed. */
function lookAt(page: FirefoxPage, name: string): Promise<{ state: string; frames: number; looks: number }> {
  return page.evaluate(async (name) => {
    const tile = document.querySelector<HTMLElement>(`[data-testid=tile][data-name=${JSON.stringify(name)}]`);
    const video = tile?.querySelector('video');
    const seen = { state: tile?.dataset.state ?? 'absent', frames: 0, looks: 0 };
    if (!video) return seen;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 24;
    const brush = canvas.getContext('2d', { willReadFrequently: true })!;
    let [over, before] = [false, ''];
    const frame = () => {
      if (over) return;
      seen.frames += 1;
      brush.drawImage(video, 0, 0, 24, 24);
      const now = String(brush.getImageData(0, 0, 24, 24).data);
      if (now !== before) seen.looks += 1;
      before = now;
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
    await new Promise((done) => setTimeout(done, 800));
    over = true;
    return seen;
  }, name);
}

async function open(page: FirefoxPage, kennel: Kennel, path: string): Promise<void> {
  await page.goto(`${kennel.url}${path}#k=${await kennel.ownerKey()}`);
}

const at = (testId: string) => `[data-testid=${testId}]`;

test('watching in Firefox what Chromium sends', async ({ start, visitors, firefox, evidence }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const page = await (await firefox()).newPage();
  evidence.watch('firefox', page as never, []);
  try {
    await open(page, kennel, '/dogcam');
    const moving = async () => {
      const seen = await lookAt(page, 'Kitchen');
      return seen.state === 'live' && seen.frames >= 4 && seen.looks >= 2;
    };
    await expect.poll(moving, { message: 'live and moving', timeout: 20_000 }).toBe(true);
    await expect(camera.at('watchers')).toContainText('1 watching');
    await (await page.waitForSelector(at('tile-mute')))!.click();
    await expect(camera.at('mic')).toHaveAttribute('aria-pressed', 'true');
  } finally {
    await page.close();
  }
  await expect(camera.at('watchers')).toContainText('0 watching');
});

test('a camera in Firefox, watched in Chromium, before and after a reload', async ({ start, visitors, firefox, evidence }) => {
  const kennel = await start();
  const page = await (await firefox()).newPage();
  evidence.watch('firefox', page as never, []);
  try {
    await open(page, kennel, '/dogcam?as=camera');
    await (await page.waitForSelector(at('camera-name')))!.type('Crate');
    await (await page.waitForSelector(at('turn-on-camera')))!.click();
    await (await page.waitForSelector(at('start')))!.click();
    const watcher = await visitors.open('watcher', { kennel });
    await watcher.watch();
    await watcher.tileIs('Crate', 'live');
    await moves(watcher.videoOf('Crate'));
    // This Firefox does not remember the permission, so after a reload the person taps once more; the name is kept.
    await page.reload();
    await watcher.tileIs('Crate', 'gone', 10_000);
    await (await page.waitForSelector(at('turn-on-camera')))!.click();
    await (await page.waitForSelector(at('start')))!.click();
    await watcher.tileIs('Crate', 'live');
    await moves(watcher.videoOf('Crate'));
  } finally {
    await page.close();
  }
});
