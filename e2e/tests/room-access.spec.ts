import { findings } from '../lib/access.ts';
import { expect, laptop, phone, phoneOnItsSide, test, type Visitor } from '../lib/dogcam.ts';

/** Anything that stands out of the window, or is covered by its edge. */
function overflowing(visitor: Visitor): Promise<string[]> {
  return visitor.page.evaluate(() => {
    const shown = [...document.querySelectorAll<HTMLElement>('button, input, select, h1')].filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 1);
    const wide = shown.filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1).map((one) => one.outerHTML.slice(0, 80));
    return document.documentElement.scrollWidth > innerWidth ? [...wide, 'the page is wider than the window'] : wide;
  });
}

/** The picture of all is whole in its place, and the own picture is laid over it in its own. */
function pictureFits(visitor: Visitor): Promise<boolean> {
  return visitor.page.evaluate(() => {
    const [stage, all, ...own] = ['main', '.mcuContent video', '.mcuLayers > div'].flatMap((one) => [...document.querySelectorAll(one)]).map((one) => one.getBoundingClientRect());
    const within = (inner: DOMRect, outer: DOMRect) =>
      inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
    return !!stage && !!all && within(all, stage) && own.every((one) => within(one, all));
  });
}

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing serious on the pages of a room, ${colorScheme}`, async ({ start, visitors }) => {
    test.setTimeout(150_000);
    const kennel = await start();
    const check = async (visitor: Visitor, state: string) => {
      await visitor.picture(`room-${state}-${colorScheme}`);
      expect.soft(await findings(visitor), state).toEqual([]);
      expect.soft(await overflowing(visitor), state).toEqual([]);
    };
    const enter = async (visitor: Visitor, path: string) => {
      await visitor.goto(path);
      await expect(visitor.at('room-preview')).toBeVisible();
      await check(visitor, `${visitor.label}-enter`);
      await visitor.at('room-join').click();
      await expect(visitor.page.getByTestId('room')).toHaveAttribute('data-status', 'live', { timeout: 30_000 });
      await expect(visitor.page.getByTestId('mix').locator('video').first()).toBeVisible();
    };

    const owner = await visitors.open('owner', { kennel, viewport: laptop, colorScheme });
    await enter(owner, '/room?room=Den&user=Ann');
    const guest = await visitors.open('guest', { kennel, viewport: phone, colorScheme });
    await enter(guest, '/guest?room=Den&user=Bo');
    await expect(owner.at('person')).toHaveCount(2);
    await check(owner, 'owner');
    await check(guest, 'guest');
    await guest.at('people').click();
    await check(guest, 'guest-people');
    await guest.page.keyboard.press('Escape');
    for (const sheet of ['more', 'layout', 'invite']) {
      await owner.at(sheet).click();
      await check(owner, `owner-${sheet}`);
      await owner.page.keyboard.press('Escape');
    }
    await owner.at('person-remove').click();
    await check(owner, 'owner-remove');
    await guest.page.setViewportSize(phoneOnItsSide);
    await expect.poll(() => pictureFits(guest), 'on its side').toBe(true);
    await check(guest, 'guest-side');
    await guest.page.setViewportSize({ width: 320, height: 640 });
    await expect.poll(() => pictureFits(guest), 'on a narrow phone').toBe(true);
    await check(guest, 'guest-320');
    await guest.at('leave').click();
    await check(guest, 'guest-left');
  });
}

test('whoever comes in sees the button for it without looking for it', async ({ start, visitors }) => {
  const kennel = await start();
  const ann = await visitors.open('ann', { kennel, viewport: laptop });
  await ann.goto('/room?room=Den&user=Ann');
  for (const viewport of [laptop, phone, phoneOnItsSide]) {
    await ann.page.setViewportSize(viewport);
    // With as many questions as there are: two cameras, two microphones.
    await expect(ann.at('enter-microphone')).toBeVisible();
    await ann.picture(`room-enter-${viewport.width}`);
    const end = await ann.at('room-join').evaluate((one) => one.getBoundingClientRect().bottom);
    expect.soft(end, `${viewport.width} by ${viewport.height}`).toBeLessThanOrEqual(viewport.height);
  }
});
