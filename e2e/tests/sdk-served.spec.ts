import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '../lib/test.ts';
import { openOriginal } from '../lib/original.ts';
import { meet } from '../lib/person.ts';
import { token } from '../lib/tokens.ts';
import { trustingBrowser } from '../lib/trust.ts';

const npm = join(import.meta.dirname, '..', 'node_modules');
const sdkPath = (version: string, file = 'twilio-video.min.js') => `/sdk/js/video/releases/${version}/${file}`;

for (const version of ['2.18.1', '2.36.0'] as const) {
  test(`the SDK from Kennel needs no address: ${version}`, async ({ people, kennel, roomName, pages }) => {
    const ann = await people.open('ann', { sdk: kennel.url + sdkPath(version) });
    const ben = await people.open('ben', { sdk: kennel.url + sdkPath(version, 'twilio-video.js') });
    expect(await ann.call('version')).toBe(version);
    await ann.join(token('ann', roomName), undefined);
    await ben.join(token('ben', roomName), undefined);
    await meet([ann, ben], ['ann', 'ben']);
    onlyTo([...ann.addresses, ...ben.addresses], [kennel.url, pages.url]);
    expect(ann.addresses.some((address) => address.endsWith('/v1/VideoEvents')), 'telemetry comes here too').toBe(true);
  });

  test(`the file is npm's, with its licence: ${version}`, { tag: '@once' }, async ({ kennel }) => {
    for (const file of ['twilio-video.js', 'twilio-video.min.js']) {
      const answer = await fetch(kennel.url + sdkPath(version, file));
      expect(answer.headers.get('content-type')).toContain('javascript');
      const [served, original] = [await answer.text(), await readFile(join(npm, `twilio-video-${version}`, 'dist', file), 'utf8')];
      expect(served.includes(original), 'unchanged').toBe(true);
      expect(served).toContain('Redistribution and use in source and binary forms');
    }
  });
}

test('a bundled app is turned here by the WebSocket shim', async ({ people, kennel, roomName, pages }) => {
  const before = `${kennel.url}/sdk/kennel-websocket-shim.js`;
  const ann = await people.open('ann', { before, sdk: '/npm/2.36.0/twilio-video.min.js' });
  const ben = await people.open('ben', { before, sdk: '/npm/2.18.1/twilio-video.min.js' });
  await ann.join(token('ann', roomName), undefined);
  await ben.join(token('ben', roomName), undefined);
  await meet([ann, ben], ['ann', 'ben']);
  onlyTo([...ann.addresses, ...ben.addresses], [kennel.url, pages.url]);
});

test("the original app's page: a name, a token from its own back end, no room, no address", async ({ browser, pages, start, people }) => {
  const kennel = await start();
  const page = await openOriginal(browser, pages, kennel);
  const status = page.locator('#status');
  await page.click('#join button');
  await expect(status).toHaveText('needs a name');
  await page.fill('#camera-name', 'Kitchen');
  await page.click('#join button');
  await expect(status).toHaveText('in Dog Cam');

  const ben = await people.open('ben', '2.36.0');
  await ben.join(token('ben', 'Dog Cam'), kennel.signaling);
  await ben.sees('Kitchen');
  await ben.hears('Kitchen');
  await expect(page.locator('.their-tile')).toHaveAttribute('data-name', 'ben');
  await page.close();
  await ben.seesPeople();
  await page.context().close();
});

test('the token endpoints of the original apps', { tag: '@once' }, async ({ kennel, people }) => {
  const key = await kennel.ownerKey();
  const nameless = [{}, { camera_name: '' }, { camera_name: null }, 'not json'];
  for (const body of nameless) expect((await kennel.call('POST', '/login', body, key)).status, JSON.stringify(body)).toBe(401);
  expect((await kennel.call('POST', '/login', { camera_name: 'Kitchen' }, 'wrong-key')).status).toBe(401);

  const ann = await people.open('ann', '2.36.0');
  const given = await kennel.call('POST', '/login', { camera_name: 'Kitchen' }, key);
  expect(Object.keys(given.body)).toEqual(['token']);
  const joined = await ann.join(given.body.token, kennel.signaling, []);
  expect(joined).toMatchObject({ name: 'Dog Cam', identity: 'Kitchen' });
  await ann.leave();

  expect((await kennel.call('GET', '/api/token?room=Den', undefined, key)).status).toBe(400);
  const bare = await kennel.call('GET', '/api/token?identity=ann%20b&room=The%20Den', undefined, key);
  expect(await ann.join(bare.body, kennel.signaling, [])).toMatchObject({ name: 'The Den', identity: 'ann b' });
});

test('over HTTPS, with the certificate authority installed', async ({ start, browser, people, roomName }) => {
  const kennel = await start({ https: true });
  const refused = await browser.newPage();
  await expect(refused.goto(`${kennel.secureUrl}/healthz`)).rejects.toThrow(/ERR_CERT_AUTHORITY_INVALID/);
  await refused.close();

  const authority = Buffer.from(await (await fetch(`${kennel.url}/kennel/ca.crt`)).arrayBuffer());
  const trusting = await trustingBrowser([authority]);
  try {
    const secure = { sdk: kennel.secureUrl + sdkPath('2.18.1') };
    const ann = await people.open('ann', secure, trusting.context);
    await ann.join(token('ann', roomName), undefined);
    expect(ann.addresses).toContain(`wss://localhost:${kennel.ports.https}/signaling`);
    const ben = await people.open('ben', '2.36.0');
    await ben.join(token('ben', roomName), kennel.signaling);
    await meet([ann, ben], ['ann', 'ben']);
  } finally {
    await trusting.close();
  }
});

/** Every address is at one of these origins, whatever the scheme (ws: is http:). */
function onlyTo(addresses: string[], origins: string[]): void {
  const hosts = origins.map((origin) => new URL(origin).host);
  const foreign = addresses.filter((address) => /^(https?|wss?):/.test(address) && !hosts.includes(new URL(address).host));
  expect(foreign, 'nothing goes elsewhere').toEqual([]);
}
