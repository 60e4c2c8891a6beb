import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Page as FirefoxPage } from 'puppeteer-core';
import { findings } from '../lib/access.ts';
import { expect, laptop, phone, test, type Visitor } from '../lib/dogcam.ts';
import type { Kennel } from '../lib/kennel.ts';
import { look, moves } from '../lib/senses.ts';

const playable = async (kennel: Kennel) =>
  (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings.filter((one: { playable: boolean }) => one.playable).length;

/** Two cameras in one room, recorded for so long, in ms. */
async function recordTwo(kennel: Kennel, visitors: Opens, ms: number): Promise<void> {
  const cameras = await beginTwo(kennel, visitors);
  // Time is the fact here: so much is to be played.
  await cameras[0]!.page.waitForTimeout(ms);
  expect((await kennel.call('POST', `/kennel/v1/rooms/${encodeURIComponent('Dog Cam')}/record`, { on: false })).status).toBe(200);
  await expect.poll(() => playable(kennel)).toBe(4);
  for (const camera of cameras) await camera.page.close();
}

/** Two cameras in one room, that are being recorded. */
async function beginTwo(kennel: Kennel, visitors: Opens): Promise<Visitor[]> {
  const cameras: Visitor[] = [];
  for (const name of ['Kitchen', 'Garden']) {
    const camera = await visitors.open(name, { kennel, viewport: phone });
    await camera.beCamera(name);
    cameras.push(camera);
  }
  expect((await kennel.call('POST', `/kennel/v1/rooms/${encodeURIComponent('Dog Cam')}/record`, { on: true })).status).toBe(200);
  for (const camera of cameras) await expect(camera.at('recorded')).toBeVisible();
  await expect.poll(async () => (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings.length, { message: 'two pictures and two sounds' }).toBe(4);
  return cameras;
}

interface Opens {
  open(label: string, options: object): Promise<Visitor>;
}

/** Goes on by the Tab key to this control; none of those before it may keep it. */
async function tabTo(visitor: Visitor, testId: string): Promise<void> {
  const here = () => visitor.page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.testid ?? '');
  for (let presses = 0; presses < 40 && (await here()) !== testId; presses += 1) await visitor.page.keyboard.press('Tab');
  expect(await here()).toBe(testId);
}

const phase = (visitor: Visitor, is: string) => expect(visitor.at('player')).toHaveAttribute('data-phase', is, { timeout: 20_000 });
const status = (visitor: Visitor, is: string, timeout = 60_000) => expect(visitor.at('film').first()).toHaveAttribute('data-status', is, { timeout });

interface Probe {
  streams: { codec_type: string; codec_name: string; width?: number; height?: number }[];
  format: { duration: string; format_name: string };
}

function probe(path: string): Probe {
  return JSON.parse(execFileSync('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', path]).toString());
}

async function downloaded(visitor: Visitor): Promise<{ probe: Probe; path: string; name: string }> {
  const download = visitor.page.waitForEvent('download');
  await visitor.at('film-download').first().click();
  const file = await download;
  const path = await file.path();
  expect(statSync(path).size).toBeGreaterThan(1_000);
  return { probe: probe(path), path, name: file.suggestedFilename() };
}

test('a film of two cameras is asked for in a dialog, made while the page is away, played, kept and deleted', async ({ start, visitors }) => {
  test.setTimeout(300_000);
  const kennel = await start();
  await recordTwo(kennel, visitors, 9_000);
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/recordings');
  await expect(owner.at('take')).toHaveCount(2);
  await expect(owner.at('films')).toHaveCount(0);

  await test.step('the dialog asks what it is to be, on a phone of 320 px too', async () => {
    await owner.at('make-film').click();
    await expect(owner.at('film-sheet')).toBeVisible();
    await expect(owner.at('film-who')).toHaveCount(2);
    await owner.picture('film-sheet-laptop');
    expect(await findings(owner)).toEqual([]);
    for (const width of [phone.width, 320]) {
      await owner.page.setViewportSize({ width, height: 844 });
      expect(await owner.at('film-sheet').evaluate((sheet) => sheet.scrollWidth - sheet.clientWidth), 'nothing is cut').toBeLessThanOrEqual(0);
      await owner.picture(`film-sheet-phone-${width}`);
    }
    await owner.page.evaluate(() => (document.documentElement.dir = 'rtl'));
    expect(await owner.at('film-sheet').evaluate((sheet) => sheet.scrollWidth - sheet.clientWidth), 'nothing is cut from right to left').toBeLessThanOrEqual(0);
    await owner.picture('film-sheet-phone-rtl');
    await owner.page.evaluate(() => (document.documentElement.dir = 'ltr'));
    await owner.page.setViewportSize(laptop);
  });

  await test.step('what cannot be made is not asked for', async () => {
    const [from, to] = [await owner.at('film-from').inputValue(), await owner.at('film-to').inputValue()];
    await owner.at('film-from').fill(to);
    await owner.at('film-to').fill(from);
    await expect(owner.at('film-sheet')).toContainText('The end must be after the beginning');
    await expect(owner.at('film-make')).toBeDisabled();
    await owner.at('film-from').fill(from);
    await owner.at('film-to').fill(to);
    for (const one of await owner.at('film-who').all()) await one.uncheck();
    await expect(owner.at('film-sheet')).toContainText('Choose at least one');
    await expect(owner.at('film-make')).toBeDisabled();
    for (const one of await owner.at('film-who').all()) await one.check();
  });

  await test.step('by the keyboard alone: one large, and it is asked for', async () => {
    await tabTo(owner, 'film-layout-equal');
    await owner.page.keyboard.press('ArrowRight');
    await expect(owner.at('film-layout-large')).toBeChecked();
    await tabTo(owner, 'film-large');
    await owner.page.keyboard.type('Gard');
    await expect(owner.at('film-large')).toHaveValue('Garden');
    await tabTo(owner, 'film-size');
    await owner.page.keyboard.type('Small');
    await expect(owner.at('film-size')).toHaveValue('640x360');
    await tabTo(owner, 'film-make');
    await owner.page.keyboard.press('Enter');
    await expect(owner.at('film-sheet')).not.toBeVisible();
    await expect(owner.at('film')).toHaveCount(1);
    await expect(owner.page.getByRole('status').filter({ hasText: 'Film of Dog Cam' }).first()).toBeVisible();
  });

  await test.step('it survives a reload, and is told of when it is ready', async () => {
    await owner.page.reload();
    await expect(owner.at('film')).toHaveCount(1);
    await status(owner, 'completed');
    await owner.picture('film-ready-laptop');
    await owner.page.setViewportSize(phone);
    await owner.page.screenshot({ path: 'out/screenshots/film-ready-phone.png', fullPage: true });
    expect(await owner.page.evaluate(() => document.documentElement.scrollWidth), 'nothing is wider than the phone').toBeLessThanOrEqual(phone.width);
    await owner.page.setViewportSize(laptop);
    expect(await findings(owner)).toEqual([]);
  });

  await test.step('it plays in the same player, and can be sought in', async () => {
    await owner.at('film-play').click();
    await phase(owner, 'playing');
    await expect(owner.at('shown')).toHaveText('Film of Dog Cam');
    const video = owner.page.locator('video');
    await moves(video);
    expect((await look(video)).colour[1], 'the green of the fake cameras').toBeGreaterThan(40);
    expect(await video.evaluate((one: HTMLVideoElement) => [one.videoWidth, one.videoHeight])).toEqual([640, 360]);
    await expect(owner.at('player-clock')).toHaveCount(0);
    await owner.at('seek').fill('5000');
    await expect.poll(() => video.evaluate((one: HTMLVideoElement) => one.currentTime)).toBeGreaterThan(4.5);
    await moves(video);
    await owner.picture('film-playing-laptop');
    expect(new URL(owner.page.url()).searchParams.get('take')).toMatch(/^CJ/);
    await owner.page.reload();
    await expect(owner.at('shown'), 'the address says which').toHaveText('Film of Dog Cam');
  });

  await test.step('its file holds what was asked for', async () => {
    const { probe, name } = await downloaded(owner);
    expect(name).toMatch(/\.webm$/);
    expect(probe.streams.map(({ codec_name }) => codec_name).sort()).toEqual(['opus', 'vp8']);
    const files: { offset: number; duration: number }[] = (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings;
    const [from, to] = [Math.min(...files.map(({ offset }) => offset)), Math.max(...files.map(({ offset, duration }) => offset + duration))];
    expect(Math.abs(Number(probe.format.duration) * 1000 - (to - from)), 'from the first sample to the last, ms').toBeLessThan(150);
  });

  await test.step('a marked part of one camera, as MP4', async () => {
    await owner.at('take').first().click();
    await owner.at('seek').fill('2000');
    await owner.at('mark-from').click();
    await owner.at('seek').fill('5000');
    await owner.at('mark-to').click();
    await expect(owner.at('marked-words')).toContainText(' to ');
    await expect(owner.page.getByTestId('marked')).toHaveCount(1);
    await owner.picture('film-marked-laptop');
    await owner.at('make-film').click();
    await owner.at('film-who').first().uncheck();
    await owner.at('film-format').selectOption('mp4');
    await owner.at('film-size').selectOption('640x360');
    await owner.at('film-make').click();
    await expect(owner.at('film')).toHaveCount(2);
    await status(owner, 'completed');
    const { probe, name } = await downloaded(owner);
    expect(name).toMatch(/\.mp4$/);
    expect(probe.format.format_name).toContain('mp4');
    const seconds = Number(probe.format.duration);
    expect(seconds, 'three seconds, and up to one more: fields know whole seconds').toBeGreaterThan(2.9);
    expect(seconds).toBeLessThan(5.1);
  });

  await test.step('deleted after a question that names it and its size', async () => {
    await owner.at('film-delete').first().click();
    await expect(owner.at('delete-sheet')).toContainText('Delete “Film of Dog Cam”?');
    await expect(owner.at('delete-sheet')).toContainText(/\d (kB|MB)/);
    await owner.picture('film-delete-laptop');
    await owner.at('delete-yes').click();
    await expect(owner.at('film')).toHaveCount(1);
    await expect(owner.at('take'), 'what was recorded stays').toHaveCount(2);
  });
});

test('how far a film is is seen, heard of, and it can be given up; one that failed says why', async ({ start, visitors }) => {
  test.setTimeout(240_000);
  const kennel = await start();
  await recordTwo(kennel, visitors, 4_000);
  const owner = await visitors.open('owner', { kennel, viewport: phone });
  // The server tells what it tells; how fast it is made is the machine's affair, so the steps are the test's.
  let percent = -1;
  let why: string | null = null;
  await owner.page.route('**/kennel/v1/compositions*', async (route) => {
    const answer = await route.fetch();
    if (route.request().method() !== 'GET') return route.fulfill({ response: answer });
    const body = await answer.json();
    const told = (film: object) => {
      if (why !== null) return { ...film, status: 'failed', why };
      return percent < 0 ? film : { ...film, status: 'processing', percent, left: 90 };
    };
    await route.fulfill({ response: answer, json: { ...body, compositions: body.compositions.map(told) } });
  });
  await owner.goto('/recordings');
  percent = 0;
  await owner.at('make-film').click();
  await owner.at('film-make').click();
  percent = 42;
  await expect(owner.at('film-progress')).toHaveAttribute('aria-valuenow', '42');
  await expect(owner.page.getByRole('progressbar', { name: /^Film of Dog Cam, .+ to .+, progress$/ })).toBeVisible();
  await expect(owner.at('film-amount')).toHaveText(/^42\s?% · about 2 min left$/);
  await expect(owner.page.getByRole('status').filter({ hasText: /Film of Dog Cam: 40/ })).toHaveCount(1);
  await owner.at('films').scrollIntoViewIfNeeded();
  await owner.picture('film-progress-phone');
  expect(await findings(owner)).toEqual([]);
  why = 'its disk has less than 1280 MiB left';
  await status(owner, 'failed');
  await expect(owner.at('film-why')).toContainText('The disk is nearly full');
  await owner.at('films').scrollIntoViewIfNeeded();
  await owner.picture('film-failed-phone');
  expect(await findings(owner)).toEqual([]);
  why = 'it would be longer than 24 hours';
  await owner.page.reload();
  await status(owner, 'failed');
  await expect(owner.at('film-again'), 'once more would change nothing').toHaveCount(0);
  await owner.at('film-change').click();
  await expect(owner.at('film-sheet')).toBeVisible();
  await owner.page.goBack();
  await expect(owner.at('film-sheet'), 'Back closes it').not.toBeVisible();
  expect(new URL(owner.page.url()).pathname).toBe('/recordings');
  why = null;
  percent = 60;
  await owner.page.reload();
  await expect(owner.at('film-progress')).toHaveAttribute('aria-valuenow', '60');
  await owner.at('film-cancel').click();
  await expect(owner.at('film')).toHaveCount(0);
  await expect(owner.page.locator('h1'), 'the focus is not lost with the button').toBeFocused();
  expect((await kennel.call('GET', '/kennel/v1/compositions')).body.compositions).toEqual([]);
});

test('a time that is over is made a film of while the recording goes on', async ({ start, visitors }) => {
  test.setTimeout(300_000);
  const kennel = await start();
  const cameras = await beginTwo(kennel, visitors);
  await cameras[0]!.page.waitForTimeout(8_000);
  const files: { offset: number }[] = (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings;
  const from = Math.max(...files.map(({ offset }) => offset)) + 1_000;
  const to = from + 5_000;
  expect((await kennel.call('POST', '/kennel/v1/compositions', { name: 'Dog Cam', from, to })).status).toBe(201);
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/recordings');
  await expect(owner.at('film')).toContainText('Waits until its end is recorded');
  await status(owner, 'completed', 150_000);
  const { probe } = await downloaded(owner);
  expect(Math.abs(Number(probe.format.duration) - 5), 'all of it, s').toBeLessThan(0.1);
  const { body } = await kennel.call('GET', '/kennel/v1/compositions');
  expect(body.compositions[0].why, 'nothing of it is damaged').toBeNull();
  expect((await kennel.call('GET', '/kennel/v1/recordings')).body.recordings.map((one: { status: string }) => one.status)).toEqual(Array(4).fill('processing'));
});

test('what was recorded over midnight is made a film of', async ({ start, visitors }) => {
  const kennel = await start();
  const owner = await visitors.open('owner', { kennel, viewport: phone });
  const evening = new Date(2026, 4, 3, 22).getTime();
  const asked: { from: number; to: number; format: string }[] = [];
  // Nine hours are the server's affair; what the page makes of them is looked at here.
  const file = { id: `RT${'1'.repeat(32)}`, room: 'Dog Cam', room_sid: `RM${'1'.repeat(32)}`, participant: 'Kitchen', track: 'camera', kind: 'video', status: 'completed', why: null, codec: 'vp8', created: evening, ended: evening + 9 * 3_600_000, offset: evening, duration: 9 * 3_600_000, bytes: 1_000, playable: true };
  await owner.page.route('**/kennel/v1/recordings?*', (route) => route.fulfill({ json: { recordings: [file], next: null, space: null } }));
  await owner.page.route('**/kennel/v1/compositions', (route) => {
    asked.push(route.request().postDataJSON());
    return route.fulfill({ status: 409, json: { error: { code: 'too_many', message: 'So many wait.' } } });
  });
  await owner.goto('/recordings');
  await owner.at('make-film').click();
  await expect(owner.at('film-from')).toHaveValue(/^2026-05-03T22:00/);
  await expect(owner.at('film-to')).toHaveValue(/^2026-05-04T07:00/);
  expect(await owner.at('film-sheet').evaluate((sheet) => sheet.scrollWidth - sheet.clientWidth), 'nothing is cut').toBeLessThanOrEqual(0);
  await owner.picture('film-sheet-midnight-phone');
  await owner.at('film-from').fill('2026-05-04T02:00');
  await owner.at('film-to').fill('2026-05-04T03:00');
  await owner.at('film-make').click();
  await expect(owner.at('film-error')).toBeVisible();
  const two = new Date(2026, 4, 4, 2).getTime();
  expect(asked.map(({ from, to }) => [from, to])).toEqual([[two, two + 3_600_000 + 999]]);
});

test('who may not have recordings makes no films, and Firefox plays one', async ({ start, visitors, firefox, evidence }) => {
  test.setTimeout(240_000);
  const kennel = await start();
  await recordTwo(kennel, visitors, 5_000);
  const key = async (rights: string[]) => (await kennel.call('POST', '/kennel/v1/keys', { label: rights.join(), rights, room: null, ends_in_s: null })).body.key;
  const watcher = await visitors.open('watcher', { kennel, key: await key(['watch']) });
  await watcher.goto('/recordings');
  await expect(watcher.at('error')).toContainText('does not open recordings');
  await expect(watcher.at('make-film')).toHaveCount(0);

  const page: FirefoxPage = await (await firefox()).newPage();
  evidence.watch('firefox', page as never, []);
  await page.setViewport(laptop);
  await page.goto(`${kennel.url}/recordings#k=${await key(['record'])}`);
  const press = async (testId: string) => (await page.waitForSelector(`[data-testid=${testId}]`, { timeout: 30_000 }))!.evaluate((one) => (one as HTMLElement).click());
  await press('make-film');
  await page.waitForSelector('[data-testid=film-sheet][open]');
  await page.screenshot({ path: 'out/screenshots/film-sheet-firefox.png' });
  await press('film-make');
  await page.waitForSelector('[data-testid=film][data-status=completed]', { timeout: 90_000 });
  await press('film-play');
  const time = () => page.evaluate(() => document.querySelector('video')!.currentTime);
  await expect.poll(time, { message: 'it plays in Firefox', timeout: 30_000 }).toBeGreaterThan(1);
  await page.screenshot({ path: 'out/screenshots/film-playing-firefox.png' });
});
