/** Stands in for a Desk: cameras that are canvases, in the states that the address asks for. */
import type { Session as Access } from '../src/api';
import type { Peer } from '../src/dogcam/peers';
import type { Status } from '../src/dogcam/session';
import type { CameraStatus, LiveCamera } from '../src/live';
import type { Rotation } from '../src/store';

const NAMES = ['Kitchen', 'Garden', 'Crate', 'Living room', 'Hall', 'Sofa', 'Door', 'Attic'];
const HEIGHT = 240;

export class FakeDesk {
  quality = null;
  recorded = false;
  status: Status = $state.raw({ kind: 'live', since: Date.now() });
  peers: Peer[] = $state.raw([]);
  live: LiveCamera[] = $state.raw([]);
  as = 'watch';
  name = 'Laptop';
  identity = 'Laptop';
  room = 'Dog Cam';
  muted = false;
  videoOff = false;
  rotation = 0;
  video: MediaStreamTrack | null = $state.raw(null);
  audio: MediaStreamTrack | null = null;
  cameras: MediaDeviceInfo[] = [];
  battery = { level: 0.87, charging: false };
  wake = 'held';
  clockAhead = 0;
  mutedBy = null;
  own = { facing: 'unknown', deviceId: '', openAudio: async () => null, open: async () => 'none' };
  session = { stats: async () => [], want: () => {}, askMute: () => {}, setTalk: async () => {}, talking: () => {} };

  constructor(
    readonly access: Access,
    query: URLSearchParams,
  ) {
    const count = Number(query.get('n') ?? 1);
    const ratios = (query.get('ratio') ?? '16:9').split(',').map(toRatio);
    const states = (query.get('states') ?? 'live').split(',');
    const names = query.get('names')?.split('|') ?? NAMES;
    const rotation = Number(query.get('rotation') ?? 0) as Rotation;
    for (let index = 0; index < count; index += 1) {
      const name = names[index] ?? `Camera ${index + 1}`;
      this.add(name, ratios[index % ratios.length]!, states[index % states.length]!, rotation, query);
    }
    this.recorded = query.get('recorded') === '1';
    const trouble = query.get('status');
    if (trouble === 'reconnecting') this.status = { kind: 'reconnecting', since: Date.now() - 7_000 };
    else if (trouble) this.status = { kind: 'ended', why: { kind: trouble, ended: null, name: 'Kitchen', code: '1' } as never };
    if (query.get('role') === 'camera') this.beCamera(query);
  }

  watchers(): string[] {
    return ['Laptop', 'Phone'];
  }

  setMuted(): void {}
  setVideoOff(): void {}
  turn(): void {}
  keepAwake(): void {}
  join(): void {}
  async flip(): Promise<null> {
    return null;
  }
  async become(): Promise<void> {}

  private beCamera(query: URLSearchParams): void {
    this.identity = this.name = query.get('names') ?? 'Kitchen';
    this.video = paint('Kitchen', 16 / 9, true);
    this.audio = null;
    this.cameras = [{}, {}] as MediaDeviceInfo[];
    if (query.get('wake')) this.wake = query.get('wake')!;
  }

  /** `state`: live, frozen (a picture that stops), gone, stopped, off, sound, joining, blank (a picture that never comes), paused. */
  private add(name: string, ratio: number, state: string, rotation: Rotation, query: URLSearchParams): void {
    const levels = (query.get('quality') ?? '').split(',').filter(Boolean).map(Number);
    const sid = `PA${this.live.length}`;
    const here = state !== 'gone' && state !== 'stopped';
    const track = ['sound', 'joining', 'blank'].includes(state) ? null : paint(name, ratio, state !== 'frozen');
    const peer: Peer = {
      sid,
      name,
      joined: Date.now() - (state === 'blank' ? 60_000 : 0),
      reconnecting: false,
      video: track && { sid: `MT${sid}`, media: track },
      audio: null,
      talk: null,
      talking: false,
      hasVideo: state !== 'sound',
      hasAudio: true,
      videoOff: state === 'off',
      muted: query.get('muted') === '1',
      paused: state === 'paused',
      loudest: name === query.get('loudest'),
      quality: levels[this.live.length % levels.length] ?? null,
    };
    this.peers = [...this.peers, peer];
    this.live = [...this.live, { room: this.room, name, state: 'live', since: Date.now(), status: status(ratio, rotation), watchers: ['Laptop'] }];
    if (!here) setTimeout(() => this.lose(name, state as 'gone' | 'stopped'), 1_500);
  }

  private lose(name: string, state: 'gone' | 'stopped'): void {
    this.peers = this.peers.filter((peer) => peer.name !== name);
    this.live = this.live.map((camera) => (camera.name === name ? { ...camera, state, since: Date.now() } : camera));
  }
}

function status(ratio: number, rotation: Rotation): CameraStatus {
  return {
    battery: 0.87,
    charging: false,
    visible: true,
    wake_lock: true,
    width: Math.round(HEIGHT * ratio),
    height: HEIGHT,
    facing: 'back',
    rotation,
    muted: false,
    video_off: false,
    pressure: null,
  };
}

function toRatio(text: string): number {
  const [width, height] = text.split(':').map(Number);
  return (width ?? 4) / (height ?? 3);
}

/** A picture that moves: bars, a border that shows cropping, a turning hand. Without `moving` it stops after a second. */
function paint(name: string, ratio: number, moving: boolean): MediaStreamTrack {
  const canvas = Object.assign(document.createElement('canvas'), { width: Math.round(HEIGHT * ratio), height: HEIGHT });
  const context = canvas.getContext('2d')!;
  const hue = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0) * 37, 0) % 360;
  const begun = performance.now();
  const draw = () => {
    const { width, height } = canvas;
    context.fillStyle = `hsl(${hue} 35% 42%)`;
    context.fillRect(0, 0, width, height);
    context.strokeStyle = `hsl(${hue} 70% 75%)`;
    context.lineWidth = 6;
    context.strokeRect(3, 3, width - 6, height - 6);
    context.beginPath();
    context.moveTo(width / 2, height / 2);
    const angle = performance.now() / 700;
    context.lineTo(width / 2 + Math.cos(angle) * height * 0.35, height / 2 + Math.sin(angle) * height * 0.35);
    context.stroke();
  };
  draw();
  const timer = setInterval(() => {
    if (!moving && performance.now() - begun > 1_000) return clearInterval(timer);
    draw();
  }, 66);
  return canvas.captureStream(15).getVideoTracks()[0]!;
}
