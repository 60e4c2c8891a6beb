import type { Locator } from '@playwright/test';

/** What a person saw of one tile, screen by screen, since `watchClosely`. Times in ms. */
export interface Closely {
  screens: number;
  /** Longest time without any picture: nothing, or black. */
  blank: number;
  /** Longest time with the same picture. */
  still: number;
  /** Longest time with the greyed picture that means "not now". */
  grey: number;
  /** States of the tile, in order, each once per change. */
  states: string[];
  /** How often another track came onto the element. */
  switches: number;
}

/** Looks at each screen that the page draws: the picture, or its copy where that lies over it. Read the result with `seenClosely`. */
export function watchClosely(tile: Locator): Promise<void> {
  return tile.evaluate(watchElement);
}

export function seenClosely(tile: Locator): Promise<Closely> {
  return tile.evaluate(seenAt);
}

/** The same inside a page, for drivers without locators. */
export function watchElement(element: Element): void {
  const video = element.querySelector('video')!;
  const copy = element.querySelector('canvas')!;
  const brush = Object.assign(document.createElement('canvas'), { width: 16, height: 16 }).getContext('2d', { willReadFrequently: true })!;
  const seen = { screens: 0, blank: 0, still: 0, grey: 0, states: [] as string[], switches: 0 };
  const since = { blank: NaN, still: performance.now(), grey: NaN };
  let before = '';
  let track: unknown = video.srcObject;
  const lasts = (what: 'blank' | 'grey', on: boolean, now: number) => {
    if (!on) since[what] = NaN;
    else if (Number.isNaN(since[what])) since[what] = now;
    if (on) seen[what] = Math.max(seen[what], now - since[what]);
  };
  const look = () => {
    const now = performance.now();
    seen.screens += 1;
    brush.clearRect(0, 0, 16, 16);
    if (video.readyState >= 2) brush.drawImage(video, 0, 0, 16, 16);
    if (!copy.classList.contains('hidden') && copy.width > 0) brush.drawImage(copy, 0, 0, 16, 16);
    const pixels = brush.getImageData(0, 0, 16, 16).data;
    let light = 0;
    for (let at = 0; at < pixels.length; at += 4) light += pixels[at]! + pixels[at + 1]! + pixels[at + 2]!;
    lasts('blank', light / 768 < 6, now);
    lasts('grey', video.classList.contains('still'), now);
    const picture = String(pixels);
    if (picture !== before) since.still = now;
    before = picture;
    seen.still = Math.max(seen.still, now - since.still);
    const state = element.getAttribute('data-state')!;
    if (seen.states[seen.states.length - 1] !== state) seen.states.push(state);
    if (video.srcObject !== track) seen.switches += 1;
    track = video.srcObject;
    requestAnimationFrame(look);
  };
  (element as unknown as { seen: typeof seen }).seen = seen;
  requestAnimationFrame(look);
}

export function seenAt(element: Element): Closely {
  return (element as unknown as { seen: Closely }).seen;
}
