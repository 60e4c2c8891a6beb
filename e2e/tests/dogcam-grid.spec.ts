import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test as base, type Page } from '@playwright/test';
import { phone, phoneOnItsSide, laptop, sizes } from '../lib/dogcam.ts';
import { serveFolder } from '../lib/pages.ts';

const built = resolve(import.meta.dirname, '../../web/dist-e2e');
const shots = resolve(import.meta.dirname, '../out/screenshots');
const COUNTS = [1, 2, 3, 5, 9, 16] as const;

/** The watch page with drawn cameras (web/dev/grid.html). */
const test = base.extend<object, { harness: string }>({
  harness: [
    async ({}, use) => {
      if (!existsSync(join(built, 'dev/grid.html'))) throw new Error('web/dist-e2e is missing: make e2e-pages');
      const server = await serveFolder(built);
      await use(`${server.url}/dev/grid.html`);
      await server.close();
    },
    { scope: 'worker' },
  ],
});

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

interface Measured {
  stage: Box;
  tiles: Box[];
  videos: { ratio: number; natural: number }[];
  /** Pixels by which the page could be scrolled, right and down. */
  scroll: [number, number];
  viewport: [number, number];
}

function measure(page: Page): Promise<Measured> {
  return page.evaluate(() => {
    const box = (element: Element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x, y, w: width, h: height };
    };
    const tiles = [...document.querySelectorAll('[data-testid=tile]')].filter((tile) => tile.checkVisibility({ visibilityProperty: true }));
    const root = document.documentElement;
    return {
      stage: box(document.querySelector('[data-testid=stage]')!),
      tiles: tiles.map(box),
      videos: tiles.map((tile) => {
        const video = tile.querySelector('video')!;
        return { ratio: video.getBoundingClientRect().width / video.getBoundingClientRect().height, natural: video.videoWidth / video.videoHeight };
      }),
      scroll: [root.scrollWidth - root.clientWidth, root.scrollHeight - root.clientHeight],
      viewport: [innerWidth, innerHeight],
    };
  });
}

/** Until every tile has its first frame and nothing moves any more. */
async function settled(page: Page, count: number): Promise<Measured> {
  let before = '';
  let now: Measured;
  await expect
    .poll(
      async () => {
        now = await measure(page);
        const text = JSON.stringify(now);
        const still = text === before && now.tiles.length === count && now.videos.every((video) => video.natural > 0);
        before = text;
        return still;
      },
      { message: `${count} tiles have settled`, timeout: 20_000, intervals: [150] },
    )
    .toBe(true);
  return now!;
}

function check(what: string, { stage, tiles, scroll, viewport }: Measured): void {
  expect.soft(scroll.map((pixels) => Math.max(0, pixels)), `${what}: nothing scrolls`).toEqual([0, 0]);
  expect.soft(inside({ x: 0, y: 0, w: viewport[0], h: viewport[1] }, stage), `${what}: the stage is on screen`).toBe(true);
  for (const [i, tile] of tiles.entries()) {
    expect.soft(inside(stage, tile), `${what}: tile ${i} is on the stage`).toBe(true);
    for (const [j, other] of tiles.entries()) if (j > i) expect.soft(overlap(tile, other), `${what}: tiles ${i} and ${j}`).toBe(false);
  }
}

const SLACK = 1;
const inside = (outer: Box, inner: Box) =>
  inner.x >= outer.x - SLACK && inner.y >= outer.y - SLACK && inner.x + inner.w <= outer.x + outer.w + SLACK && inner.y + inner.h <= outer.y + outer.h + SLACK;
const overlap = (a: Box, b: Box) =>
  a.x + a.w > b.x + SLACK && b.x + b.w > a.x + SLACK && a.y + a.h > b.y + SLACK && b.y + b.h > a.y + SLACK;

/** Percent of the stage that shows video, of COUNTS tiles: what the arrangement reached when it was designed. */
const SHARES: [string, { width: number; height: number }, string, number[]][] = [
  ['phone', phone, '16:9', [30, 60, 90, 64, 89, 93]],
  ['phone', phone, '9:16', [95, 52, 76, 77, 91, 89]],
  ['phoneOnItsSide', phoneOnItsSide, '16:9', [89, 56, 65, 92, 85, 84]],
  ['laptop', laptop, '16:9', [97, 51, 75, 80, 96, 95]],
  ['laptop', laptop, '4:3', [78, 64, 58, 92, 76, 75]],
];

for (const [name, viewport, ratio, shares] of SHARES) {
  test(`1 to 16 tiles of ${ratio} on ${name}: all shown, none over another, little wasted`, async ({ page, harness }) => {
    mkdirSync(shots, { recursive: true });
    await page.setViewportSize(viewport);
    for (const [i, count] of COUNTS.entries()) {
      await page.goto(`${harness}?n=${count}&ratio=${ratio}`);
      const measured = await settled(page, count);
      check(`${count} tiles`, measured);
      const area = measured.tiles.reduce((sum, tile) => sum + tile.w * tile.h, 0);
      const share = (100 * area) / (measured.stage.w * measured.stage.h);
      expect.soft(share, `${count} tiles: share of the stage`).toBeGreaterThanOrEqual(shares[i]! - 2);
      for (const video of measured.videos) expect.soft(video.ratio / video.natural, `${count} tiles: ratio kept`).toBeCloseTo(1, 1);
      await page.screenshot({ path: join(shots, `grid-${name}-${ratio.replace(':', 'x')}-${count}.png`) });
    }
  });
}

test('mixed ratios, at every size: ratios kept within 1 %, no tile below half the mean', async ({ page, harness }) => {
  for (const [name, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const count of COUNTS) {
      await page.goto(`${harness}?n=${count}&ratio=16:9,9:16,4:3`);
      const measured = await settled(page, count);
      check(`${count} tiles on ${name}`, measured);
      for (const video of measured.videos) expect.soft(Math.abs(video.ratio / video.natural - 1), `${count} on ${name}: ratio`).toBeLessThan(0.012);
      const areas = measured.tiles.map((tile) => tile.w * tile.h);
      const mean = areas.reduce((sum, area) => sum + area, 0) / count;
      expect.soft(Math.min(...areas), `${count} on ${name}: the smallest`).toBeGreaterThan(mean * 0.45);
    }
  }
});

test('a phone is turned: a new grid with the same elements', async ({ page, harness }) => {
  await page.setViewportSize(phone);
  await page.goto(`${harness}?n=5&ratio=16:9`);
  const upright = await settled(page, 5);
  await page.evaluate(() => document.querySelectorAll('video').forEach((video, i) => (video.dataset.same = String(i))));
  await page.setViewportSize(phoneOnItsSide);
  const sideways = await settled(page, 5);
  check('after the turn', sideways);
  expect(sideways.stage).not.toEqual(upright.stage);
  expect(await page.evaluate(() => [...document.querySelectorAll('video')].map((video) => video.dataset.same))).toEqual(['0', '1', '2', '3', '4']);
});

test('every state of a tile, and names of every length, stay inside their tile', async ({ page, harness }) => {
  const names = ['<img src=x onerror=alert(1)>', 'W'.repeat(100), 'Ein sehr langer Name mit Wörtern '.repeat(3).trim(), '🐶', 'Kitchen'];
  for (const [name, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    await page.goto(`${harness}?n=5&states=live,frozen,gone,sound,joining&muted=1&names=${encodeURIComponent(names.join('|'))}`);
    await expect(page.locator('[data-state=frozen]')).toBeVisible();
    const outside = await page.evaluate(() => {
      const found: string[] = [];
      for (const tile of document.querySelectorAll<HTMLElement>('[data-testid=tile]')) {
        const frame = tile.getBoundingClientRect();
        for (const part of tile.querySelectorAll<HTMLElement>('.name, button, .chip, p')) {
          const box = part.getBoundingClientRect();
          const shown = box.width > 1 && part.checkVisibility({ visibilityProperty: true });
          if (shown && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)) {
            found.push(`${tile.dataset.name?.slice(0, 12)}: ${part.className || part.tagName}`);
          }
        }
      }
      return found;
    });
    expect.soft(outside, name).toEqual([]);
    await page.screenshot({ path: join(shots, `states-${name}.png`) });
  }
});

/** What the address asks for, what the page makes of it. */
const STATES = { live: 'live', blank: 'no-picture', frozen: 'frozen', gone: 'gone', sound: 'sound', joining: 'joining', paused: 'paused' };
const SMALL = { 'a small phone': { width: 320, height: 568 }, ...sizes };

for (const [name, viewport] of Object.entries(SMALL)) {
  test(`nothing that stands on a tile covers anything else, with "Tap for sound" on it: ${name}`, async ({ page, harness }) => {
    await page.setViewportSize(viewport);
    for (const [asked, state] of Object.entries(STATES)) {
      await page.goto(`${harness}?n=1&states=${asked}&quality=2&loudest=Kitchen`);
      await expect(page.locator(`[data-testid=tile][data-state=${state}]`)).toBeVisible();
      if (asked !== 'gone') await expect(page.getByTestId('tap-for-sound')).toBeVisible();
      await page.screenshot({ path: join(shots, `tile-${asked}-${viewport.width}.png`) });
      expect.soft(await page.evaluate(covered), state).toEqual([]);
    }
  });
}

/** Runs in the page: what of a tile's words and buttons stands over others. */
function covered(): string[] {
  const tile = document.querySelector('[data-testid=tile]')!;
  const all = [...tile.querySelectorAll('.name, .chip, .fact, .muted, .meter, button, p')];
  const shown = all.map((part) => ({ part, box: part.getBoundingClientRect() })).filter(({ box }) => box.width > 1);
  const word = ({ part }: { part: Element }) => part.getAttribute('data-testid') ?? (part.textContent?.trim() || part.className);
  return shown.flatMap((one, i) =>
    shown
      .slice(i + 1)
      .filter(({ part }) => !one.part.contains(part))
      .filter(({ box }) => Math.min(one.box.right, box.right) - Math.max(one.box.left, box.left) > 1)
      .filter(({ box }) => Math.min(one.box.bottom, box.bottom) - Math.max(one.box.top, box.top) > 1)
      .map((other) => `${word(one)} and ${word(other)}`),
  );
}
