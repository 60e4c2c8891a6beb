/** Looking at pictures: are they dark? */

const LOOK_WIDTH = 16;
const LOOK_HEIGHT = 9;
/** Mean brightness (0 to 255) below which a picture counts as dark. */
const DARK_BELOW = 10;

let small: CanvasRenderingContext2D | null = null;

export function isDark(video: HTMLVideoElement): boolean {
  if (video.videoWidth === 0) return false;
  small ??= Object.assign(document.createElement('canvas'), { width: LOOK_WIDTH, height: LOOK_HEIGHT }).getContext('2d', {
    willReadFrequently: true,
  });
  if (!small) return false;
  small.drawImage(video, 0, 0, LOOK_WIDTH, LOOK_HEIGHT);
  const { data } = small.getImageData(0, 0, LOOK_WIDTH, LOOK_HEIGHT);
  return brightness(data) < DARK_BELOW;
}

/** Mean of red, green and blue of RGBA bytes, 0 to 255. */
export function brightness(rgba: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < rgba.length; at += 4) sum += rgba[at]! + rgba[at + 1]! + rgba[at + 2]!;
  return rgba.length ? sum / ((rgba.length / 4) * 3) : 0;
}
