import { findings } from '../lib/access.ts';
import { expect, laptop, phone, test } from '../lib/dogcam.ts';

const ROOM = '/kennel/v1/rooms/Dog%20Cam/record';

test('a full disk: pages say that recording waits, and it can be switched off whatever the disk says', async ({ start, visitors }) => {
  test.setTimeout(240_000);
  const kennel = await start({ disk: 1_200 });
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const watcher = await visitors.open('watcher', { kennel, viewport: laptop });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  const list = async () => (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings as { status: string; why: string | null }[];
  const state = async () => (await kennel.call('GET', ROOM)).body;

  await watcher.at('record').click();
  await expect.poll(async () => (await list()).length, { message: 'picture and sound are written' }).toBe(2);
  expect(await state()).toEqual({ room: 'Dog Cam', on: true, recording: true, waiting: false });
  expect((await kennel.call('POST', ROOM, { on: true })).status, 'what is on already needs no more room').toBe(200);

  await test.step('the mark goes, pages say that it waits, and the log warns', async () => {
    await kennel.fill();
    await expect.poll(async () => (await list()).map(({ why }) => why), { timeout: 60_000 }).toEqual(['disk', 'disk']);
    for (const one of [camera, watcher]) {
      await expect(one.at('recorded')).toHaveCount(0);
      await expect(one.at('record-waits')).toHaveText('Recording waits for room on the disk');
      await expect(one.at('record')).toHaveText('Don’t record');
    }
    await camera.picture('disk-full-camera-phone');
    await watcher.picture('disk-full-watch-laptop');
    expect(await findings(watcher)).toEqual([]);
    expect(kennel.log).toMatch(/WARN.*a recording ended because of the disk/);
  });

  await test.step('who asks for more is told what becomes of it, and nothing else changes', async () => {
    const refused = await kennel.call('POST', ROOM, { on: true });
    expect([refused.status, refused.body.error.code]).toEqual([507, 'no_space']);
    expect(refused.body.error.message).toContain('begins by itself within minutes');
    expect(await state()).toEqual({ room: 'Dog Cam', on: true, recording: false, waiting: true });
  });

  await test.step('it is switched off, and stays off when there is room again', async () => {
    await watcher.at('record').click();
    await expect(watcher.at('record-waits')).toHaveCount(0);
    await expect(watcher.at('record')).toHaveText('Record');
    await watcher.picture('disk-full-stopped-laptop');
    await expect(camera.at('record-waits'), 'others see it a little later').toHaveCount(0, { timeout: 20_000 });
    const refused = await kennel.call('POST', ROOM, { on: true });
    expect(refused.body.error.message).toContain('nothing begins by itself');
    await camera.at('record').click();
    await expect(camera.page.getByText('The disk for recordings is too full')).toBeVisible();
    await camera.picture('disk-full-refused-phone');
    await kennel.resize(1_200);
    expect(await state()).toEqual({ room: 'Dog Cam', on: false, recording: false, waiting: false });
    expect((await list()).length, 'nothing began').toBe(2);
    await camera.at('record').click();
    await expect(watcher.at('recorded')).toBeVisible();
    await expect.poll(async () => (await list()).length).toBe(4);
  });
});

test('a full disk and no camera: the page says what recording waits for', async ({ start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start({ disk: 1_200 });
  const watcher = await visitors.open('watcher', { kennel, viewport: phone });
  await watcher.watch();
  await watcher.at('record').click();
  await expect(watcher.at('record-waits')).toHaveText('Recording begins when a camera is on');
  await expect(watcher.at('recorded')).toHaveCount(0);
  await watcher.picture('record-no-camera-phone');
  expect((await kennel.call('GET', ROOM)).body).toEqual({ room: 'Dog Cam', on: true, recording: false, waiting: false });
  await kennel.resize(600);
  await expect(watcher.at('record-waits')).toHaveText('Recording waits for room on the disk', { timeout: 20_000 });
  await watcher.picture('record-no-camera-full-disk-phone');
  expect((await kennel.call('GET', ROOM)).body).toEqual({ room: 'Dog Cam', on: true, recording: false, waiting: true });
  expect((await kennel.call('POST', ROOM, { on: true })).status).toBe(507);
  await test.step('an answer that does not come takes neither the words nor the button away, and it is asked again', async () => {
    const answers = { lost: 0, come: 0 };
    await watcher.page.route(`**${ROOM}`, async (route) => {
      if (answers.lost === 0) {
        answers.lost += 1;
        return route.abort();
      }
      await route.continue();
      answers.come += 1;
    });
    const seen = await watcher.at('record').evaluateHandle((button) => {
      const seen = new Set<string>();
      const note = () => seen.add(button.textContent!.trim());
      note();
      new MutationObserver(note).observe(button, { childList: true, characterData: true, subtree: true });
      return seen;
    });
    await expect.poll(() => answers.come, { message: 'it is asked again', timeout: 40_000 }).toBeGreaterThan(0);
    expect(answers.lost).toBe(1);
    expect(await seen.evaluate((seen) => [...seen]), 'all that the button said').toEqual(['Don’t record']);
    await expect(watcher.at('record-waits')).toHaveText('Recording waits for room on the disk');
    await watcher.page.unroute(`**${ROOM}`);
  });

  await watcher.at('record').click();
  await expect(watcher.at('record')).toHaveText('Record');
  expect((await kennel.call('GET', ROOM)).body.on).toBe(false);
});
