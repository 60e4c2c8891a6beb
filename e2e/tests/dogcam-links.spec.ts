import { expect, phone, test } from '../lib/dogcam.ts';

test('a link made on the links page opens what it allows, and nothing once it is withdrawn there', async ({ start, visitors }) => {
  const kennel = await start();
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/links');
  await owner.at('link-label').fill('Grandma <b>');
  await owner.at('link-create').click();
  const link = new URL(await owner.at('link-text').inputValue());
  expect(link.hash).toMatch(/^#k=\w+$/);
  const row = owner.page.getByTestId('link-item').filter({ hasText: 'Grandma <b>' });
  await expect(row).toContainText('Not used yet');

  const grandma = await visitors.open('grandma', { kennel, key: link.hash.slice(3) });
  await grandma.goto('/');
  await expect(grandma.at('home-watch')).toBeVisible();
  await expect(grandma.at('home-camera')).toHaveCount(0);
  await expect(grandma.at('home-links')).toHaveCount(0);
  await expect(grandma.at('home-ends')).toBeVisible();

  await row.getByTestId('withdraw').click();
  await owner.at('withdraw-confirm').click();
  await expect(grandma.at('error')).toBeVisible({ timeout: 2000 });
  await expect(row).toHaveCount(0);
  await grandma.page.reload();
  await expect(grandma.at('key-field')).toBeVisible();
});

test('the owner gives a phone its code, and both see the camera live', async ({ start, visitors }) => {
  const kennel = await start({ args: ['--announce', '192.168.1.20'] });
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/');
  await expect(owner.at('home-empty')).toBeVisible();
  const asked = owner.page.waitForRequest((request) => request.url().endsWith('/kennel/v1/qr'));
  await owner.at('home-code').click();
  const code = new URL((await asked).postDataJSON().text);
  await expect(owner.at('qr')).toBeVisible();
  expect(code.host).toBe(`192.168.1.20:${kennel.ports.http}`);

  const camera = await visitors.open('phone', { kennel, viewport: phone, key: code.hash.slice(3) });
  await camera.beCamera('Kitchen');
  await expect(owner.at('home-card')).toHaveAttribute('data-state', 'live');
  await camera.at('stop').click();
  await camera.at('stop-yes').click();
  await expect(owner.at('home-card')).toHaveAttribute('data-state', 'stopped');
});

test('a full room takes more devices when its owner says so', async ({ start, visitors }) => {
  const kennel = await start({ args: ['--room-type', 'go'] });
  const camera = await visitors.open('phone', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  const owner = await visitors.open('owner', { kennel });
  await owner.goto('/links');
  const room = owner.page.getByTestId('room-item');
  await expect(room).toContainText('1 of 2 devices');
  await owner.at('room-allow-more').click();
  await expect(room).toContainText('1 of 50 devices');
  await owner.at('room-allow-fewer').click();
  await expect(room).toContainText('1 of 2 devices');
});
