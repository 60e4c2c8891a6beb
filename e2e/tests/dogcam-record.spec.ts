import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page as FirefoxPage } from 'puppeteer-core';
import { findings } from '../lib/access.ts';
import { expect, laptop, phone, test, type Visitor } from '../lib/dogcam.ts';
import type { Kennel } from '../lib/kennel.ts';
import { look, moves } from '../lib/senses.ts';

interface File {
  id: string;
  kind: string;
  status: string;
  offset: number;
  playable: boolean;
}

async function files(kennel: Kennel): Promise<File[]> {
  return (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings;
}

/** What is in the folder of the recordings, by name. */
function onDisk(kennel: Kennel): string[] {
  const folder = join(kennel.data, 'recordings');
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
}

/** Records the dog cam from the camera's own page for so long, in ms, and waits for the files. */
async function recordFor(kennel: Kennel, camera: Visitor, ms: number): Promise<void> {
  const had = (await files(kennel)).length;
  await camera.at('record').click();
  await expect(camera.at('recorded')).toBeVisible();
  await expect.poll(async () => (await files(kennel)).length, { message: 'picture and sound are written' }).toBe(had + 2);
  // Time is the fact here: so much is to be played.
  await camera.page.waitForTimeout(ms);
  await camera.at('record').click();
  await expect(camera.at('recorded')).toHaveCount(0);
  await expect.poll(async () => (await files(kennel)).filter((one) => one.playable).length, { message: 'both are files' }).toBe(had + 2);
}

/** Ms between what the two elements play, on the clock that both files share. Taken in the page, so that both are of one moment. */
async function apart(page: Visitor['page'], all: File[]): Promise<number> {
  const times = await page.evaluate(() => [...document.querySelectorAll<HTMLMediaElement>('video, audio')].map((one) => one.currentTime));
  const offset = (kind: string) => all.find((one) => one.kind === kind)!.offset;
  return Math.abs(offset('video') + times[0]! * 1000 - (offset('audio') + times[1]! * 1000));
}

const phase = (visitor: Visitor, is: string) => expect(visitor.at('player')).toHaveAttribute('data-phase', is, { timeout: 20_000 });
const seconds = async (visitor: Visitor) => Number((await visitor.at('player-time').innerText()).split(' /')[0]!.split(':').reduce((sum, part) => String(Number(sum) * 60 + Number(part))));

test('a camera is recorded by its button, and played, sought in, downloaded and deleted on the page', async ({ start, visitors }) => {
  test.setTimeout(240_000);
  const kennel = await start();
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/recordings');
  await expect(owner.at('empty')).toContainText('Nothing is recorded yet');
  await expect(owner.page).toHaveTitle('Empty, Recordings · Kennel');
  await owner.picture('recordings-empty-laptop');

  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  await expect(watcher.at('recorded')).toHaveCount(0);

  await test.step('the mark is on both pages, whoever began it, and goes with it', async () => {
    await camera.at('record').click();
    for (const one of [camera, watcher]) {
      await expect(one.at('recorded')).toHaveText(/^\s*Recording 0:\d\d$/);
      await expect(one.at('record')).toHaveAttribute('aria-pressed', 'true');
      await expect(one.page.getByRole('status').filter({ hasText: 'This room is being recorded.' })).toHaveCount(1);
    }
    await watcher.tileIs('Kitchen', 'live');
    await moves(watcher.videoOf('Kitchen'), 'the room has moved to the server, and the picture goes on');
    const late = await visitors.open('late', { kennel, viewport: phone });
    await late.watch();
    await expect(late.at('recorded')).toHaveText(/^\s*Recording$/);
    await late.picture('recorded-watch-phone');
    await camera.picture('recorded-camera-phone');
    await watcher.picture('recorded-watch-laptop');
    await late.page.close();
    await camera.page.waitForTimeout(8_000);
    await camera.at('dim').click();
    await expect(camera.page.getByTestId('dimmed-recorded')).toBeVisible();
    await camera.at('dimmed').click();
    await watcher.at('record').click();
    for (const one of [camera, watcher]) await expect(one.at('recorded')).toHaveCount(0);
  });
  await expect.poll(async () => (await files(kennel)).filter((one) => one.playable).length).toBe(2);
  // Nearer to each other they would be one.
  await camera.page.waitForTimeout(3_000);
  await recordFor(kennel, camera, 4_000);
  await camera.page.close();
  await watcher.page.close();
  const [first] = [(await files(kennel)).slice(2)];

  await test.step('both recordings come to the page by themselves', async () => {
    await expect(owner.at('take')).toHaveCount(2, { timeout: 20_000 });
    await expect(owner.at('bar')).toHaveCount(2);
    await expect(owner.page.locator('[data-testid=take][aria-current]'), 'one is shown').toHaveCount(1);
    await owner.at('take').last().click();
    await phase(owner, 'playing');
    await expect(owner.page).toHaveTitle(/^Playing, .* · Kennel$/);
  });

  await test.step('it plays, picture and sound in step', async () => {
    const video = owner.page.locator('video');
    await moves(video);
    expect((await look(video)).colour[1], 'the green of the fake camera').toBeGreaterThan(60);
    let worst = 0;
    for (let at = 0; at < 8; at += 1) {
      worst = Math.max(worst, await apart(owner.page, first!));
      await owner.page.waitForTimeout(150);
    }
    expect(worst, 'ms between picture and sound').toBeLessThan(100);
    await owner.picture('recordings-playing-laptop');
  });

  await test.step('space, arrows and the slider', async () => {
    await owner.page.locator('body').click({ position: { x: 5, y: 5 } });
    await owner.page.keyboard.press('Space');
    await phase(owner, 'paused');
    await owner.at('seek').fill('6000');
    await expect.poll(() => seconds(owner)).toBe(6);
    await expect.poll(() => apart(owner.page, first!), { message: 'sought alike' }).toBeLessThan(100);
    await owner.page.locator('body').click({ position: { x: 5, y: 5 } });
    await owner.page.keyboard.press('ArrowLeft');
    await expect.poll(() => seconds(owner)).toBe(0);
    await owner.page.keyboard.press('Shift+ArrowRight');
    await expect(owner.at('take').first()).toHaveAttribute('aria-current', 'true');
    await owner.page.keyboard.press('Shift+ArrowLeft');
    await expect(owner.at('take').last()).toHaveAttribute('aria-current', 'true');
    await owner.at('seek').fill('6000');
    await owner.page.locator('body').click({ position: { x: 5, y: 5 } });
    await owner.page.keyboard.press('Space');
    await phase(owner, 'playing');
    await moves(owner.page.locator('video'));
  });

  await test.step('at its end it goes on with the next', async () => {
    await expect(owner.at('take').first()).toHaveAttribute('aria-current', 'true', { timeout: 30_000 });
    await phase(owner, 'playing');
    await expect(owner.page.getByRole('status').filter({ hasText: 'Nothing was recorded for' })).toHaveCount(1);
  });

  await test.step('it fills the screen with its controls, and comes back by them', async () => {
    const full = () => owner.page.evaluate(() => document.fullscreenElement?.getAttribute('data-testid') ?? '');
    await owner.at('player-full').click();
    await expect.poll(full).toBe('player');
    await expect(owner.at('play')).toBeVisible();
    await owner.picture('recordings-full-laptop');
    await owner.at('player-full').click();
    await expect.poll(full).toBe('');
  });

  await test.step('it can be kept elsewhere', async () => {
    for (const [kind, ending] of [['video', 'mkv'], ['audio', 'mka']] as const) {
      const download = owner.page.waitForEvent('download');
      await owner.at(`download-${kind}`).click();
      const file = await download;
      expect(file.suggestedFilename()).toMatch(new RegExp(`^Dog Cam .*Kitchen.*\\.${ending}$`));
      expect(statSync(await file.path()).size).toBeGreaterThan(1_000);
    }
  });

  await test.step('nothing for axe to find, dark and light, phone and laptop', async () => {
    expect(await findings(owner)).toEqual([]);
    await owner.page.emulateMedia({ colorScheme: 'light' });
    expect(await findings(owner)).toEqual([]);
    await owner.picture('recordings-laptop-light');
    await owner.page.setViewportSize(phone);
    await owner.picture('recordings-phone-light');
    expect(await owner.page.evaluate(() => document.documentElement.scrollWidth), 'nothing is wider than the phone').toBeLessThanOrEqual(phone.width);
    await owner.page.emulateMedia({ colorScheme: 'dark' });
    await owner.picture('recordings-phone-dark');
    await owner.page.screenshot({ path: 'out/screenshots/recordings-phone-full.png', fullPage: true });
    await owner.page.setViewportSize(laptop);
  });

  await test.step('deleted after a question that names what goes, and gone from the disk', async () => {
    expect(onDisk(kennel)).toHaveLength(4);
    const [later, earlier] = [owner.at('take').first(), owner.at('take').last()];
    const [kept, times] = [await later.getAttribute('data-take'), await earlier.locator('.time').innerText()];
    await earlier.click();
    await phase(owner, 'playing');
    await owner.at('delete').click();
    // Else it would go on with the next one, behind the question.
    await phase(owner, 'paused');
    await expect(owner.at('delete-sheet')).toContainText('Kitchen');
    await expect(owner.at('delete-sheet'), 'names the one that goes').toContainText(times);
    await owner.picture('recordings-delete-laptop');
    await owner.page.keyboard.press('Escape');
    await expect(owner.at('take')).toHaveCount(2);
    for (const left of [1, 0]) {
      await owner.at('delete').click();
      await owner.at('delete-yes').click();
      await expect(owner.at('take')).toHaveCount(left);
      expect(onDisk(kennel)).toHaveLength(2 * left);
      if (left) await expect(owner.at('take')).toHaveAttribute('data-take', kept!);
    }
    await expect(owner.at('empty')).toBeVisible();
    await expect(owner.page.getByRole('heading', { level: 1 }), 'the button that was pressed is gone').toBeFocused();
  });
});

test('recording waits for a camera, and goes on when the server is killed', async ({ start, visitors }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  await watcher.at('record').click();
  await expect(watcher.at('record-waits')).toHaveText('Recording begins when a camera is on');
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  for (const one of [camera, watcher]) await expect(one.at('recorded')).toBeVisible();
  const list = async () => (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings as { status: string; why: string | null; bytes: number | null }[];
  const states = async () => (await list()).map(({ status, why }) => why ?? status).sort();
  await expect.poll(states).toEqual(['processing', 'processing']);
  await camera.page.waitForTimeout(3_000);

  await kennel.stop('SIGKILL');
  await kennel.start();
  await camera.isLive(35_000);
  await watcher.tileIs('Kitchen', 'live', 35_000);
  await expect.poll(states, { timeout: 30_000 }).toEqual(['cut off', 'cut off', 'processing', 'processing']);
  for (const one of [camera, watcher]) await expect(one.at('recorded')).toBeVisible();
});

test('a voice without a camera is recorded, and every page says so', async ({ start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await ann.watch();
  await ann.at('record').click();
  await expect(ann.at('record-waits')).toHaveText('Recording begins when a camera is on');
  const ben = await visitors.open('ben', { kennel });
  await ben.watch();
  await expect(ben.at('record-waits')).toBeVisible();
  await ann.at('talk').click();
  await expect.poll(async () => (await files(kennel)).map((one) => one.kind), { message: 'her microphone is written' }).toEqual(['audio']);
  for (const one of [ann, ben]) {
    await expect(one.at('recorded')).toBeVisible();
    await expect(one.at('record-waits')).toHaveCount(0);
  }
  await ann.at('leave').click();
  await expect(ben.at('recorded')).toHaveCount(0);
  await expect(ben.at('record-waits')).toHaveText('Recording begins when a camera is on');
});

test('who may not record sees the mark and no button, and opens no recordings; a link for recordings opens them only', async ({ start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const link = async (rights: string[], room: string | null = null) =>
    (await kennel.call('POST', '/kennel/v1/keys', { label: rights.join(), rights, room, ends_in_s: null })).body;
  const camera = await visitors.open('camera', { kennel, viewport: phone, key: (await link(['camera'])).key });
  await camera.beCamera('Kitchen');
  await expect(camera.at('record')).toHaveCount(0);
  const room = encodeURIComponent('Dog Cam');
  expect((await kennel.call('POST', `/kennel/v1/rooms/${room}/record`, { on: true })).status).toBe(200);
  await expect(camera.at('recorded')).toBeVisible();
  const watcher = await visitors.open('watcher', { kennel, key: (await link(['watch'])).key });
  await watcher.watch();
  await expect(watcher.at('recorded')).toBeVisible();
  await expect(watcher.at('record')).toHaveCount(0);
  expect((await kennel.call('POST', `/kennel/v1/rooms/${room}/record`, { on: false })).status).toBe(200);
  for (const one of [camera, watcher]) await expect(one.at('recorded')).toHaveCount(0);
  await watcher.goto('/');
  await expect(watcher.at('home-recordings')).toHaveCount(0);
  await watcher.goto('/recordings');
  await expect(watcher.at('error')).toContainText('does not open recordings');
  await camera.page.close();

  const made = await link(['record']);
  expect(made.path).toMatch(/^\/recordings#k=/);
  const keeper = await visitors.open('keeper', { kennel, key: made.key });
  await keeper.goto('/');
  await expect(keeper.at('error')).toHaveCount(0);
  await keeper.at('home-recordings').click();
  await expect(keeper.at('take')).toHaveCount(1);
  const other = await visitors.open('other', { kennel, key: (await link(['record'], 'Den')).key });
  await other.goto('/recordings');
  await expect(other.at('empty')).toBeVisible();
});

test('addresses that end are asked for again, and a server that is away is waited for', async ({ start, visitors }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  await recordFor(kennel, camera, 8_000);
  await camera.page.close();
  const owner = await visitors.open('owner', { kennel, viewport: phone });
  let asked = 0;
  // Good for a second only, and the page is told what it asked for.
  await owner.page.route('**/kennel/v1/recordings/*/link', async (route) => {
    asked += 1;
    const answer = await route.fetch({ postData: JSON.stringify({ seconds: 1 }) });
    await route.fulfill({ response: answer });
  });
  await owner.goto('/recordings');
  await owner.at('play').click();
  await phase(owner, 'playing');
  const video = owner.page.locator('video');
  await moves(video);
  await owner.at('play').click();
  await owner.page.waitForTimeout(2_500);
  expect(asked).toBe(2);
  // A browser that holds the whole file asks for nothing: the address must be broken where it is needed.
  await owner.page.evaluate(() => document.querySelectorAll<HTMLMediaElement>('video, audio').forEach((one) => one.load()));
  await expect.poll(() => asked, { message: 'other addresses' }).toBe(4);
  await owner.at('play').click();
  await phase(owner, 'playing');
  await moves(video);
  await expect(owner.at('player-error')).toHaveCount(0);

  await owner.at('play').click();
  await kennel.stop('SIGKILL');
  await expect(owner.at('error')).toContainText('Kennel does not answer', { timeout: 30_000 });
  await owner.picture('recordings-away-phone');
  await kennel.start();
  await expect(owner.at('error')).toHaveCount(0, { timeout: 60_000 });
  await expect(owner.at('take')).toHaveCount(1);
});

test('Firefox plays what Chromium sent, and seeks in it', async ({ start, visitors, firefox, evidence }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  await recordFor(kennel, camera, 8_000);
  const all = await files(kennel);
  await camera.page.close();
  const page: FirefoxPage = await (await firefox()).newPage();
  evidence.watch('firefox', page as never, []);
  const shown = () =>
    page.evaluate(() => {
      const [video, audio] = [document.querySelector('video')!, document.querySelector('audio')!];
      const { phase } = document.querySelector<HTMLElement>('[data-testid=player]')!.dataset;
      return { phase, times: [video.currentTime, audio.currentTime], width: video.videoWidth };
    });
  const offset = (kind: string) => all.find((one) => one.kind === kind)!.offset;
  const far = ([picture, sound]: number[]) => Math.abs(offset('video') + picture! * 1000 - (offset('audio') + sound! * 1000));
  try {
    await page.goto(`${kennel.url}/recordings#k=${await kennel.ownerKey()}`);
    await (await page.waitForSelector('[data-testid=play]:not([disabled])'))!.click();
    const runs = async () => {
      const { phase, times, width } = await shown();
      return phase === 'playing' && times[0]! > 1 && width > 0 && far(times) < 100;
    };
    await expect.poll(runs, { message: 'plays in step', timeout: 20_000 }).toBe(true);
    await page.evaluate(() => {
      const slider = document.querySelector<HTMLInputElement>('[data-testid=seek]')!;
      slider.value = '6000';
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    });
    const sought = async () => {
      const { phase, times } = await shown();
      return phase === 'playing' && times[1]! > 5.5 && far(times) < 100;
    };
    await expect.poll(sought, { message: 'goes on there', timeout: 20_000, intervals: [100] }).toBe(true);
  } finally {
    await page.close();
  }
});
