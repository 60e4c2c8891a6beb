/** The way from the plain address to the secure one: where to go, and when. */

/** The parts of `location` that move along. The key sits in `hash` and is read by nobody on this page. */
export interface Here {
  pathname: string;
  search: string;
  hash: string;
}

/** How often the secure address is tried, in milliseconds (ux.md 1.2). */
export const PROBE_EVERY_MS = 2000;

/** A try that hangs longer than this is given up, in milliseconds: some networks drop instead of refusing. */
export const PROBE_LIMIT_MS = 5000;

/**
 * The same page on the secure address, with path, query and fragment as they are; null if `secureUrl` is not https.
 * Put together as text on purpose: `new URL('//elsewhere/', base)` would leave our host.
 */
export function secureAddress(secureUrl: string, here: Here): string | null {
  const origin = secureOrigin(secureUrl);
  const path = here.pathname === '/door.html' ? '/' : here.pathname;
  return origin === null ? null : origin + path + here.search + here.hash;
}

/** The origin of an https address; null for anything else. */
export function secureOrigin(secureUrl: string): string | null {
  try {
    const url = new URL(secureUrl);
    return url.protocol === 'https:' ? url.origin : null;
  } catch (_) {
    return null;
  }
}

/** What the watch needs from the browser, so that tests can hold the clock. */
export interface Probe {
  /** Resolves when the secure address answered this browser without a warning; rejects otherwise. */
  knock(signal: AbortSignal): Promise<unknown>;
  /** Called once, when it answered. */
  open(): void;
  /** Called after each try that brought nothing: the steps are needed. */
  missed(): void;
}

/** `fetch` of the health word: fails while the browser does not trust the certificate, and sends no key. */
export function knockAt(origin: string): (signal: AbortSignal) => Promise<unknown> {
  return (signal) => fetch(origin + '/healthz', { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal });
}

/** Tries until the secure address answers; `now()` tries at once. One try at a time. */
export class DoorWatch {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt: AbortController | null = null;
  private done = false;

  constructor(private readonly probe: Probe) {}

  /** Begins, or tries at once if it has begun: the page became visible, so the person is back from Settings. */
  now(): void {
    if (this.done) return;
    clearTimeout(this.timer);
    this.attempt?.abort();
    void this.tryOnce();
  }

  stop(): void {
    this.done = true;
    clearTimeout(this.timer);
    this.attempt?.abort();
  }

  private async tryOnce(): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    this.timer = setTimeout(() => attempt.abort(), PROBE_LIMIT_MS);
    const answered = await this.knocked(attempt.signal);
    if (this.done || this.attempt !== attempt) return;
    clearTimeout(this.timer);
    if (answered) {
      this.stop();
      this.probe.open();
    } else {
      this.timer = setTimeout(() => void this.tryOnce(), PROBE_EVERY_MS);
      this.probe.missed();
    }
  }

  private async knocked(signal: AbortSignal): Promise<boolean> {
    try {
      await this.probe.knock(signal);
      return !signal.aborted;
    } catch (_) {
      return false;
    }
  }
}
