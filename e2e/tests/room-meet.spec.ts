import type { Locator } from '@playwright/test';
import { expect, phone, test, type Visitor } from '../lib/dogcam.ts';

/** Comes in as this user, and is in. */
async function enter(visitor: Visitor, path: string): Promise<void> {
  await visitor.goto(path);
  await visitor.at('room-join').click();
  await isIn(visitor);
}

async function isIn(visitor: Visitor): Promise<void> {
  await expect(visitor.page.getByTestId('room'), `${visitor.label} is in`).toHaveAttribute('data-status', 'live', { timeout: 30_000 });
}

/** Runs in the page: instead of a choice of screens, one drawn one. */
function drawScreen(): void {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 400 });
    const brush = canvas.getContext('2d')!;
    let hue = 0;
    setInterval(() => {
      brush.fillStyle = `hsl(${(hue += 9)} 90% 50%)`;
      brush.fillRect(0, 0, 640, 400);
    }, 100);
    return canvas.captureStream(10);
  };
}

function person(visitor: Visitor, name: string): Locator {
  return visitor.page.locator(`[data-testid=person][data-name=${JSON.stringify(name)}]`);
}

test('a moderator and a guest: each sees what the other does, and only the moderator has buttons', async ({ start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  // The original pages' misprint: two question marks.
  await enter(ann, '/room?room=Den?user=Ann');
  await expect(ann.page.getByRole('heading', { name: 'Den' })).toBeVisible();
  await expect(ann.page.getByText('You are the first.')).toBeVisible();
  await expect(ann.page).toHaveTitle(/^Live, Den/);
  await expect(ann.at('person')).toHaveCount(1);

  const bo = await visitors.open('bo', { kennel });
  await enter(bo, '/guest?room=Den&user=Bo');
  await expect(bo.at('person')).toHaveCount(2);
  await expect(person(ann, 'Bo')).toBeVisible();
  await expect(bo.page.getByTestId('mix').locator('video').first()).toBeVisible();

  await test.step('who is who', async () => {
    await expect(person(bo, 'Ann').getByTestId('person-role')).toHaveText('Moderator');
    await expect(person(ann, 'Bo').getByTestId('person-role')).toHaveText('Guest');
  });

  await test.step('a guest has no buttons for others', async () => {
    for (const id of ['person-mic', 'person-cam', 'person-remove', 'mute-all', 'video-off-all', 'layout']) await expect(bo.page.getByTestId(id)).toHaveCount(0);
    await bo.at('more').click();
    for (const id of ['lock', 'hide-muted', 'more-layout', 'end-all']) await expect(bo.page.getByTestId(id)).toHaveCount(0);
    await bo.page.keyboard.press('Escape');
  });

  await test.step('a guest mutes itself, and the moderator sees it', async () => {
    await bo.at('mic').click();
    await expect(person(ann, 'Bo').getByTestId('person-mic')).toHaveAttribute('aria-pressed', 'true');
    await expect(bo.at('mic')).toHaveAttribute('aria-pressed', 'true');
    await expect(bo.page.getByTestId('muted-by-other')).toHaveCount(0);
    await bo.at('mic').click();
    await expect(person(ann, 'Bo').getByTestId('person-mic')).toHaveAttribute('aria-pressed', 'false');
  });

  await test.step('the moderator mutes the guest, who is told by whom', async () => {
    await person(ann, 'Bo').getByTestId('person-mic').click();
    await expect(bo.at('mic')).toHaveAttribute('aria-pressed', 'true');
    await expect(bo.at('muted-by-other')).toBeVisible();
    await person(ann, 'Bo').getByTestId('person-cam').click();
    await expect(bo.at('cam')).toHaveAttribute('aria-pressed', 'true');
  });

  await test.step('nobody is switched on without being asked', async () => {
    await person(ann, 'Bo').getByTestId('person-mic').click();
    await expect(ann.at('room-note')).toContainText('Bo is asked');
    await expect(bo.at('asked')).toContainText('Ann asks you to unmute');
    await bo.at('asked-no').click();
    await expect(bo.page.getByTestId('asked')).toHaveCount(0);
    await expect(bo.at('mic')).toHaveAttribute('aria-pressed', 'true');
    await person(ann, 'Bo').getByTestId('person-cam').click();
    await bo.at('asked-yes').click();
    await expect(bo.at('cam')).toHaveAttribute('aria-pressed', 'false');
    await expect(person(ann, 'Bo').getByTestId('person-cam')).toHaveAttribute('aria-pressed', 'false');
  });

  await test.step('all cameras off, and undone', async () => {
    await ann.at('video-off-all').click();
    await expect(bo.at('cam')).toHaveAttribute('aria-pressed', 'true');
    await ann.at('room-undo').click();
    await expect(bo.at('cam')).toHaveAttribute('aria-pressed', 'false');
  });

  await test.step('a raised hand goes up, and down by the moderator', async () => {
    const pressed = bo.page.getByRole('button', { name: 'Raise your hand', pressed: true });
    await bo.at('hand').click();
    await expect(person(ann, 'Bo').getByTestId('hand-up')).toBeVisible();
    await expect(pressed, 'the label stays, the state changes').toHaveCount(1);
    const words = person(ann, 'Bo').locator('.state > span');
    const lines = await words.evaluateAll((all) => all.map((one) => one.getClientRects().length));
    expect(lines, 'no word is broken beside the buttons').toEqual(lines.map(() => 1));
    await person(ann, 'Bo').getByTestId('person-hand').click();
    await expect(bo.at('hand')).toHaveAttribute('aria-pressed', 'false');
  });

  await test.step('another layout is in everybody\'s picture', async () => {
    const place = () => bo.page.locator('.mcuLayers > div').first().evaluate((one: HTMLElement) => `${one.style.width} ${one.style.height}`);
    const before = await place();
    await ann.at('layout').click();
    await ann.at('layout-3x3').click();
    await expect(ann.at('layout-3x3')).toHaveAttribute('aria-pressed', 'true');
    await expect.poll(place).not.toBe(before);
    await ann.page.keyboard.press('Escape');
  });

  await test.step('who is removed is told so, and not asked to come again', async () => {
    await person(ann, 'Bo').getByTestId('person-remove').click();
    await ann.at('remove-yes').click();
    await expect(bo.at('error')).toHaveAttribute('data-code', 'removed');
    await expect(bo.at('error')).toContainText('You were removed');
    await expect(bo.page.getByTestId('room-again')).toHaveCount(0);
    await expect(ann.at('person')).toHaveCount(1);
  });
});

test('Back closes a sheet, and the room goes on', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel, viewport: phone });
  await ann.goto('/');
  // Its link is good for the next page when it was taken.
  await expect(ann.at('home-watch')).toBeVisible();
  await enter(ann, '/room?room=Den&user=Ann');
  await ann.at('more').click();
  await ann.at('more-devices').click();
  await expect(ann.at('devices-sheet')).toBeVisible();
  await ann.page.goBack();
  await expect(ann.page.getByTestId('devices-sheet')).toBeHidden();
  await isIn(ann);
  // Closed in another way, a sheet leaves nothing behind in the history.
  await ann.at('people').click();
  await ann.page.keyboard.press('Escape');
  await expect(ann.page.getByTestId('people-sheet')).toBeHidden();
  await ann.page.goBack();
  await expect(ann.page).toHaveURL(/\/$/);
});

test('in full screen the controls step back, and come when they are wanted', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await ann.goto('/room?room=Den&user=Ann');
  // Who joins before the browser has opened its microphone joins without.
  await expect(ann.at('enter-microphone')).toBeVisible();
  await ann.at('room-join').click();
  await isIn(ann);
  await ann.at('more').click();
  await ann.at('full').click();
  await expect.poll(() => ann.page.evaluate(() => document.fullscreenElement?.getAttribute('data-testid'))).toBe('room');
  const bar = ann.page.locator('nav');
  await expect(bar).toHaveCSS('opacity', '1');
  await expect(bar).toHaveCSS('opacity', '0', { timeout: 8_000 });
  await ann.page.mouse.move(200, 200);
  await expect(bar).toHaveCSS('opacity', '1');
  await ann.at('mic').click();
  await expect(ann.at('mic')).toHaveAttribute('aria-pressed', 'true');
  await ann.page.evaluate(() => document.exitFullscreen());
  await expect(ann.page.locator('aside')).toBeVisible();
});

test('a moderator ends the room for everybody', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  const bo = await visitors.open('bo', { kennel, viewport: phone });
  await enter(bo, '/guest?room=Den&user=Bo');
  await ann.at('more').click();
  await ann.at('end-all').click();
  await ann.at('end-yes').click();
  for (const one of [ann, bo]) {
    await expect(one.at('error')).toHaveAttribute('data-code', 'ended');
    await expect(one.page).toHaveTitle(/^Not in, Den/);
  }
});

test('a guest is removed with the link', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  const { body } = await kennel.call('POST', '/kennel/v1/keys', { label: 'Bo', rights: ['guest'], room: 'Den', ends_in_s: 3600 });
  const bo = await visitors.open('bo', { kennel, viewport: phone, key: body.path.split('#k=')[1] });
  await enter(bo, '/guest?room=Den&user=Bo');
  await person(ann, 'Bo').getByTestId('person-remove').click();
  await ann.at('remove-block').click();
  await expect(bo.at('error')).toHaveAttribute('data-code', 'removed');
  await expect(ann.at('person')).toHaveCount(1);
  await bo.page.goto(`${kennel.url}${body.path}`);
  await expect(bo.page.getByText('does not work any more')).toBeVisible();
  // The refused key is told to the console, too.
  bo.problems.length = 0;
});

test('a room that is open in two tabs goes on in the newer one', async ({ start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  const id = await ann.at('person').getAttribute('data-id');
  // A tab that is doubled takes its memory along.
  const [second] = await Promise.all([ann.context.waitForEvent('page'), ann.page.evaluate(() => void window.open(location.href))]);
  await second.getByTestId('room-join').click();
  await expect(second.getByTestId('room')).toHaveAttribute('data-status', 'live', { timeout: 30_000 });
  await expect(ann.at('error')).toHaveAttribute('data-code', 'displaced');
  await expect(second.getByTestId('person')).toHaveAttribute('data-id', id!);
  // Longer than the SDK waits before it connects again.
  await second.waitForTimeout(6_000);
  await expect(second.getByTestId('room')).toHaveAttribute('data-status', 'live');
  await expect(ann.at('error')).toHaveAttribute('data-code', 'displaced');
});

test('who shares a screen sees a still card in its place, and the others see the screen', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel, before: drawScreen });
  await enter(ann, '/room?room=Den&user=Ann');
  const bo = await visitors.open('bo', { kennel });
  await enter(bo, '/guest?room=Den&user=Bo');
  await ann.at('share').click();
  const card = ann.page.locator('.own-screen');
  await expect(card).toHaveText('You are sharing your screen');
  const place = await card.evaluate((one) => one.getBoundingClientRect().width * one.getBoundingClientRect().height);
  expect(place).toBeGreaterThan(10_000);
  await expect(person(bo, 'Ann')).toContainText('Shares a screen');
  await expect(bo.page.locator('.own-screen')).toHaveCount(0);
  await ann.picture('room-own-screen');
  await ann.at('unshare').click();
  await expect(card).toHaveCount(0);
  await expect(person(bo, 'Ann')).not.toContainText('Shares a screen');
});

test('a locked room takes nobody more, in words; unlocked, it does', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  await ann.at('more').click();
  await ann.at('lock').click();
  await expect(ann.page.getByTestId('room-locked')).toBeVisible();
  const bo = await visitors.open('bo', { kennel, viewport: phone });
  await bo.goto('/guest?room=Den&user=Bo');
  await bo.at('room-join').click();
  await expect(bo.at('error')).toHaveAttribute('data-code', 'locked', { timeout: 30_000 });
  await expect(bo.at('error')).toContainText('locked');
  await expect(bo.at('error')).toContainText('Next try in 0:');
  await ann.at('lock').click();
  await expect(ann.page.getByTestId('room-locked')).toHaveCount(0);
  await bo.at('room-again').click();
  await isIn(bo);
});

test('without a camera and a microphone one looks and listens', async ({ start, visitors }) => {
  const kennel = await start();
  const bo = await visitors.open('bo', { kennel, viewport: phone, permissions: [] });
  await bo.goto('/guest?room=Den&user=Bo');
  await bo.at('room-devices').click();
  await expect(bo.at('room-capture')).toHaveAttribute('data-code', 'denied');
  await bo.at('room-join').click();
  await isIn(bo);
  await expect(bo.at('mic')).toBeDisabled();
  await expect(bo.at('mic')).toHaveAccessibleName('Mic: there is none here');
  // The SDK watches devices in any case, and says so where it may not.
  bo.problems.splice(0, bo.problems.length, ...bo.problems.filter((one) => !one.includes('createDeviceWatcher')));
});

test('the server goes and comes back, and so does the page, without a tap', async ({ start, visitors }) => {
  test.setTimeout(120_000);
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  await ann.at('mic').click();
  await expect(ann.at('mic')).toHaveAttribute('aria-pressed', 'true');
  await kennel.stop('SIGKILL');
  // Three looks, one a second, and some for a busy machine: a still is not to look live.
  await expect(ann.page.getByTestId('room')).not.toHaveAttribute('data-status', 'live', { timeout: 10_000 });
  await kennel.start();
  await expect(ann.page.getByTestId('room')).toHaveAttribute('data-status', 'live', { timeout: 15_000 });
  await expect(ann.at('person')).toHaveCount(1);
  await expect(ann.at('mic'), 'still muted').toHaveAttribute('aria-pressed', 'true');
});

test("a guest's link on the moderators' page leads to the guests'", async ({ start, visitors }) => {
  const kennel = await start();
  const { body } = await kennel.call('POST', '/kennel/v1/keys', { label: 'Bo', rights: ['guest'], room: 'Den', ends_in_s: 3600 });
  const bo = await visitors.open('bo', { kennel, key: body.path.split('#k=')[1] });
  await bo.goto('/room?user=Bo');
  await bo.at('room-join').click();
  await expect(bo.at('error')).toContainText('does not allow looking after rooms');
  await bo.at('as-guest').click();
  await bo.at('room-join').click();
  await isIn(bo);
  await expect(bo.page.getByRole('heading', { name: 'Den' })).toBeVisible();
});
