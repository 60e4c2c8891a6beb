import { SOUND } from '../dogcam/capture';
import { Level } from '../dogcam/level.svelte';

/** From this level on (0 to 1) somebody seems to speak. */
const LOUD = 0.2;
/** How often in a row it must be so, at one look each `LOOK_MS`: a cough is no speech. */
const LOOKS = 2;
const LOOK_MS = 150;
/** How long it is said that nobody hears it, in ms. */
const SAID_MS = 4_000;

/** Listens to the own microphone while it is muted in the room, and tells when somebody speaks into it all the same. */
export class Unheard {
  said = $state(false);
  private readonly level = new Level();
  private stream: MediaStream | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private hush: ReturnType<typeof setTimeout> | undefined;

  /** Listens until the returned function is called. The room's own track is stopped by then, so this is another one. */
  listen(device: string): () => void {
    let over = false;
    const audio = { ...SOUND, ...(device ? { deviceId: { ideal: device } } : {}) };
    navigator.mediaDevices.getUserMedia({ audio }).then(
      (stream) => (over ? stopAll(stream) : this.watch(stream)),
      // Nothing to hear with, nothing to say.
      () => {},
    );
    return () => {
      over = true;
      this.stop();
    };
  }

  private watch(stream: MediaStream): void {
    this.stream = stream;
    this.level.listen(stream.getAudioTracks()[0] ?? null);
    let loud = 0;
    this.timer = setInterval(() => {
      loud = this.level.value >= LOUD ? loud + 1 : 0;
      if (loud >= LOOKS) this.say();
    }, LOOK_MS);
  }

  private say(): void {
    this.said = true;
    clearTimeout(this.hush);
    this.hush = setTimeout(() => (this.said = false), SAID_MS);
  }

  private stop(): void {
    clearInterval(this.timer);
    clearTimeout(this.hush);
    this.level.close();
    if (this.stream) stopAll(this.stream);
    this.stream = null;
    this.said = false;
  }
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
