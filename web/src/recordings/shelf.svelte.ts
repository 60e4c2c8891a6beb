/** What the page knows of the recordings: which days there are, and what is on the one that is shown. */
import type { Answer, Failure } from '../api';
import { list, listAll, type Page } from './load';
import { dayOf, daySpan, lanesOf, type Lane, type Recording } from './model';

/** So many pages of the list are asked for at a time to learn of days. */
const PAGES_AT_ONCE = 3;

export class Shelf {
  /** Null until the server has told. */
  index: Recording[] | null = $state.raw(null);
  day = $state('');
  room = $state('');
  files: Recording[] | null = $state.raw(null);
  failure: Failure | null = $state.raw(null);
  free: number | null = $state(null);
  /** Where the list of days goes on; null: these are all. */
  older: number | null = $state(null);
  busy = $state(false);
  private turn = 0;
  /** This device's clock when the day was asked for: what is being written reaches until then. */
  private at = $state(Date.now());

  rooms: string[] = $derived([...new Set([...(this.index ?? []), ...(this.files ?? [])].map((file) => file.room))].sort());
  days: { day: string; number: number | null }[] = $derived.by(() => this.daysOf());
  lanes: Lane[] = $derived(lanesOf(this.inRoom(this.files ?? []), this.at));

  constructor(day: string, room: string) {
    this.day = daySpan(day) ? day : '';
    this.room = room;
  }

  /** All there is to know at first. */
  async open(): Promise<void> {
    await this.learn();
    if (this.failure) return;
    this.day ||= this.days[0]?.day ?? '';
    await this.refresh();
  }

  /** Learns of days before those that are known. */
  async learn(): Promise<void> {
    this.busy = true;
    for (let page = 0; page < PAGES_AT_ONCE && (page === 0 || this.older !== null); page += 1) {
      const answer = await list(this.older === null ? {} : { after: this.older });
      if (!this.took(answer)) break;
      const known = this.index ?? [];
      this.index = [...known, ...answer.value.recordings.filter((file) => !known.some((one) => one.id === file.id))];
      this.older = answer.value.next;
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
    const answer = await listAll(...span);
    if (turn !== this.turn || !this.took(answer)) return;
    this.at = Date.now();
    this.files = answer.value.recordings;
    // What was deleted, or came, counts in the list of days too.
    this.index = [...this.files, ...(this.index ?? []).filter((file) => dayOf(file.created) !== this.day)].sort((a, b) => b.created - a.created);
  }

  /** Whether there may be something new by itself. */
  get isLive(): boolean {
    return this.day === dayOf(Date.now()) || this.day === '' || (this.files ?? []).some((file) => file.status === 'processing');
  }

  private took(answer: Answer<Page>): answer is { ok: true; value: Page } {
    this.failure = answer.ok ? null : answer.failure;
    if (answer.ok && answer.value.space) this.free = answer.value.space.free;
    return answer.ok;
  }

  private inRoom(files: readonly Recording[]): Recording[] {
    return files.filter((file) => !this.room || file.room === this.room);
  }

  /** The newest first. Of the last one there may be more than is known, so how many is not said. */
  private daysOf(): { day: string; number: number | null }[] {
    const files = new Map<string, Recording[]>();
    for (const file of this.inRoom(this.index ?? [])) {
      const day = dayOf(file.created);
      files.set(day, [...(files.get(day) ?? []), file]);
    }
    if (this.day && !files.has(this.day)) files.set(this.day, []);
    const days = [...files.keys()].sort().reverse();
    const count = (day: string) => lanesOf(files.get(day)!, this.at).reduce((sum, lane) => sum + lane.takes.length, 0);
    return days.map((day, at) => ({ day, number: this.older !== null && at === days.length - 1 ? null : count(day) }));
  }
}
