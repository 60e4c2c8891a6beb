/** What the device itself offers: staying awake, battery, sound levels. Everything may be missing. */

export type WakeState = 'held' | 'refused' | 'absent';

/** Keeps the screen on while wanted; takes the lock again whenever the page becomes visible. */
export class WakeLock {
  state: WakeState = 'absent';
  private sentinel: WakeLockSentinel | null = null;
  private wanted = false;

  constructor(private readonly changed: () => void) {}

  async want(): Promise<void> {
    this.wanted = true;
    if (this.sentinel || document.visibilityState !== 'visible') return;
    if (!navigator.wakeLock) return this.become('absent');
    try {
      this.sentinel = await navigator.wakeLock.request('screen');
      this.sentinel.onrelease = () => this.released();
      if (!this.wanted) return this.release();
      this.become('held');
    } catch {
      this.become('refused');
    }
  }

  release(): void {
    this.wanted = false;
    void this.sentinel?.release();
    this.sentinel = null;
  }

  private released(): void {
    this.sentinel = null;
    if (this.wanted) this.become('refused');
  }

  private become(state: WakeState): void {
    this.state = state;
    this.changed();
  }
}

export interface Battery {
  /** 0 to 1. */
  level: number;
  charging: boolean;
}

interface BatteryManager extends EventTarget, Battery {}

/** Chromium only; elsewhere `tell` is never called. Returns how to stop. */
export function watchBattery(tell: (battery: Battery) => void): () => void {
  const getBattery = (navigator as { getBattery?: () => Promise<BatteryManager> }).getBattery;
  let stop = () => {};
  let stopped = false;
  getBattery
    ?.call(navigator)
    .then((battery) => {
      if (stopped) return;
      const report = () => tell({ level: battery.level, charging: battery.charging });
      battery.addEventListener('levelchange', report);
      battery.addEventListener('chargingchange', report);
      stop = () => {
        battery.removeEventListener('levelchange', report);
        battery.removeEventListener('chargingchange', report);
      };
      report();
    })
    .catch(() => {});
  return () => {
    stopped = true;
    stop();
  };
}

let context: AudioContext | null = null;

/** The page's one audio context; null where there is none. */
export function audioContext(): AudioContext | null {
  try {
    context ??= new AudioContext();
  } catch {
    return null;
  }
  return context;
}

/** Measures one track: `level()` is 0 to 1, on a scale where speech fills about half. */
export class Ear {
  private readonly source: MediaStreamAudioSourceNode;
  private readonly analyser: AnalyserNode;
  private readonly buffer: Uint8Array<ArrayBuffer>;

  constructor(sound: AudioContext, track: MediaStreamTrack) {
    this.source = sound.createMediaStreamSource(new MediaStream([track]));
    this.analyser = sound.createAnalyser();
    this.analyser.fftSize = 512;
    this.buffer = new Uint8Array(this.analyser.fftSize);
    this.source.connect(this.analyser);
  }

  level(): number {
    this.analyser.getByteTimeDomainData(this.buffer);
    const squares = this.buffer.reduce((sum, value) => sum + ((value - 128) / 128) ** 2, 0);
    return scale(Math.sqrt(squares / this.buffer.length));
  }

  close(): void {
    this.source.disconnect();
  }
}

/** From an amplitude (0 to 1) to a meter: -50 dB is nothing, 0 dB is full. */
export function scale(amplitude: number): number {
  if (amplitude <= 0) return 0;
  return Math.max(0, Math.min(1, 1 + (20 * Math.log10(amplitude)) / 50));
}

/** Tones one after the other, each `seconds` long; for the talk-back chime and the alarm. */
export function play(tones: readonly number[], seconds: number, volume: number): void {
  const sound = audioContext();
  if (!sound || sound.state !== 'running') return;
  tones.forEach((hertz, index) => {
    const start = sound.currentTime + index * seconds;
    const oscillator = sound.createOscillator();
    const gain = sound.createGain();
    oscillator.frequency.value = hertz;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(volume, start + 0.02);
    gain.gain.linearRampToValueAtTime(0, start + seconds);
    oscillator.connect(gain).connect(sound.destination);
    oscillator.start(start);
    oscillator.stop(start + seconds);
  });
}
