import { expect, phone, test } from '../lib/dogcam.ts';
import { moves } from '../lib/senses.ts';
import { trustingBrowser } from '../lib/trust.ts';

test('camera and watcher over HTTPS, the certificate authority installed: no warning, a cookie for HTTPS only', async ({ start, visitors }) => {
  const kennel = await start({ https: true });
  const authority = Buffer.from(await (await fetch(`${kennel.url}/kennel/ca.crt`)).arrayBuffer());
  const trusting = await trustingBrowser([authority]);
  try {
    const camera = await visitors.open('camera', { kennel, viewport: phone, origin: kennel.secureUrl, context: trusting.context });
    await camera.beCamera('Kitchen');
    const [cookie] = await trusting.context.cookies();
    expect(cookie).toMatchObject({ name: '__Host-kennel', secure: true, httpOnly: true, sameSite: 'Lax', path: '/' });
    expect(camera.addresses.filter((address) => /^(http|ws):/.test(address))).toEqual([]);

    const watcher = await visitors.open('watcher', { kennel });
    await watcher.watch();
    await watcher.tileIs('Kitchen', 'live');
    await moves(watcher.videoOf('Kitchen'));
  } finally {
    await trusting.close();
  }
});
