import { elsewhere, expect, laptop, phone, phoneOnItsSide, test } from '../lib/dogcam.ts';

test('a link with its key: a cookie, a clean address, no trace of the key', async ({ start, visitors }) => {
  const kennel = await start();
  const key = await kennel.ownerKey();
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/');
  await expect(owner.at('home-watch')).toBeVisible();
  expect(owner.page.url()).toBe(`${kennel.url}/`);
  const [cookie] = await owner.context.cookies();
  expect(cookie).toMatchObject({ name: 'kennel', httpOnly: true, sameSite: 'Lax', path: '/' });

  const second = await owner.context.newPage();
  await second.goto(`${kennel.url}/dogcam`);
  await expect(second.getByTestId('stage').or(second.getByTestId('leave')).first()).toBeVisible();
  await second.close();
  expect(owner.addresses.filter((address) => address.includes(key))).toEqual([]);
  expect(kennel.log).not.toContain(key);
});

test('a wrong key, and none: a field to paste the right one', async ({ kennel, visitors }) => {
  const key = await kennel.ownerKey();
  for (const [given, code] of [
    [`${key.slice(0, -1)}${key.endsWith('2') ? '3' : '2'}`, 'key_unknown'],
    [null, 'no_session'],
  ] as const) {
    const guest = await visitors.open(`guest with ${code}`, { kennel, key: given });
    const answer = guest.page.waitForResponse((response) => response.url().includes('/kennel/v1/session'));
    await guest.goto('/dogcam');
    expect((await answer).status()).toBe(401);
    await expect(guest.at('error')).toHaveAttribute('data-code', code);
    await guest.at('key-field').fill(`${kennel.url}/#k=${key}`);
    await guest.at('key-open').click();
    await expect(guest.at('error')).toHaveCount(0);
    await expect(guest.at('leave')).toBeVisible();
  }
});

test('?key= for scripts: 303 to the same address without it', async ({ kennel }) => {
  const key = await kennel.ownerKey();
  const answer = await fetch(`${kennel.url}/dogcam?room=Den&key=${key}`, { redirect: 'manual' });
  expect(answer.status).toBe(303);
  expect(new URL(answer.headers.get('location')!, kennel.url).pathname + new URL(answer.headers.get('location')!, kennel.url).search).toBe('/dogcam?room=Den');
  expect(answer.headers.get('set-cookie')).toMatch(/^kennel=[^;]+;.*HttpOnly/i);
  expect(answer.headers.get('cache-control')).toContain('no-store');
});

test('home: two large choices without scrolling, the likelier one first', async ({ kennel, visitors }) => {
  for (const [name, viewport] of Object.entries({ phone, phoneOnItsSide, laptop, narrow: { width: 320, height: 640 } })) {
    const visitor = await visitors.open(`home ${name}`, { kennel, viewport });
    await visitor.goto('/');
    for (const choice of ['home-camera', 'home-watch']) await expect(visitor.at(choice)).toBeInViewport({ ratio: 1 });
    const sideways = await visitor.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(sideways, `${name}: nothing to the side`).toBe(0);
    await visitor.picture(`home-${name}`);
  }
});

test('the home page leads a phone and a laptop to each other', async ({ start, visitors }) => {
  const kennel = await start();
  const phoneUser = await visitors.open('phone', { kennel, viewport: phone });
  await phoneUser.goto('/');
  await phoneUser.at('home-camera').click();
  await phoneUser.at('camera-name').fill('Kitchen');
  await phoneUser.at('turn-on-camera').click();
  await phoneUser.at('start').click();
  await phoneUser.isLive();
  const owner = await visitors.open('laptop', { kennel });
  await owner.goto('/');
  await expect(owner.at('home-card')).toHaveAttribute('data-state', 'live');
  await owner.at('home-watch').click();
  await owner.tileIs('Kitchen', 'live');
});

test('withdrawing a link ends its session within two seconds', async ({ start, visitors }) => {
  const kennel = await start();
  const made = await kennel.call('POST', '/kennel/v1/keys', { label: 'Grandma', rights: ['watch'], room: null, ends_in_s: 3600 });
  expect(made.status).toBe(201);
  const grandma = await visitors.open('grandma', { kennel, key: made.body.key });
  await grandma.watch();
  await expect(grandma.at('leave')).toBeVisible();
  expect((await kennel.call('DELETE', `/kennel/v1/keys/${made.body.id}`)).status).toBe(204);
  await expect(grandma.at('error').first()).toHaveAttribute('data-code', 'link', { timeout: 5000 });
  await grandma.page.reload();
  await expect(grandma.at('key-field')).toBeVisible();
});

test('every page carries a policy, and obeys it with no other origin', async ({ kennel, visitors }) => {
  const visitor = await visitors.open('visitor', { kennel });
  for (const path of ['/', '/dogcam', '/dogcam?as=camera', '/links']) {
    const answer = visitor.page.waitForResponse((response) => new URL(response.url()).pathname === path.split('?')[0]);
    await visitor.goto(path);
    const policy = (await answer).headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    await visitor.page.waitForLoadState('networkidle');
  }
  expect(elsewhere(visitor.addresses, kennel.url)).toEqual([]);
});

test('what is chosen is kept on the device: colours, loudness, keys; and the terms of a new link', async ({ kennel, visitors }) => {
  const visitor = await visitors.open('owner', { kennel });
  const { page } = visitor;
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await visitor.goto('/');
  await visitor.at('home-theme').selectOption('dark');
  expect(await theme()).toBe('dark');

  await visitor.watch();
  expect(await theme()).toBe('dark');
  await visitor.at('settings').click();
  const [slider, keys] = [page.locator('input[type=range]'), visitor.at('watch-settings').locator('input[type=checkbox]')];
  await slider.fill('0.4');
  await keys.uncheck();
  await expect(page.locator('dl')).toHaveCount(0);
  await page.reload();
  await visitor.at('settings').click();
  await expect(slider).toHaveValue('0.4');
  await expect(keys).not.toBeChecked();

  await visitor.goto('/');
  await expect(visitor.at('home-theme')).toHaveValue('dark');
  await visitor.goto('/links');
  await visitor.at('link-label').fill('Neighbour');
  await visitor.at('link-camera').check();
  await visitor.at('link-watch').uncheck();
  await visitor.at('link-ends-day').check();
  await visitor.at('link-create').click();
  await expect(visitor.at('link-text')).toBeVisible();
  const { body } = await kennel.call('GET', '/kennel/v1/keys');
  const made = body.keys.find((one: { label: string }) => one.label === 'Neighbour');
  expect(made.rights).toEqual(['camera']);
  expect(made.ends).toBeTruthy();
});
