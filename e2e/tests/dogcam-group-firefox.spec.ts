import { expect, phone, test } from '../lib/dogcam.ts';
import { moves } from '../lib/senses.ts';
import { seenAt, watchElement } from '../lib/watching.ts';

const tile = '[data-testid=tile][data-name=Kitchen]';

test('a watcher in Firefox does not notice that a third device moves the room to the server', async ({ start, visitors, firefox, evidence }) => {
  // A page without a camera gathers no loopback address in Firefox, and pairs none with the address of its network.
  const kennel = await start({ address: '0.0.0.0', args: ['--room-type', 'auto'] });
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const page = await (await firefox()).newPage();
  const lines: string[] = [];
  page.on('console', (message) => lines.push(message.text()));
  evidence.watch('firefox', page as never, lines);
  try {
    await page.goto(`${kennel.url}/dogcam#k=${await kennel.ownerKey()}`);
    await page.waitForSelector(`${tile}[data-state=live]`, { timeout: 20_000 });
    await page.$eval(tile, watchElement);
    const seen = () => page.$eval(tile, seenAt);
    await expect.poll(async () => (await seen()).screens).toBeGreaterThan(10);

    const third = await visitors.open('third', { kennel });
    await third.watch();
    await expect.poll(async () => (await seen()).switches, { message: 'the track comes from the server now', timeout: 30_000 }).toBe(1);
    await page.waitForSelector(`${tile}[data-quality]`, { timeout: 30_000 });
    await moves(third.videoOf('Kitchen'));
    const { states, blank, grey, still } = await seen();
    expect(states, 'the tile stayed live').toEqual(['live']);
    expect(blank, 'without a picture').toBeLessThan(300);
    expect(grey, 'greyed').toBe(0);
    expect(still, 'the same picture').toBeLessThan(3_000);
  } finally {
    await page.close();
  }
});
