import { expect, phone, test, type Visitor } from '../lib/dogcam.ts';
import { moves } from '../lib/senses.ts';

/** Comes in as this user, and is in. */
async function enter(visitor: Visitor, path: string): Promise<void> {
  await visitor.goto(path);
  await visitor.at('room-join').click();
  await expect(visitor.page.getByTestId('room'), `${visitor.label} is in`).toHaveAttribute('data-status', 'live', { timeout: 30_000 });
}

test('what a script records of a room is what the button records, and it goes on when the server is killed', async ({ start, visitors }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  type Row = { kind: string; status: string; why: string | null; room_sid: string; offset: number };
  const list = async () => (await kennel.call('GET', '/kennel/v1/recordings')).body.recordings as Row[];
  const state = async () => (await kennel.call('GET', '/kennel/v1/rooms/Den/record')).body;
  expect((await kennel.call('POST', '/kennel/v1/rooms/Den/record', { on: true })).status).toBe(200);
  await expect(ann.at('recorded')).toBeVisible();
  await expect.poll(async () => (await list()).map(({ kind, status }) => [kind, status])).toEqual([['mix', 'processing']]);
  expect((await kennel.call('POST', '/kennel/v1/rooms/Den/record', { on: true })).status, 'and not once more').toBe(200);
  expect(await state()).toEqual({ room: 'Den', on: true, recording: true, waiting: false });
  await ann.page.waitForTimeout(3_000);

  await kennel.stop('SIGKILL');
  await kennel.start();
  await expect.poll(state, { message: 'she is back, and recorded', timeout: 60_000 }).toEqual({ room: 'Den', on: true, recording: true, waiting: false });
  await expect(ann.at('recorded')).toBeVisible({ timeout: 30_000 });
  const rows = await list();
  expect(rows.map(({ kind, status, why }) => [kind, status, why])).toEqual([['mix', 'processing', null], ['mix', 'completed', 'cut off']]);
  expect(rows[0]!.room_sid, 'of the same room').toBe(rows[1]!.room_sid);
  await expect.poll(async () => (await list())[0]!.offset, { message: 'it is written' }).toBeGreaterThan(0);

  expect((await kennel.call('POST', '/kennel/v1/rooms/Den/record', { on: false })).status).toBe(200);
  await expect(ann.at('recorded')).toHaveCount(0);
  await expect.poll(async () => (await list()).map(({ status }) => status)).toEqual(['completed', 'completed']);
});

test('the owner records a room: everybody sees it, and the one picture of all is played afterwards', async ({ start, visitors }) => {
  test.setTimeout(180_000);
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel });
  await enter(ann, '/room?room=Den&user=Ann');
  const link = async (rights: string[]) => (await kennel.call('POST', '/kennel/v1/keys', { label: rights.join(), rights, room: null, ends_in_s: null })).body.key;
  const bo = await visitors.open('bo', { kennel, viewport: phone, key: await link(['guest']) });
  await enter(bo, '/guest?room=Den&user=Bo');
  const cy = await visitors.open('cy', { kennel, key: await link(['moderator']) });
  await enter(cy, '/room?room=Den&user=Cy');
  for (const one of [bo, cy]) await expect(one.at('record'), 'recording is a right of its own').toHaveCount(0);
  await expect(ann.at('recorded')).toHaveCount(0);

  await ann.at('record').click();
  for (const one of [ann, bo, cy]) {
    await expect(one.at('recorded')).toHaveText(/^\s*Recording 0:\d\d$/);
    await expect(one.page.getByRole('status').filter({ hasText: 'This room is being recorded.' })).toHaveCount(1);
  }
  await ann.picture('recorded-room-laptop');
  await bo.picture('recorded-room-phone');
  await test.step('a tap on Leave does not end a recording', async () => {
    await ann.at('leave').click();
    await expect(ann.at('leave-sheet')).toContainText('goes on without you');
    await ann.picture('leave-recorded-laptop');
    await ann.page.keyboard.press('Escape');
    await expect(ann.at('leave-sheet')).toBeHidden();
    await expect(ann.page.getByTestId('room')).toHaveAttribute('data-status', 'live');
  });
  await ann.page.waitForTimeout(5_000);
  await ann.at('record').click();
  for (const one of [ann, bo, cy]) await expect(one.at('recorded')).toHaveCount(0);
  await cy.page.close();

  await test.step('what a script began, the button ends', async () => {
    expect((await kennel.call('POST', '/kennel/v1/rooms/Den/record', { on: true })).status).toBe(200);
    for (const one of [ann, bo]) await expect(one.at('recorded')).toBeVisible();
    await ann.at('record').click();
    for (const one of [ann, bo]) await expect(one.at('recorded')).toHaveCount(0);
  });

  await ann.at('more').click();
  const opened = ann.context.waitForEvent('page');
  await ann.at('more-recordings').click();
  const page = await opened;
  const mix = page.getByTestId('take').filter({ hasText: 'Everybody in one picture' });
  await expect(mix).toHaveCount(1, { timeout: 20_000 });
  await mix.click();
  await expect(page.getByTestId('player')).toHaveAttribute('data-phase', 'playing', { timeout: 20_000 });
  await moves(page.locator('video'));
  await expect(page.getByTestId('download-mix').first(), 'of the button’s, and of the script’s').toBeVisible();
  await page.close();

  await test.step('the last one is told that the recording ends, and then leaves', async () => {
    await ann.page.keyboard.press('Escape');
    await ann.at('record').click();
    await expect(ann.at('recorded')).toBeVisible();
    await bo.at('leave').click();
    await expect(bo.page.getByTestId('room'), 'who only looks on is not asked').toHaveAttribute('data-status', 'over');
    await expect(ann.at('person')).toHaveCount(1);
    await ann.at('leave').click();
    await expect(ann.at('leave-sheet')).toContainText('the recording ends');
    await ann.at('leave-yes').click();
    await expect(ann.page.getByTestId('room')).toHaveAttribute('data-status', 'over');
  });
});
