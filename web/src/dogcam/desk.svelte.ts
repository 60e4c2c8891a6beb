/** One device's place in a room, ready for the screen: the session, the live channel and the own camera, tied together. */
import { api, needsKey, type Answer, type Session as Access, type Token } from '../api';
import { pageWaker } from '../backoff';
import { LiveChannel, socketUrl, type CameraStatus, type LiveCamera } from '../live';
import type { Waits } from '../record/call';
import { store, type Rotation } from '../store';
import type { CaptureFailure } from './capture';
import { WakeLock, watchBattery, type Battery, type WakeState } from './device';
import { OwnMedia } from './own';
import type { Peer } from './peers';
import { loadSdk } from './sdk';
import { Session, type Status } from './session';
import type { Trouble } from './trouble';

/** Cameras tell their state at least this often. */
const STATUS_MS = 60_000;
/** Ends that put a camera out. */
const OUT: ReadonlySet<Trouble['kind']> = new Set(['displaced', 'removed', 'room-ended', 'link']);

export class Desk {
  as: 'camera' | 'watch' = $state('watch');
  status: Status = $state.raw({ kind: 'idle' });
  peers: Peer[] = $state.raw([]);
  /** Our own network quality, 0 to 5; null where nobody judges it. */
  quality: number | null = $state(null);
  /** Whether the room is recorded. */
  recorded = $state(false);
  /** Whether recording is on but the disk has no room, as far as this page may know. */
  recordWaits: Waits = $state(null);
  live: LiveCamera[] = $state.raw([]);
  liveUp = $state(false);
  /** Our name in the room, as the server gave it. */
  identity = $state('');
  room = $state('');
  muted = $state(store.get('muted'));
  videoOff = $state(store.get('videoOff'));
  rotation: Rotation = $state(store.get('rotation'));
  video: MediaStreamTrack | null = $state.raw(null);
  audio: MediaStreamTrack | null = $state.raw(null);
  audioFailure: CaptureFailure | null = $state(null);
  cameras: MediaDeviceInfo[] = $state.raw([]);
  battery: Battery | null = $state.raw(null);
  wake: WakeState = $state('absent');
  /** How far this device's clock is ahead of the server's, ms. */
  clockAhead = $state(0);
  /** The last who muted or unmuted us. */
  mutedBy: { name: string; muted: boolean; at: number } | null = $state.raw(null);

  readonly session: Session;
  readonly own: OwnMedia;
  private readonly wakeLock = new WakeLock(() => {
    this.wake = this.wakeLock.state;
    this.tell();
  });
  private channel: LiveChannel | null = null;
  private channelKey = '';
  private readonly stops: (() => void)[] = [];
  private closed = false;
  private closedByEnd = false;

  constructor(
    readonly access: Access,
    as: 'camera' | 'watch',
    public name: string,
    private readonly wantedRoom: string,
  ) {
    this.as = as;
    this.room = this.wantedRoom || access.room || access.default_room;
    this.session = new Session(
      {
        sdk: loadSdk,
        token: (takeOver) => this.askToken(takeOver),
        servers: { signaling: socketUrl('/signaling'), insights: socketUrl('/v1/VideoEvents') },
        waker: pageWaker,
        now: Date.now,
      },
      {
        status: (status) => this.took(status),
        changed: () => {
          this.peers = this.session.peers();
          this.quality = this.session.quality;
          this.recorded = this.session.recorded;
        },
        named: (identity, room) => this.named(identity, room),
        muted: (muted, by) => this.mutedFrom(muted, by),
      },
    );
    this.own = new OwnMedia(
      navigator.mediaDevices,
      { deviceId: store.get('cameraDevice'), facing: store.get('facing'), quality: store.get('quality') },
      this.session,
      () => this.ownChanged(),
    );
    this.session.setVideoOff(this.videoOff);
    this.session.setMuted(this.muted);
    this.listen();
    // Fetched now, so that it is there should the server be away when it is needed.
    loadSdk().catch(() => {});
  }

  /** Joins; opens the own camera again where the end of an earlier stay closed it. */
  async join(takeOver = false): Promise<void> {
    if (this.closedByEnd) {
      this.closedByEnd = false;
      await this.own.open();
    }
    await this.session.join(takeOver);
  }

  /** A watcher shows itself too, or only watches again: another kind of token, so another join. */
  async become(as: 'camera' | 'watch'): Promise<void> {
    if (as === 'watch') {
      this.channel?.sayStop();
      this.own.close();
      await Promise.all([this.session.setVideo(null), this.session.setAudio(null)]);
      this.ownChanged();
    }
    this.as = as;
    await this.join();
  }

  /** Leaves so that viewers read Stopped. */
  stop(): void {
    if (this.as === 'camera') this.channel?.sayStop();
    this.session.leave();
    this.closeChannel();
    this.own.close();
    this.ownChanged();
    this.wakeLock.release();
  }

  close(): void {
    this.closed = true;
    this.session.leave();
    this.closeChannel();
    this.own.close();
    this.wakeLock.release();
    for (const stop of this.stops) stop();
  }

  keepAwake(): void {
    void this.wakeLock.want();
  }

  letSleep(): void {
    this.wakeLock.release();
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    store.set('muted', muted);
    this.session.setMuted(muted);
    this.tell();
  }

  setVideoOff(off: boolean): void {
    this.videoOff = off;
    store.set('videoOff', off);
    this.session.setVideoOff(off);
    this.tell();
  }

  /** 90 degrees to the left; everyone sees it. */
  turn(): void {
    this.rotation = ((this.rotation + 270) % 360) as Rotation;
    store.set('rotation', this.rotation);
    this.tell();
  }

  async flip(deviceId?: string): Promise<CaptureFailure | null> {
    const failure = await this.own.flip(deviceId);
    store.set('cameraDevice', this.own.deviceId);
    return failure;
  }

  /** Who watches this camera, from the live channel. */
  watchers(): string[] {
    return this.live.find((camera) => camera.name === this.identity && camera.room === this.room)?.watchers ?? [];
  }

  private async askToken(takeOver: boolean): Promise<Answer<Token>> {
    const asked = Date.now();
    const answer = await api.token({
      as: this.as,
      name: this.name,
      room: this.room,
      device: store.get('device'),
      take_over: takeOver,
    });
    if (answer.ok) this.clockAhead = (asked + Date.now()) / 2 - answer.value.time;
    return answer;
  }

  private took(status: Status): void {
    this.status = status;
    if (status.kind !== 'ended') return;
    this.closeChannel();
    this.wakeLock.release();
    if (status.why.kind === 'removed') void this.askWhyRemoved();
    // A camera that was put out shows and sends nothing any more. Before it was in, the preview stays.
    if (!OUT.has(status.why.kind) || !this.own.video) return;
    this.closedByEnd = true;
    this.own.close();
    void this.session.setVideo(null);
    void this.session.setAudio(null);
    this.ownChanged();
  }

  /** The room says only that we are out; whether the link itself is withdrawn, the session knows. */
  private async askWhyRemoved(): Promise<void> {
    const answer = await api.session();
    const stillOut = this.status.kind === 'ended' && this.status.why.kind === 'removed';
    if (stillOut && !answer.ok && needsKey(answer.failure)) this.session.end({ kind: 'link', ended: null });
  }

  private named(identity: string, room: string): void {
    this.identity = identity;
    this.room = room;
    const key = JSON.stringify([this.as, identity, room]);
    if (key === this.channelKey && this.channel) return;
    this.closeChannel();
    this.channelKey = key;
    this.channel = new LiveChannel(
      { as: this.as, room, name: identity, device: store.get('device') },
      {
        cameras: (cameras) => (this.live = cameras),
        connected: (up) => (this.liveUp = up),
        ended: (reason) => this.ended(reason),
      },
    );
    this.tell();
    this.channel.start();
  }

  private ended(reason: 'withdrawn' | 'expired' | 'shutdown' | 'displaced'): void {
    if (reason === 'shutdown') return;
    this.session.end(reason === 'displaced' ? { kind: 'displaced' } : { kind: 'link', ended: null });
  }

  private closeChannel(): void {
    this.channel?.close();
    this.channel = null;
    this.channelKey = '';
    this.liveUp = false;
  }

  private mutedFrom(muted: boolean, by: string): void {
    this.muted = muted;
    store.set('muted', muted);
    this.mutedBy = { name: by, muted, at: Date.now() };
    this.tell();
  }

  private ownChanged(): void {
    const { own } = this;
    [this.video, this.audio, this.audioFailure, this.cameras] = [own.video, own.audio, own.audioFailure, own.cameras];
    this.tell();
  }

  private tell(): void {
    if (this.as === 'camera') this.channel?.setStatus(this.ownStatus());
  }

  private ownStatus(): CameraStatus {
    const { width = 0, height = 0 } = this.own?.video?.getSettings() ?? {};
    return {
      battery: this.battery?.level ?? null,
      charging: this.battery?.charging ?? null,
      visible: document.visibilityState === 'visible',
      wake_lock: this.wake === 'held',
      width,
      height,
      facing: this.own.facing,
      rotation: this.rotation,
      muted: this.muted || !this.audio,
      video_off: this.videoOff,
      pressure: null,
    };
  }

  private listen(): void {
    const visible = () => {
      this.tell();
      if (document.visibilityState === 'visible') void this.own.restart();
    };
    document.addEventListener('visibilitychange', visible);
    this.stops.push(() => document.removeEventListener('visibilitychange', visible));
    this.stops.push(
      watchBattery((battery) => {
        if (this.closed) return;
        this.battery = battery;
        this.tell();
      }),
    );
    const timer = setInterval(() => this.tell(), STATUS_MS);
    this.stops.push(() => clearInterval(timer));
  }
}
