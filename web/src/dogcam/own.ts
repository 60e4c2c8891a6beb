/** The device's own camera and microphone: one of each at most, and never two cameras open at once. */
import { facingOf, LOW_POWER, listCameras, nextCamera, openBoth, openPicture, openSound, pictureOf } from './capture';
import type { CaptureFailure, Facing, Media, Wish } from './capture';

/** Where the tracks go: the room. */
export interface Sink {
  setVideo(media: MediaStreamTrack | null): Promise<void>;
  setAudio(media: MediaStreamTrack | null): Promise<void>;
}

export class OwnMedia {
  video: MediaStreamTrack | null = null;
  audio: MediaStreamTrack | null = null;
  /** Why there is no sound; null: there is, or nobody asked. */
  audioFailure: CaptureFailure | null = null;
  cameras: MediaDeviceInfo[] = [];
  private lowPower = false;
  private busy = false;

  constructor(
    private readonly media: Media | undefined,
    private wish: Wish,
    private readonly sink: Sink,
    /** A track came, went or ended by itself. */
    private readonly changed: () => void,
  ) {}

  get facing(): Facing {
    return this.video ? facingOf(this.video) : 'unknown';
  }

  get deviceId(): string {
    return this.video?.getSettings().deviceId ?? '';
  }

  /** Asks for camera and microphone in one question. Null when the camera is on, else why it is not. */
  async open(): Promise<CaptureFailure | null> {
    const opened = await openBoth(this.media, this.wish);
    if (!opened.ok) return opened.failure;
    this.close();
    this.audioFailure = opened.audioFailure;
    await Promise.all([this.useVideo(opened.video), this.useAudio(opened.audio)]);
    this.cameras = await listCameras(this.media);
    this.changed();
    return null;
  }

  /** Only the microphone, after it was refused. */
  async openAudio(): Promise<CaptureFailure | null> {
    const opened = await openSound(this.media);
    this.audioFailure = opened.ok ? null : opened.failure;
    if (opened.ok) await this.useAudio(opened.track);
    this.changed();
    return this.audioFailure;
  }

  /** The next camera, or the one of `deviceId`: the old is stopped first, and opened again when the new one fails. */
  async flip(deviceId = nextCamera(this.cameras, this.deviceId)?.deviceId): Promise<CaptureFailure | null> {
    if (!deviceId || this.busy) return null;
    this.busy = true;
    const before = this.deviceId;
    await this.dropVideo();
    const opened = await openPicture(this.media, { ...this.wish, deviceId }, true);
    if (opened.ok) this.wish = { ...this.wish, deviceId };
    const track = opened.ok ? opened : await openPicture(this.media, { ...this.wish, deviceId: before });
    if (track.ok) await this.useVideo(track.track);
    this.busy = false;
    this.changed();
    return opened.ok ? null : opened.failure;
  }

  /** After a pause in the background: tracks that ended or stay muted are opened again. */
  async restart(): Promise<void> {
    if (this.busy) return;
    if (this.video && isDead(this.video)) await this.reopenVideo();
    if (this.audio && isDead(this.audio)) await this.openAudio();
  }

  async setQuality(quality: Wish['quality']): Promise<void> {
    this.wish = { ...this.wish, quality };
    await this.constrain();
  }

  /** Fewer and smaller pictures while nobody watches. */
  async setLowPower(on: boolean): Promise<void> {
    if (on === this.lowPower) return;
    this.lowPower = on;
    await this.constrain();
  }

  close(): void {
    stop(this.video);
    stop(this.audio);
    this.video = this.audio = null;
  }

  private async reopenVideo(): Promise<void> {
    this.busy = true;
    await this.dropVideo();
    const opened = await openPicture(this.media, this.wish);
    if (opened.ok) await this.useVideo(opened.track);
    this.busy = false;
    this.changed();
  }

  private async dropVideo(): Promise<void> {
    const old = this.video;
    this.video = null;
    stop(old);
    await this.sink.setVideo(null);
  }

  private async useVideo(track: MediaStreamTrack): Promise<void> {
    this.video = track;
    this.changed();
    track.onended = () => void this.restart();
    if (this.lowPower) await this.constrain();
    await this.sink.setVideo(track);
  }

  private async useAudio(track: MediaStreamTrack | null): Promise<void> {
    stop(this.audio);
    this.audio = track;
    if (track) track.onended = () => void this.restart();
    await this.sink.setAudio(track);
  }

  private async constrain(): Promise<void> {
    try {
      await this.video?.applyConstraints(this.lowPower ? LOW_POWER : pictureOf({ ...this.wish, deviceId: this.deviceId }));
    } catch {
      // The camera keeps what it has.
    }
  }
}

function isDead(track: MediaStreamTrack): boolean {
  return track.readyState === 'ended' || track.muted;
}

function stop(track: MediaStreamTrack | null): void {
  if (!track) return;
  track.onended = null;
  track.stop();
}
