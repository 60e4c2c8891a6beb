/** The level of one local sound, read ten times a second while somebody looks. */
import { audioContext, Ear } from './device';

const READ_MS = 100;

export class Level {
  value = $state(0);
  private ear: Ear | null = null;
  private track: MediaStreamTrack | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;

  /** Measures `track` from now on; null: nothing. */
  listen(track: MediaStreamTrack | null): void {
    if (track === this.track) return;
    this.close();
    this.track = track;
    const sound = audioContext();
    if (!track || !sound) return;
    this.ear = new Ear(sound, track);
    this.timer = setInterval(() => {
      // The needle falls slower than it rises, so that short sounds are seen.
      this.value = Math.max(this.ear?.level() ?? 0, this.value * 0.8);
    }, READ_MS);
  }

  close(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.ear?.close();
    this.ear = null;
    this.track = null;
    this.timer = null;
    this.value = 0;
  }
}
