/** How large a picture is asked for. Pure. */
import type { Size } from './session';

/** Smaller than any picture a camera sends: the server gives the smallest it has. */
export const LEAST: Size = { width: 16, height: 9 };
/** Sizes are asked for in steps, px, so that a window dragged larger does not ask at each pixel. */
const STEP = 16;

/**
 * `box`: the size on screen, CSS px, null off screen. What nobody looks at still comes, in the smallest size, while its alarm is on,
 * or nobody would notice that it froze; else it costs nothing.
 */
export function wish(box: Size | null, pixelRatio: number, alarmOn: boolean): Size | null {
  if (!box || box.width === 0 || box.height === 0) return alarmOn ? LEAST : null;
  const size = (length: number) => Math.ceil((length * pixelRatio) / STEP) * STEP;
  return { width: size(box.width), height: size(box.height) };
}
