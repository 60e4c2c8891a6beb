/** A picture kept as a file. */

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
