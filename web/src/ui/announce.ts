/** What screen readers are told: polite news merged to at most one per 2 s, alarms at once. `LiveRegion.svelte` shows both. */

const MERGE_MS = 2_000;

type Listener = (text: string) => void;

export class Announcer {
  private waiting: string[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private listeners: { polite: Listener; alarm: Listener }[] = [];

  listen(polite: Listener, alarm: Listener): () => void {
    const entry = { polite, alarm };
    this.listeners.push(entry);
    return () => {
      this.listeners = this.listeners.filter((other) => other !== entry);
    };
  }

  /** News that can wait. */
  say(text: string): void {
    if (!this.waiting.includes(text)) this.waiting.push(text);
    this.timer ??= setTimeout(() => this.flush(), this.waiting.length > 1 ? MERGE_MS : 100);
  }

  /** Alarms only. */
  alarm(text: string): void {
    for (const { alarm } of this.listeners) alarm(text);
  }

  private flush(): void {
    const text = this.waiting.join('. ');
    this.waiting = [];
    // The pause keeps the next news back.
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.waiting.length) this.flush();
    }, MERGE_MS);
    for (const { polite } of this.listeners) polite(text);
  }
}

export const announcer = new Announcer();
