import { beforeEach, describe, expect, it } from 'vitest';
import type { Failure } from '../../src/api';
import { lanesOf, type Clip, type Recording, type Take } from '../../src/recordings/model';
import { noticeOf } from '../../src/recordings/notice';
import { Playback, type Ask, type Media, type Trouble } from '../../src/recordings/playback';

let now = 0;

/** An element whose time runs with the test's clock, as fast as `skew` says. */
class FakeMedia implements Media {
  src = '';
  playbackRate = 1;
  muted = false;
  paused = true;
  seeking = false;
  readyState = 0;
  error: { code: number } | null = null;
  seeks = 0;
  /** As browsers do with sound that nobody tapped for. */
  refuses = false;
  private at = 0;
  private since = 0;

  constructor(
    private readonly length: number,
    private readonly skew = 1,
  ) {}

  get ended(): boolean {
    return this.readyState > 0 && this.currentTime >= this.length;
  }

  get currentTime(): number {
    const run = this.paused || this.readyState < 3 ? 0 : ((now - this.since) / 1000) * this.playbackRate * this.skew;
    return Math.min(this.at + run, this.length);
  }

  set currentTime(value: number) {
    this.seeks += 1;
    [this.at, this.since] = [value, now];
  }

  /** The clock of the test goes on; called often enough that changes of speed count from when they were made. */
  settle(): void {
    [this.at, this.since] = [this.currentTime, now];
  }

  async play(): Promise<void> {
    if (this.refuses) throw Object.assign(new Error('refused'), { name: 'NotAllowedError' });
    this.settle();
    this.paused = false;
    this.since = now;
  }

  pause(): void {
    this.settle();
    this.paused = true;
  }

  load(): void {
    [this.at, this.paused, this.readyState, this.error] = [0, true, this.src ? 4 : 0, null];
  }

  removeAttribute(): void {
    this.src = '';
  }
}

function file(id: string, kind: Recording['kind'], start: number, length: number): Recording {
  const common = { room: 'Den', room_sid: 'RM1', participant: 'Kitchen', track: kind, status: 'completed', left: false, why: null, codec: 'vp8' } as const;
  return { ...common, id, kind, created: start, ended: start + length, offset: start, duration: length, bytes: 1, playable: true };
}

const START = 1_000_000;
const take = (...files: Recording[]): Take => lanesOf(files, 0)[0]!.takes[0]!;
/** The picture begins 600 ms after the sound, and both last 10 s. */
const both = () => take(file('a', 'audio', START, 10_000), file('v', 'video', START + 600, 10_000));

let asked: string[] = [];
const ends = () => now + 900_000;
const given: Ask = async ({ file: { id } }: Clip) => {
  asked.push(id);
  return { ok: true, value: { url: `/media/${id}?${asked.length}`, ends: ends() } };
};

function stage({ ask = given, skew = 1, pictureLength = 10, soundLength = 10 } = {}) {
  const [picture, sound] = [new FakeMedia(pictureLength, skew), new FakeMedia(soundLength)];
  let over = 0;
  const playback = new Playback(picture, sound, ask, () => now, () => (over += 1));
  /** Lets time pass in steps of the page's, and answers arrive. */
  const pass = async (ms: number) => {
    for (let rest = ms; rest > 0; rest -= 50) {
      now += 50;
      picture.settle();
      sound.settle();
      playback.tick();
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { picture, sound, playback, pass, over: () => over };
}

beforeEach(() => {
  now = 5_000;
  asked = [];
});

describe('a picture and a sound recorded apart', () => {
  it('play at their moments of one clock', async () => {
    const { picture, sound, playback, pass } = stage();
    playback.show(both());
    playback.play();
    await pass(300);
    expect([sound.paused, picture.paused]).toEqual([false, true]);
    await pass(1_700);
    expect(playback.phase).toBe('playing');
    expect(sound.currentTime - picture.currentTime).toBeCloseTo(0.6, 1);
    expect(Math.abs(playback.drift!)).toBeLessThan(60);
    expect(picture.muted).toBe(true);
  });

  it('show the first picture before it begins, and let it stand until then', async () => {
    const { picture, playback, pass } = stage();
    playback.show(both());
    await pass(200);
    expect([playback.hasPicture, picture.readyState, picture.currentTime]).toEqual([true, 4, 0]);
    playback.play();
    await pass(300);
    expect([picture.paused, picture.currentTime]).toEqual([true, 0]);
    await pass(1_000);
    expect(picture.paused).toBe(false);
    expect(Math.abs(playback.drift!)).toBeLessThan(60);
  });

  it('are brought together while they play, by speed and not by seeking', async () => {
    const { picture, playback, pass } = stage({ skew: 0.98 });
    playback.show(both());
    playback.seek(1_000);
    playback.play();
    await pass(400);
    const seeks = picture.seeks;
    let worst = 0;
    for (let at = 0; at < 7; at += 1) {
      await pass(1_000);
      worst = Math.max(worst, Math.abs(playback.drift!));
    }
    expect(worst).toBeLessThan(100);
    expect(picture.seeks).toBe(seeks);
  });

  it('far apart are brought together at once', async () => {
    const { picture, playback, pass } = stage();
    playback.show(both());
    playback.seek(1_000);
    playback.play();
    await pass(500);
    picture.currentTime = 7;
    await pass(500);
    expect(Math.abs(playback.drift!)).toBeLessThan(60);
  });

  it('wait for each other', async () => {
    const { picture, sound, playback, pass } = stage();
    playback.show(both());
    playback.seek(1_000);
    playback.play();
    await pass(500);
    picture.readyState = 2;
    await pass(200);
    expect([playback.phase, sound.paused]).toEqual(['loading', true]);
    picture.readyState = 4;
    await pass(200);
    expect([playback.phase, sound.paused]).toEqual(['playing', false]);
  });

  it('seek together, before and behind what was played', async () => {
    const { picture, sound, playback, pass } = stage();
    playback.show(both());
    await pass(200);
    playback.seek(8_000);
    await pass(200);
    expect([sound.currentTime, picture.currentTime, playback.phase]).toEqual([8, 7.4, 'paused']);
    playback.seek(200);
    await pass(200);
    expect([sound.currentTime, picture.currentTime]).toEqual([0.2, 0]);
  });
});

describe('a take', () => {
  it('ends with its last file, and begins anew', async () => {
    const { playback, pass, over } = stage();
    playback.show(both());
    playback.play();
    await pass(12_000);
    expect([playback.phase, over(), Math.round(playback.position)]).toEqual(['ended', 1, 10_600]);
    playback.play();
    await pass(1_000);
    expect([playback.phase, playback.position < 2_000]).toEqual(['playing', true]);
  });

  it('goes on over a hole between two files', async () => {
    const { picture, playback, pass } = stage({ pictureLength: 2 });
    playback.show(take(file('v', 'video', START, 2_000), file('w', 'video', START + 3_000, 2_000)));
    playback.play();
    await pass(2_500);
    expect([picture.paused, playback.position > 2_300, playback.position < 2_600]).toEqual([true, true, true]);
    await pass(1_500);
    expect(picture.src).toContain('/media/w');
    expect(playback.phase).toBe('playing');
  });

  it('is played to its end where a file is shorter than was told', async () => {
    const { playback, pass, over } = stage({ pictureLength: 4 });
    playback.show(take(file('v', 'video', START, 10_000)));
    playback.play();
    await pass(5_000);
    expect([playback.phase, over()]).toEqual(['ended', 1]);
  });

  it('of a mix has its sound with its picture', async () => {
    const { picture, sound, playback, pass } = stage();
    playback.show(take(file('m', 'mix', START, 10_000)));
    playback.play();
    await pass(1_000);
    expect([picture.muted, sound.src, playback.phase]).toEqual([false, '', 'playing']);
  });

  it('makes room for another', async () => {
    const { sound, playback, pass } = stage();
    playback.show(both());
    playback.play();
    await pass(1_000);
    playback.show(take(file('v', 'video', START, 10_000)));
    await pass(200);
    expect([sound.src, playback.phase, playback.position]).toEqual(['', 'paused', 0]);
  });
});

describe('addresses', () => {
  it('that ended during a pause are asked for again, at the same place', async () => {
    const { sound, playback, pass } = stage();
    playback.show(both());
    playback.seek(4_000);
    await pass(200);
    now += 1_000_000;
    playback.play();
    await pass(500);
    expect(asked).toEqual(['v', 'a', 'v', 'a']);
    expect(sound.currentTime).toBeCloseTo(4.4, 0);
    expect(playback.phase).toBe('playing');
  });

  it('that stop working are asked for once more, and then said to', async () => {
    const { sound, playback, pass } = stage();
    playback.show(take(file('a', 'audio', START, 10_000)));
    playback.play();
    await pass(3_000);
    sound.error = { code: 2 };
    await pass(500);
    expect([playback.phase, playback.trouble('sound')]).toEqual(['playing', null]);
    expect(playback.position).toBeGreaterThan(2_500);
    sound.error = { code: 4 };
    sound.load = () => (sound.error = { code: 4 }, undefined);
    await pass(500);
    expect(playback.trouble('sound')).toEqual({ kind: 'unplayable', codec: 'vp8' });
    expect(playback.playing).toBe(false);
  });

  it('that the server does not give are told of, and tried again when asked to', async () => {
    let away = true;
    const ask: Ask = async (clip) => (away ? { ok: false, failure: { kind: 'unreachable' } } : given(clip));
    const { playback, pass } = stage({ ask });
    playback.show(both());
    playback.play();
    await pass(500);
    expect(playback.trouble('sound')).toEqual({ kind: 'refused', failure: { kind: 'unreachable' } });
    away = false;
    playback.again();
    playback.play();
    await pass(1_000);
    expect(playback.phase).toBe('playing');
  });
});

describe('a sound that does not come', () => {
  const noSound: Failure = { kind: 'refused', status: 404, code: 'no_file', message: '', ended: null };

  it('does not keep the picture from being seen, and is in step with it when it comes after all', async () => {
    let away = true;
    const ask: Ask = async (clip) => (away && clip.file.kind === 'audio' ? { ok: false, failure: noSound } : given(clip));
    const { sound, playback, pass } = stage({ ask });
    playback.show(both());
    playback.seek(1_000);
    playback.play();
    await pass(3_500);
    expect([playback.phase, playback.trouble('picture'), playback.trouble('sound')]).toEqual(['playing', null, { kind: 'refused', failure: noSound }]);
    const before = playback.position;
    expect(before).toBeGreaterThan(3_500);
    away = false;
    playback.again();
    playback.play();
    await pass(1_000);
    expect([playback.phase, playback.trouble('sound')]).toEqual(['playing', null]);
    expect(playback.position).toBeGreaterThan(before);
    expect(sound.currentTime * 1_000).toBeCloseTo(playback.position, -3);
    expect(Math.abs(playback.drift!)).toBeLessThan(60);
  });

  it('is told of, as is a picture, and as is nothing at all', () => {
    const [all, silent] = [both(), take(file('v', 'video', START, 10_000))];
    const trouble: Trouble = { kind: 'unplayable', codec: 'vp8' };
    const of = (one: Take, hasPicture: boolean, picture: Trouble | null, sound: Trouble | null) => noticeOf(one, hasPicture, picture, sound)?.of ?? '-';
    expect([of(all, true, null, null), of(all, true, null, trouble), of(all, true, trouble, null), of(all, true, trouble, trouble)]).toEqual(['-', 'sound', 'picture', 'all']);
    expect([of(all, false, null, trouble), of(silent, true, trouble, null)]).toEqual(['all', 'all']);
  });
});

describe('a browser that wants a tap first', () => {
  it('is told of, and plays when it got one', async () => {
    const { picture, sound, playback, pass } = stage();
    sound.refuses = true;
    playback.show(both());
    playback.seek(1_000);
    playback.play();
    await pass(500);
    expect([playback.phase, playback.playing, playback.blocked, picture.paused]).toEqual(['paused', false, true, true]);
    sound.refuses = false;
    playback.play();
    await pass(500);
    expect([playback.phase, playback.playing, playback.blocked, sound.paused]).toEqual(['playing', true, false, false]);
  });
});

describe('what is muted', () => {
  it('is muted itself, not by a volume, and so is what comes after it', async () => {
    const { picture, sound, playback, pass } = stage();
    const muted = () => [picture.muted, sound.muted];
    playback.show(both());
    playback.seek(1_000);
    playback.play();
    await pass(500);
    expect(muted()).toEqual([true, false]);
    playback.quiet = true;
    expect(muted()).toEqual([true, true]);
    playback.show(take(file('m', 'mix', START, 10_000)));
    playback.play();
    await pass(500);
    expect(muted()).toEqual([true, true]);
    playback.quiet = false;
    expect(picture.muted, 'the mix has its sound with its picture').toBe(false);
  });
});

describe('what the browser cannot show', () => {
  it('does not keep the sound from being heard', async () => {
    const { picture, playback, pass } = stage();
    playback.show(both());
    playback.seek(1_000);
    picture.load = () => (picture.error = { code: 4 }, undefined);
    playback.play();
    await pass(1_500);
    expect(playback.trouble('picture')?.kind).toBe('unplayable');
    expect([playback.phase, playback.position > 1_500]).toEqual(['playing', true]);
  });
});
