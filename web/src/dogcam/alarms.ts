/** Which cameras are alarmed about, and what is to be said when that begins and ends. Pure; times are ms since 1970. */
import { alarms, isMoving, OLD_NEWS_MS, type Judged, type TileState } from './tiles';

export interface Watched {
  name: string;
  judged: Judged;
}

export interface Alarm {
  name: string;
  state: 'frozen' | 'gone';
  since: number;
}

export type AlarmNews = { kind: 'begins'; alarm: Alarm } | { kind: 'ends'; name: string; seconds: number; back: boolean };

/** The two-tone sound repeats this often until somebody silences it. */
export const SOUND_EACH_MS = 30_000;

/** States that say nothing of the camera itself: an alarm goes on. */
const UNDECIDED: ReadonlySet<TileState> = new Set(['joining', 'paused']);

export class Alarms {
  private readonly ringing = new Map<string, Alarm>();
  private readonly seenMoving = new Set<string>();
  private silenced = false;
  private lastSound = -Infinity;

  list(): Alarm[] {
    return [...this.ringing.values()];
  }

  has(name: string): boolean {
    return this.ringing.has(name);
  }

  /** `connected`: our own connection stands; without it nothing can be said about the cameras. */
  update(cameras: Watched[], isQuiet: (name: string) => boolean, connected: boolean, now: number): AlarmNews[] {
    if (!connected) return [];
    const news: AlarmNews[] = [];
    for (const { name, judged } of cameras) {
      if (isMoving(judged.state)) this.seenMoving.add(name);
      const due = alarms(judged, now) && !isQuiet(name) && this.concerns(name, judged, now);
      if (due) news.push(...this.begin(name, judged));
      else if (!UNDECIDED.has(judged.state)) news.push(...this.end(name, judged.state, now));
    }
    for (const name of [...this.ringing.keys()])
      if (!cameras.some((camera) => camera.name === name)) news.push(...this.end(name, 'stopped', now));
    return news;
  }

  /** True when the sound is due now; counts as played. */
  soundDue(now: number): boolean {
    if (this.ringing.size === 0 || this.silenced || now - this.lastSound < SOUND_EACH_MS) return false;
    this.lastSound = now;
    return true;
  }

  /** No more sound for what rings now; the next alarm sounds again. */
  silence(): void {
    this.silenced = true;
  }

  get isSilenced(): boolean {
    return this.silenced;
  }

  /** Seen alive by this page, or gone only a short while ago. */
  private concerns(name: string, judged: Judged, now: number): boolean {
    return this.seenMoving.has(name) || now - judged.since < OLD_NEWS_MS;
  }

  private begin(name: string, judged: Judged): AlarmNews[] {
    const state = judged.state === 'gone' ? 'gone' : 'frozen';
    const old = this.ringing.get(name);
    if (old?.state === state) return [];
    const alarm: Alarm = { name, state, since: Math.min(judged.since, old?.since ?? judged.since) };
    this.ringing.set(name, alarm);
    if (!old) {
      this.silenced = false;
      this.lastSound = -Infinity;
    }
    return [{ kind: 'begins', alarm }];
  }

  private end(name: string, state: TileState, now: number): AlarmNews[] {
    const alarm = this.ringing.get(name);
    if (!alarm) return [];
    this.ringing.delete(name);
    const back = state !== 'stopped' && state !== 'gone' && state !== 'frozen';
    return [{ kind: 'ends', name, seconds: (now - alarm.since) / 1000, back }];
  }
}
