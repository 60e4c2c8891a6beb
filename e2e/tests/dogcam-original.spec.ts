import { expect, phone, test } from '../lib/dogcam.ts';
import { openOriginal } from '../lib/original.ts';
import { moves, sounds, isSilent } from '../lib/senses.ts';

interface App {
  room: { localParticipant: { sid: string } };
  audio: { isEnabled: boolean };
  muted: Record<string, boolean>;
  problems: string[];
}

test("the original app's page and ours in one room: each mutes the other, twice, and both agree", async ({ browser, pages, start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const original = await openOriginal(browser, pages, kennel);
  await original.fill('#camera-name', 'Crate');
  await original.click('#join button');
  await expect(original.locator('#status')).toHaveText('in Dog Cam');
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const watcher = await visitors.open('watcher', { kennel });
  await watcher.watch();
  for (const name of ['Crate', 'Kitchen']) {
    await watcher.tileIs(name, 'live');
    await moves(watcher.videoOf(name));
  }
  const app = <R>(read: (app: App) => R) => original.evaluate(`(${read})(window.app)`) as Promise<R>;
  const theirTile = original.locator('.their-tile[data-name=Kitchen]');
  const sid = await theirTile.getAttribute('id');
  await watcher.tile('Crate').getByTestId('tile-sound').click();
  await sounds(watcher.soundOf('Crate'));

  for (let turn = 0; turn < 2; turn += 1) {
    // Ours mutes theirs.
    await watcher.tile('Crate').getByTestId('tile-mute').click();
    await expect(watcher.tile('Crate')).toHaveAttribute('data-muted', 'true');
    expect(await app((app) => app.audio.isEnabled)).toBe(false);
    await isSilent(watcher.soundOf('Crate'));
    await watcher.tile('Crate').getByTestId('tile-mute').click();
    await expect(watcher.tile('Crate')).toHaveAttribute('data-muted', 'false');
    await sounds(watcher.soundOf('Crate'));
    // Theirs mutes ours.
    for (const muted of [true, false]) {
      await theirTile.locator('button').click();
      await expect(camera.at('mic')).toHaveAttribute('aria-pressed', String(muted));
      await expect(watcher.tile('Kitchen')).toHaveAttribute('data-muted', String(muted));
      await expect.poll(() => original.evaluate((sid) => (window as unknown as { app: App }).app.muted[sid!], sid)).toBe(muted);
    }
  }

  await watcher.tile('Crate').getByTestId('tile-mute').click();
  await expect(watcher.tile('Crate')).toHaveAttribute('data-muted', 'true');
  const third = await visitors.open('third', { kennel });
  await third.watch();
  await expect(third.tile('Crate')).toHaveAttribute('data-muted', 'true');
  await expect(third.tile('Kitchen')).toHaveAttribute('data-muted', 'false');
  expect(await app((app) => app.problems)).toEqual([]);
  await original.context().close();
});
