/** What is in files of recordings, by ffmpeg. */
import { execFileSync } from 'node:child_process';

export interface Streams {
  /** By name of the codec. */
  codecs: string[];
  /** In seconds, as the file says. */
  duration: number;
}

const run = (program: string, ...args: string[]) => execFileSync(program, ['-v', 'error', ...args], { maxBuffer: 256 * 1024 * 1024 });

export function streams(path: string): Streams {
  const { streams, format } = JSON.parse(run('ffprobe', '-of', 'json', '-show_streams', '-show_format', path).toString());
  return { codecs: streams.map((one: { codec_name: string }) => one.codec_name), duration: Number(format.duration) };
}

/** When its packets are, in seconds from its beginning. */
export function packets(path: string): number[] {
  const lines = run('ffprobe', '-of', 'csv=p=0', '-show_entries', 'packet=pts_time', path).toString().trim().split('\n');
  return lines.map((line) => Number.parseFloat(line)).filter((time) => !Number.isNaN(time));
}

/** What a decoder complains of; empty: all of it can be shown. Times are taken as they are: two pictures may be nearer than usual. */
export function complaints(path: string): string {
  const done = execFileSync('sh', ['-c', 'ffmpeg -nostdin -v error -i "$0" -fps_mode passthrough -enc_time_base -1 -f null - 2>&1', path], { maxBuffer: 16 * 1024 * 1024 });
  return done.toString().trim();
}

/** The pictures of a file: when each is, in ms from its beginning, and the time that is painted in it (`metronome` in pages/tricks.js). */
export function paintedTimes(path: string): { at: number; says: number }[] {
  const times = run('ffprobe', '-of', 'csv=p=0', '-select_streams', 'v', '-show_entries', 'frame=pts_time', path).toString().trim().split('\n');
  const pixels = run('ffmpeg', '-v', 'fatal', '-nostdin', '-i', path, '-fps_mode', 'passthrough', '-vf', 'scale=8:2:flags=area,format=gray', '-f', 'rawvideo', '-');
  const count = Math.min(times.length, Math.floor(pixels.length / 16));
  return Array.from({ length: count }, (_, n) => ({ at: Number.parseFloat(times[n]!) * 1000, says: timeOf(pixels.subarray(n * 16, n * 16 + 16)) }));
}

/** When beeps begin, in ms from the beginning of the file. */
export function beeps(path: string): number[] {
  const rate = 8_000;
  const bytes = run('ffmpeg', '-nostdin', '-i', path, '-af', 'aresample=async=1:first_pts=0', '-ac', '1', '-ar', String(rate), '-f', 's16le', '-');
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 2));
  const found: number[] = [];
  let quietFrom = 0;
  for (let n = 0; n < samples.length; n += 1) {
    if (Math.abs(samples[n]!) < 2_000) continue;
    if (n - quietFrom > rate / 5) found.push((n / rate) * 1000);
    quietFrom = n;
  }
  return found;
}

/**
 * By how many ms each beep is later than the picture of its moment, in ascending order. All times are of one clock: pictures with what is
 * painted in them, and beeps, which are at whole seconds of the metronome. `painted`: a moment between two pictures is between their times,
 * as it was before the camera. `seen`: it is there with the first picture that shows it, as for who watches the file.
 */
export function soundAfterPicture(pictures: readonly { at: number; says: number }[], beeps: readonly number[], moment: 'painted' | 'seen' = 'painted'): number[] {
  /** When the metronome said this, by the two pictures around it. */
  const shownAt = (says: number) => {
    const after = pictures.findIndex((picture) => picture.says >= says);
    const [one, two] = [pictures[after - 1], pictures[after]];
    if (!one || !two || two.says - one.says > 500 || two.says <= one.says) return null;
    return moment === 'seen' ? two.at : one.at + ((says - one.says) / (two.says - one.says)) * (two.at - one.at);
  };
  const errors = beeps.flatMap((heard) => {
    // The one that was painted nearest to when this one is heard.
    const near = pictures.reduce((best, picture) => (Math.abs(picture.at - heard) < Math.abs(best.at - heard) ? picture : best));
    const shown = shownAt(Math.round(near.says / 1000) * 1000);
    return shown === null ? [] : [heard - shown];
  });
  return errors.sort((a, b) => a - b);
}

function timeOf(blocks: Uint8Array): number {
  let time = 0;
  let bit = 0;
  for (const block of blocks) {
    bit ^= block > 127 ? 1 : 0;
    time = time * 2 + bit;
  }
  return time;
}
