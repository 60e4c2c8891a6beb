/** What the page knows of films: which there are, how far they are, and what is told of that. */
import type { Answer, Failure } from '../api';
import { films as words } from '../text/films';
import { percent } from '../ui/values';
import { isPending, tensOf, type Film, type FilmAsk } from './film';

export interface FilmPage {
  compositions: Film[];
  next: number | null;
}

/** What is asked of the server. */
export interface FilmCalls {
  list(room: string): Promise<Answer<FilmPage>>;
  make(ask: FilmAsk): Promise<Answer<Film>>;
  forget(film: Film): Promise<Answer<null>>;
}

/** Where nothing is being made the server is asked this seldom, in ms. */
const SELDOM_MS = 10_000;

export class Films {
  /** The newest first. Null until the server has told. */
  list: Film[] | null = $state.raw(null);
  /** Why the last thing that was asked for was not done. */
  failure: Failure | null = $state.raw(null);
  busy = $state(false);
  /** Empty: of all rooms. */
  private room = '';
  private turn = 0;
  private asked = 0;

  constructor(
    private readonly calls: FilmCalls,
    private readonly say: (text: string) => void,
  ) {}

  get pending(): boolean {
    return (this.list ?? []).some(isPending);
  }

  /** Of this room from now on. */
  async choose(room: string): Promise<void> {
    if (room !== this.room) this.list = null;
    this.room = room;
    await this.refresh();
  }

  /** To be called each second: asks where something may have changed. */
  async follow(now = Date.now()): Promise<void> {
    if (this.pending || now - this.asked >= SELDOM_MS) await this.refresh(now);
  }

  async refresh(now = Date.now()): Promise<void> {
    this.asked = now;
    const turn = (this.turn += 1);
    const answer = await this.calls.list(this.room);
    // A server that is away is told of by the list of recordings.
    if (turn !== this.turn || !answer.ok) return;
    this.tell(this.list ?? [], answer.value.compositions);
    this.list = answer.value.compositions;
  }

  /** Asks for one; true if it will be made. */
  async make(ask: FilmAsk): Promise<boolean> {
    this.busy = true;
    const answer = await this.calls.make(ask);
    this.busy = false;
    this.failure = answer.ok ? null : answer.failure;
    if (!answer.ok) return false;
    this.take([answer.value, ...(this.list ?? [])]);
    this.say(words.asked(words.title(answer.value.room)));
    return true;
  }

  /** Once more what was not made; that one goes. */
  async again(film: Film): Promise<void> {
    if (await this.make(film.asked)) await this.drop(film);
  }

  /** Gives up one that is not made yet. */
  async cancel(film: Film): Promise<void> {
    if (await this.drop(film)) this.say(words.cancelled(words.title(film.room)));
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

  /** How far it is no oftener than at each tenth, and how it ended. */
  private tell(before: readonly Film[], now: readonly Film[]): void {
    for (const film of now) {
      const known = before.find((one) => one.id === film.id);
      if (!known || !isPending(known)) continue;
      const title = words.title(film.room);
      if (film.status === 'completed') this.say(words.ready(title));
      else if (film.status === 'failed') this.say(words.notMade(title));
      else if (tensOf(film) > tensOf(known)) this.say(words.told(title, percent(tensOf(film) / 100)));
    }
  }
}
