/** Waiting between tries: 1, 2, 4 … 30 s, at once when the network or the page comes back. */

export const LONGEST_WAIT_S = 30;

/** Seconds to wait before try number `tries` (0 = the first repetition). */
export function waitSeconds(tries: number): number {
  return Math.min(LONGEST_WAIT_S, 2 ** Math.min(tries, 10));
}

/** What tells that trying now is worth it: `online` on the window, `visibilitychange` on the document. */
export interface Waker {
  listen(wake: () => void): () => void;
}

export const pageWaker: Waker = {
  listen(wake) {
    const visible = () => {
      if (document.visibilityState === 'visible') wake();
    };
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', visible);
    return () => {
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', visible);
    };
  },
};

/** Counts tries and calls back when the next one is due; `cancel` forgets the plan, `reset` the count. */
export class Retry {
  private tries = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private unlisten: (() => void) | null = null;
  /** When the next try is due, ms since 1970; null: none is planned. */
  due: number | null = null;

  constructor(
    private readonly waker: Waker,
    private readonly now: () => number = Date.now,
  ) {}

  /** Plans one call of `run`; a plan that was there is replaced. */
  plan(run: () => void, seconds = waitSeconds(this.tries)): void {
    this.cancel();
    this.tries += 1;
    const go = () => {
      this.cancel();
      run();
    };
    this.due = this.now() + seconds * 1000;
    this.timer = setTimeout(go, seconds * 1000);
    this.unlisten = this.waker.listen(go);
  }

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.unlisten?.();
    this.timer = null;
    this.unlisten = null;
    this.due = null;
  }

  reset(): void {
    this.tries = 0;
  }
}
