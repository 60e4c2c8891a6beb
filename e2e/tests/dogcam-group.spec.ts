import { expect, laptop, phone, test } from '../lib/dogcam.ts';
import { loudness, moves, sounds } from '../lib/senses.ts';

/** Rooms whose media goes through Kennel. */
const group = { args: ['--room-type', 'group'] };



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
