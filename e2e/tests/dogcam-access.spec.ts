import { findings } from '../lib/access.ts';
import { expect, laptop, phone, phoneOnItsSide, test, type Visitor } from '../lib/dogcam.ts';

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing serious on any page, ${colorScheme}`, async ({ start, visitors }) => {
    test.setTimeout(120_000);
    const kennel = await start();
    const check = async (visitor: Visitor, state: string) => {
      await visitor.picture(`${state}-${colorScheme}`);
      expect.soft(await findings(visitor), state).toEqual([]);
    };

    const guest = await visitors.open('guest', { kennel, key: null, colorScheme });
    await guest.goto('/');
    await expect(guest.at('key-field')).toBeVisible();
    await check(guest, 'gate');

    const owner = await visitors.open('owner', { kennel, colorScheme });
    await owner.goto('/');
    await expect(owner.at('home-watch')).toBeVisible();
    await check(owner, 'home-empty');
    await owner.goto('/links');
    await expect(owner.at('link-list')).toBeVisible();
    await check(owner, 'links');
    await owner.goto('/dogcam');
    await expect(owner.at('leave')).toBeVisible();
    await check(owner, 'watch-empty');

    const camera = await visitors.open('camera', { kennel, viewport: phone, colorScheme });
    await camera.goto('/dogcam?as=camera');
    await expect(camera.at('turn-on-camera')).toBeVisible();
    await check(camera, 'camera-setup');
    await camera.beCamera('Kitchen');
    await check(camera, 'camera-live');
    await owner.tileIs('Kitchen', 'live');
    await check(owner, 'watch-live');
    await owner.at('tile-menu').click();
    await check(owner, 'watch-menu');
    await owner.page.keyboard.press('Escape');
    await camera.at('stop').click();
    await check(camera, 'camera-stop');
    await camera.at('stop-yes').click();
    await check(camera, 'camera-stopped');
  });
}

test('Tab reaches every control of a watch page, and the ring is in view', async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone });
  await camera.beCamera('Kitchen');
  for (const [name, viewport] of Object.entries({ phone, phoneOnItsSide, laptop })) {
    const watcher = await visitors.open(`watcher ${name}`, { kennel, viewport });
    await watcher.watch();
    await watcher.tileIs('Kitchen', 'live');
    const wanted = await watcher.page.evaluate(
      () => [...document.querySelectorAll('button, a[href], input, select')].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !(one as HTMLButtonElement).disabled).length,
    );
    const reached = new Set<string>();
    for (let presses = 0; presses < wanted + 15; presses += 1) {
      await watcher.page.keyboard.press('Tab');
      const focus = await watcher.page.evaluate(focused);
      if (!focus) continue;
      reached.add(focus.id);
      expect(focus.inside, `${name}: ${focus.text} is on screen while focused`).toBe(true);
      expect(focus.ring, `${name}: ${focus.text} shows its focus`).toBe(true);
    }
    expect(reached.size, `${name}: all of ${wanted} controls`).toBeGreaterThanOrEqual(wanted);
    await watcher.page.close();
  }
});

/** The focused element, whether it is on screen, and whether it looks focused. */
function focused(): { id: string; text: string; inside: boolean; ring: boolean } | null {
  const element = document.activeElement as HTMLElement | null;
  if (!element || element === document.body) return null;
  element.dataset.reached ??= String(Math.random());
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const inside = box.width > 0 && box.left >= -1 && box.top >= -1 && box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1;
  const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1.5) || style.boxShadow !== 'none';
  return { id: element.dataset.reached, text: element.getAttribute('aria-label') ?? element.textContent?.trim() ?? element.tagName, inside, ring };
}

test('on a phone every control is at least 44 px, and pages do not move for those who want it so', async ({ start, visitors }) => {
  const kennel = await start();
  const camera = await visitors.open('camera', { kennel, viewport: phone, reducedMotion: 'reduce' });
  await camera.beCamera('Kitchen');
  const watcher = await visitors.open('watcher', { kennel, viewport: phone, reducedMotion: 'reduce' });
  await watcher.watch();
  await watcher.tileIs('Kitchen', 'live');
  for (const visitor of [camera, watcher]) {
    const { small, moving } = await visitor.page.evaluate(() => {
      const shown = [...document.querySelectorAll<HTMLElement>('button, a[href], input, select')].filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
      const small = shown
        .map((one) => ({ name: one.getAttribute('aria-label') ?? one.textContent?.trim(), box: one.getBoundingClientRect() }))
        // The skip link waits above the page until it is focused.
        .filter(({ box }) => box.bottom > 0 && box.width > 1 && box.height > 1 && (box.width < 43.5 || box.height < 43.5))
        .map(({ name, box }) => `${name} ${Math.round(box.width)}x${Math.round(box.height)}`);
      const moving = document.getAnimations().filter((one) => one.playState === 'running' && Number(one.effect?.getComputedTiming().duration) > 20).length;
      return { small, moving };
    });
    expect(small, `${visitor.label}: too small to tap`).toEqual([]);
    expect(moving, `${visitor.label}: running animations`).toBe(0);
  }
});
