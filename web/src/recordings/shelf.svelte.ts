/** What the page knows of the recordings: which days there are, and what is on the one that is shown. */
import type { Answer, Failure } from '../api';
import { list, listAll, type Page, type Wanted } from './load';
import { dayOf, daySpan, isMade, lanesOf, type Lane, type Recording } from './model';

/** So many pages of the list are asked for at a time to learn of days. */
const PAGES_AT_ONCE = 3;
/** How often a page that stays open asks for new days, in ms. */
const NEWS_MS = 60_000;

export class Shelf {
  /** Of the room that is chosen, the newest first. Null until the server has told. */
  index: Recording[] | null = $state.raw(null);
  day = $state('');
  /** Empty: all rooms. */
  room = $state('');
  files: Recording[] | null = $state.raw(null);
  /** More was recorded on this day than was asked for: its beginning is missing. */
  cut = $state(false);
  failure: Failure | null = $state.raw(null);
  free: number | null = $state(null);
  /** Where the list of days goes on; null: these are all. */
  older: number | null = $state(null);
  busy = $state(false);
  private turn = 0;
  /** This device's clock when the day was asked for: what is being written reaches until then. */
  private at = $state(Date.now());
  /** When the list of days was asked for last. */
  private told = 0;
  /** When the oldest file began that the list has told of. */
  private oldest = $state(Infinity);
  private names: string[] = $state.raw([]);

  rooms: string[] = $derived([...new Set([...this.names, ...(this.room ? [this.room] : [])])].sort());
  days: { day: string; number: number | null }[] = $derived.by(() => this.daysOf());
  lanes: Lane[] = $derived(lanesOf((this.files ?? []).filter((file) => !this.room || file.room === this.room), this.at));
  later: string | undefined = $derived(this.beside(-1));
  /** Of days before the oldest that was learnt of, only those are known that were asked for by name: there may be others between. */
  earlier: string | undefined = $derived.by(() => {
    const day = this.beside(1);
    return day !== undefined && this.isBeforeKnown(day) ? undefined : day;
  });

  constructor(day: string, room: string) {
    this.day = daySpan(day) ? day : '';
    this.room = room;
  }

  /** All there is to know at first. */
  async open(now = Date.now()): Promise<void> {
    this.told = now;
    await this.learn();
    if (this.failure?.kind === 'refused' && this.failure.code === 'room_not_allowed' && this.room) {
      this.room = '';
      return this.open(now);
    }
    if (this.failure) return;
    this.day ||= this.days[0]?.day ?? '';
    await this.refresh();
  }

  /** Shows this room only, or all. The list is asked for anew: days of a room may be far behind those of the others. */
  async choose(room: string): Promise<void> {
    this.room = room;
    this.index = this.older = null;
    this.oldest = Infinity;
    await this.open();
  }

  /** Learns of days before those that are known. */
  async learn(): Promise<void> {
    const { room } = this;
    this.busy = true;
    for (let page = 0; page < PAGES_AT_ONCE && (page === 0 || this.older !== null); page += 1) {
      const answer = await list({ ...this.wanted, ...(this.older === null ? {} : { after: this.older }) });
      if (room !== this.room) return;
      if (!this.took(answer)) break;
      this.include(answer.value);
    }
    this.busy = false;
  }

  /** Shows this day. */
  async show(day: string): Promise<void> {
    this.day = day;
    this.files = null;
    await this.refresh();
  }

  /** Asks for the day again. */
  async refresh(): Promise<void> {
    const span = daySpan(this.day);
    const turn = (this.turn += 1);
    if (!span) {
      this.files = [];
      return;
    }
    const answer = await listAll(...span, this.room);
    if (turn !== this.turn || !this.took(answer)) return;
    this.at = Date.now();
    this.files = answer.value.recordings;
    this.cut = answer.value.next !== null;
    // What was deleted, or came, counts in the list of days too.
    this.index = newestFirst([...this.files, ...(this.index ?? []).filter((file) => dayOf(file.created) !== this.day)]);
  }

  /** Asks for what may have changed by itself: the day, if it goes on, and now and then whether there is another one. */
  async follow(now = Date.now()): Promise<void> {
    if (this.day === '') return this.open(now);
    if (this.isLive(now)) await this.refresh();
    if (this.failure || now - this.told < NEWS_MS) return;
    this.told = now;
    await this.hearNews();
  }

  /** Whether there may be something new on this day by itself. */
  private isLive(now: number): boolean {
    return this.day === dayOf(now) || (this.files ?? []).some(isMade);
  }

  private async hearNews(): Promise<void> {
    const { room } = this;
    const answer = await list(this.wanted);
    if (room !== this.room || !this.took(answer)) return;
    const { recordings, next } = answer.value;
    const known = new Set((this.index ?? []).map((file) => file.id));
    const { older } = this;
    const meets = next === null || recordings.some((file) => known.has(file.id));
    // Else so much is new that there may be more between it and what was known.
    if (!meets) [this.index, this.oldest] = [[], Infinity];
    this.include(answer.value);
    if (meets && next !== null) this.older = older;
  }

  private include({ recordings, next }: Page): void {
    const known = this.index ?? [];
    const ids = new Set(known.map((file) => file.id));
    this.index = newestFirst([...known, ...recordings.filter((file) => !ids.has(file.id))]);
    this.oldest = Math.min(this.oldest, ...recordings.map((file) => file.created));
    this.older = next;
  }

  private get wanted(): Wanted {
    return this.room ? { room: this.room } : {};
  }

  private took(answer: Answer<Page>): answer is { ok: true; value: Page } {
    this.failure = answer.ok ? null : answer.failure;
    if (!answer.ok) return false;
    if (answer.value.space) this.free = answer.value.space.free;
    this.names = [...new Set([...this.names, ...answer.value.recordings.map((file) => file.room)])];
    return true;
  }

  private beside(by: number): string | undefined {
    return this.days[this.days.findIndex((one) => one.day === this.day) + by]?.day;
  }

  private isBeforeKnown(day: string): boolean {
    return this.older !== null && this.oldest < Infinity && day < dayOf(this.oldest);
  }

  /** The newest first. Of the last one there may be more than is known, so how many is not said. */
  private daysOf(): { day: string; number: number | null }[] {
    const files = new Map<string, Recording[]>();
    for (const file of this.index ?? []) {
      const day = dayOf(file.created);
      files.set(day, [...(files.get(day) ?? []), file]);
    }
    if (this.day && !files.has(this.day)) files.set(this.day, []);
    const last = this.older === null || this.oldest === Infinity ? '' : dayOf(this.oldest);
    const count = (day: string) => lanesOf(files.get(day)!, this.at).reduce((sum, lane) => sum + lane.takes.length, 0);
    return [...files.keys()].sort().reverse().map((day) => ({ day, number: day <= last ? null : count(day) }));
  }
}

function newestFirst(files: Recording[]): Recording[] {
  return files.sort((a, b) => b.created - a.created);
}
