/** Looking at pictures: darkness, snapshots. */

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

/** The picture in full size, turned as seen, as a JPEG; null when there is none. */
export function snapshot(video: HTMLVideoElement, rotation: number): Promise<Blob | null> {
  const { videoWidth: width, videoHeight: height } = video;
  const sideways = rotation % 180 !== 0;
  const canvas = Object.assign(document.createElement('canvas'), { width: sideways ? height : width, height: sideways ? width : height });
  const context = canvas.getContext('2d');
  if (!context || width === 0) return Promise.resolve(null);
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate((rotation * Math.PI) / 180);
  context.drawImage(video, -width / 2, -height / 2);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
}

/** "Kitchen 2026-05-03 14.03.22.jpg", without what file systems refuse. */
export function fileName(name: string, at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
  const safe = name.replace(/[\\/:*?"<>|\u0000-\u001f]/g, '_').replace(/^\.+/, '_').slice(0, 80);
  return `${safe} ${date} ${time}.jpg`;
}

export function download(blob: Blob, name: string): void {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
