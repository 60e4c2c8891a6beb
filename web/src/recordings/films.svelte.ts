/** What the page knows of films: which there are, how far they are, and what is told of that. */
import type { Answer, Failure } from '../api';
import { films as words } from '../text/films';
import { percent } from '../ui/values';
import { isPending, tensOf, type Film, type FilmAsk } from './film';
import { filmTime } from './words';

export interface FilmPage {
  compositions: Film[];
  next: number | null;
}

/** What is asked of the server. */
export interface FilmCalls {
  /** The newest, or those after such a `next`. */
  list(room: string, after: number | null): Promise<Answer<FilmPage>>;
  find(id: string): Promise<Answer<Film>>;
  make(ask: FilmAsk): Promise<Answer<Film>>;
  forget(film: Film): Promise<Answer<null>>;
}

/** Where nothing is being made the server is asked this seldom, in ms. */
const SELDOM_MS = 10_000;

export class Films {
  /** The newest first. Null until the server has told. */
  list: Film[] | null = $state.raw(null);
  /** Where the list goes on; null: these are all. */
  next: number | null = $state(null);
  /** Why the last thing that was to be done with one of them was not done. */
  failure: Failure | null = $state.raw(null);
  /** The one with which something is being done. */
  busy = $state('');
  /** The list was asked for and did not come. */
  failed = $state(false);
  /** Empty: of all rooms. */
  room = '';
  /** Answers to what was asked before it changed are of something else. */
  private turn = 0;
  private looking = 0;
  private asked = -SELDOM_MS;

  constructor(
    private readonly calls: FilmCalls,
    private readonly say: (text: string) => void,
  ) {}

  get pending(): boolean {
    return (this.list ?? []).some(isPending);
  }

  /** Of this room from now on. */
  async choose(room: string): Promise<void> {
    if (room !== this.room) [this.list, this.next] = [null, null];
    this.room = room;
    this.turn += 1;
    await this.refresh();
  }

  /** To be called each second: asks where something may have changed, unless an answer is still to come. */
  async follow(now = Date.now()): Promise<void> {
    if (this.looking > 0) return;
    if (this.pending || now - this.asked >= SELDOM_MS) await this.refresh(now);
  }

  async refresh(now = Date.now()): Promise<void> {
    this.asked = now;
    const { turn } = this;
    this.looking += 1;
    const answer = await this.calls.list(this.room, null);
    this.looking -= 1;
    if (turn !== this.turn) return;
    this.failed = !answer.ok;
    // A server that is away is told of by the list of recordings.
    if (!answer.ok) return;
    const { compositions, next } = answer.value;
    this.tell(this.list ?? [], compositions);
    const isWhole = next === null;
    const older = isWhole ? [] : this.olderThan(compositions);
    if (isWhole || older.length === 0) this.next = next;
    this.list = [...compositions, ...older];
  }

  /** Those that come after the last one that is known. */
  async more(): Promise<void> {
    if (this.next === null) return;
    const { turn } = this;
    this.busy = 'more';
    const answer = await this.calls.list(this.room, this.next);
    this.busy = '';
    if (turn !== this.turn) return;
    this.failure = answer.ok ? null : answer.failure;
    if (!answer.ok) return;
    const { compositions, next } = answer.value;
    const ids = new Set(compositions.map(({ id }) => id));
    this.list = newestFirst([...(this.list ?? []).filter(({ id }) => !ids.has(id)), ...compositions]);
    this.next = next;
  }

  /** Has this one in the list, however old it is, if there is such a one. */
  async seek(id: string): Promise<void> {
    if (this.list?.some((one) => one.id === id)) return;
    const answer = await this.calls.find(id);
    if (answer.ok && this.list && !this.list.some((one) => one.id === id)) this.list = newestFirst([...this.list, answer.value]);
  }

  /** Asks for one; why it will not be made, if it will not. */
  async make(ask: FilmAsk): Promise<Failure | null> {
    const answer = await this.calls.make(ask);
    if (!answer.ok) return answer.failure;
    // The same may wait already.
    this.take([answer.value, ...(this.list ?? []).filter(({ id }) => id !== answer.value.id)]);
    this.say(words.asked(words.title(answer.value.room)));
    return null;
  }

  /** Everything that was asked for; null, with why, if that cannot be known. */
  async askedOf(film: Film): Promise<FilmAsk | null> {
    const answer = await this.calls.find(film.id);
    this.failure = answer.ok ? null : answer.failure;
    return answer.ok ? answer.value.asked : null;
  }

  /** Once more what was not made; that one goes. With another kind of file it stays. */
  async again(film: Film, change: Pick<FilmAsk, 'format'> = {}): Promise<void> {
    this.busy = film.id;
    const asked = await this.askedOf(film);
    if (asked) this.failure = await this.make({ ...asked, ...change });
    if (asked && !this.failure && film.status === 'failed') await this.drop(film);
    this.busy = '';
  }

  /** Gives up one that is not made yet. */
  async cancel(film: Film): Promise<void> {
    if (await this.drop(film)) this.say(words.cancelled(this.nameOf(film)));
  }

  private async drop(film: Film): Promise<boolean> {
    const answer = await this.calls.forget(film);
    const gone = answer.ok || (answer.failure.kind === 'refused' && answer.failure.status === 404);
    this.failure = gone || answer.ok ? null : answer.failure;
    if (gone) this.take((this.list ?? []).filter((one) => one.id !== film.id));
    return gone;
  }

  /** What was asked of the server before knows nothing of it. */
  private take(list: Film[]): void {
    this.turn += 1;
    this.list = list;
  }

  /** What is known beyond the first page. */
  private olderThan(page: readonly Film[]): Film[] {
    const ids = new Set(page.map(({ id }) => id));
    const oldest = Math.min(...page.map(({ created }) => created));
    return (this.list ?? []).filter((film) => !ids.has(film.id) && film.created <= oldest);
  }

  /** How far it is no oftener than at each tenth, and how it ended. */
  private tell(before: readonly Film[], now: readonly Film[]): void {
    for (const film of now) {
      const known = before.find((one) => one.id === film.id);
      if (!known || !isPending(known)) continue;
      const title = this.nameOf(film);
      if (film.status === 'completed') this.say(words.ready(title));
      else if (film.status === 'failed') this.say(words.notMade(title));
      else if (tensOf(film) > tensOf(known)) this.say(words.told(title, percent(tensOf(film) / 100)));
    }
  }

  /** Which it is, where there are several of one room. */
  private nameOf(film: Film): string {
    const several = (this.list ?? []).filter((one) => one.room === film.room && isPending(one)).length > 1;
    const title = words.title(film.room);
    return several ? words.titleOf(title, filmTime(film, Date.now())) : title;
  }
}

function newestFirst(films: Film[]): Film[] {
  return films.sort((a, b) => b.created - a.created);
}
