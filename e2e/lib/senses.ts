import { expect, type Locator } from '@playwright/test';

/** What a `<video>` or `<audio>` element of a page lets a person see or hear. */

export interface Seen {
  /** Frames shown in the time looked at, and how often they differed from the one before. */
  frames: number;
  looks: number;
  /** Of the whole picture, 0 to 255. */
  colour: [number, number, number];
  width: number;
  height: number;
}

/** Looks at one `<video>` for `ms`. */
export function look(video: Locator, ms = 1200): Promise<Seen> {
  return video.evaluate(async (element, ms) => {
    const video = element as HTMLVideoElement;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 24;
    const brush = canvas.getContext('2d', { willReadFrequently: true })!;
    const seen = { frames: 0, looks: 0, colour: [0, 0, 0] as [number, number, number], width: 0, height: 0 };
    let before = '';
    let over = false;
    const frame = () => {
      if (over) return;
      seen.frames += 1;
      brush.drawImage(video, 0, 0, 24, 24);
      const pixels = brush.getImageData(0, 0, 24, 24).data;
      const now = String(pixels);
      if (now !== before) seen.looks += 1;
      before = now;
      for (const channel of [0, 1, 2] as const) {
        let sum = 0;
        for (let at = channel; at < pixels.length; at += 4) sum += pixels[at]!;
        seen.colour[channel] = Math.round(sum / 576);
      }
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
    await new Promise((done) => setTimeout(done, ms));
    over = true;
    seen.width = video.videoWidth;
    seen.height = video.videoHeight;
    return seen;
  }, ms);
}

/** Frames advance and change. */
export async function moves(video: Locator, message = 'the picture moves', timeout = 20_000): Promise<void> {
  const moving = async () => {
    const seen = await look(video, 800);
    return seen.frames >= 4 && seen.looks >= 2;
  };
  await expect.poll(moving, { message, timeout, intervals: [50] }).toBe(true);
}

/** The loudest RMS of what an element plays, 0 to 1, over long enough to hold a beep; 0 when it is muted, paused or turned down to nothing. */
export function loudness(media: Locator, ms = 1500): Promise<number> {
  return media.evaluate(async (element, ms) => {
    const media = element as HTMLMediaElement;
    const stream = media.srcObject as MediaStream | null;
    if (media.muted || media.paused || media.volume === 0 || !stream?.getAudioTracks().length) return 0;
    const context = new AudioContext();
    try {
      await context.resume();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      const until = performance.now() + ms;
      let loudest = 0;
      while (performance.now() < until) {
        await new Promise((done) => setTimeout(done, 30));
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, Math.hypot(...samples) / Math.sqrt(samples.length));
      }
      return loudest;
    } finally {
      await context.close();
    }
  }, ms);
}

export async function sounds(media: Locator, message = 'it is heard', timeout = 20_000): Promise<void> {
  await expect.poll(() => loudness(media), { message, timeout, intervals: [50] }).toBeGreaterThan(0.01);
}

export async function isSilent(media: Locator, message = 'it is silent', timeout = 20_000): Promise<void> {
  await expect.poll(() => loudness(media), { message, timeout, intervals: [50] }).toBeLessThan(0.001);
}
