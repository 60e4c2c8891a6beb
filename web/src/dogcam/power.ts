/** Saves power while nobody watches: small slow pictures after ten minutes, full ones as soon as somebody comes. */

export const IDLE_MS = 10 * 60_000;

export class LowPower {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private wasWatched: boolean | null = null;

  constructor(
    private readonly set: (on: boolean) => void,
    private readonly idleMs = IDLE_MS,
  ) {}

  watched(isWatched: boolean): void {
    if (isWatched === this.wasWatched) return;
    this.wasWatched = isWatched;
    this.close();
    if (isWatched) this.set(false);
    else this.timer = setTimeout(() => this.set(true), this.idleMs);
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
