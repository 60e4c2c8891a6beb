/** The live channel `/kennel/v1/live` (docs/ref/api.md): who is a camera, who watches, battery, rotation. */
import { pageWaker, Retry, type Waker } from './backoff';
import type { Rotation } from './store';

export interface Hello {
  as: 'camera' | 'watch' | 'home';
  room: string;
  name: string;
  device: string;
}

export interface CameraStatus {
  battery: number | null;
  charging: boolean | null;
  visible: boolean;
  wake_lock: boolean;
  width: number;
  height: number;
  facing: 'front' | 'back' | 'unknown';
  rotation: Rotation;
  muted: boolean;
  video_off: boolean;
  pressure: string | null;
}

export interface LiveCamera {
  room: string;
  name: string;
  state: 'live' | 'stopped' | 'gone';
  /** ms since 1970 UTC. */
  since: number;
  status: CameraStatus | null;
  watchers: string[];
}

export type EndReason = 'withdrawn' | 'expired' | 'shutdown' | 'displaced';

export interface LiveListener {
  cameras(cameras: LiveCamera[]): void;
  /** The channel is up (after `welcome`) or down; it comes back by itself. */
  connected(up: boolean): void;
  /** The server ended it. After `shutdown` the channel tries again by itself, after the others never. */
  ended(reason: EndReason): void;
}

export type OpenSocket = (url: string) => WebSocket;

/** A socket that says nothing within this time after opening is given up, ms. */
const WELCOME_MS = 10_000;
/** Own ping, and the silence after which the socket counts as dead, ms. */
const PING_MS = 5_000;
const SILENCE_MS = 15_000;

export class LiveChannel {
  private socket: WebSocket | null = null;
  private status: CameraStatus | null = null;
  private readonly retry: Retry;
  private beat: ReturnType<typeof setInterval> | null = null;
  private heard = 0;
  private opened = 0;
  private welcomed = false;
  private closed = false;
  private pings = 0;

  constructor(
    private readonly hello: Hello,
    private readonly listener: LiveListener,
    private readonly url: string = liveUrl(),
    private readonly open: OpenSocket = (address) => new WebSocket(address),
    waker: Waker = pageWaker,
    private readonly now: () => number = Date.now,
  ) {
    this.retry = new Retry(waker, now);
  }

  start(): void {
    if (this.closed || this.socket) return;
    let socket: WebSocket;
    try {
      socket = this.open(this.url);
    } catch {
      this.retry.plan(() => this.start());
      return;
    }
    this.socket = socket;
    this.heard = this.opened = this.now();
    this.welcomed = false;
    socket.onopen = () => this.send({ type: 'hello', ...this.hello });
    socket.onmessage = (event) => this.handle(socket, event.data);
    socket.onclose = socket.onerror = () => this.drop(socket);
    this.beat = setInterval(() => this.tick(), PING_MS);
  }

  /** Cameras: sent at once when the channel is up and again after each reconnect. */
  setStatus(status: CameraStatus): void {
    this.status = status;
    if (this.welcomed) this.send({ type: 'status', ...status });
  }

  /** The person pressed Stop: viewers read Stopped, not Gone. */
  sayStop(): void {
    this.send({ type: 'stop' });
  }

  /** When the next try to come back is due, ms since 1970; null: connected, trying, or closed. */
  get due(): number | null {
    return this.retry.due;
  }

  /** Comes back now instead of when it is due. */
  tryNow(): void {
    this.retry.cancel();
    this.start();
  }

  close(): void {
    this.closed = true;
    this.retry.cancel();
    this.forget();
  }

  private tick(): void {
    const socket = this.socket;
    if (!socket) return;
    const silent = this.now() - this.heard > SILENCE_MS;
    const mute = !this.welcomed && this.now() - this.opened > WELCOME_MS;
    if (silent || mute) return this.drop(socket);
    if (this.welcomed) this.send({ type: 'ping', n: (this.pings += 1) });
  }

  private handle(socket: WebSocket, data: unknown): void {
    if (socket !== this.socket) return;
    this.heard = this.now();
    const message = parseMessage(data);
    if (message?.type === 'welcome') this.welcome();
    else if (message?.type === 'cameras') this.listener.cameras(message.cameras);
    else if (message?.type === 'ended') this.end(message.reason);
  }

  private welcome(): void {
    this.welcomed = true;
    this.retry.reset();
    if (this.status) this.send({ type: 'status', ...this.status });
    this.listener.connected(true);
  }

  private end(reason: EndReason): void {
    if (reason !== 'shutdown') this.close();
    this.listener.ended(reason);
  }

  private drop(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.forget();
    this.listener.connected(false);
    if (!this.closed) this.retry.plan(() => this.start());
  }

  private forget(): void {
    const socket = this.socket;
    this.socket = null;
    this.welcomed = false;
    if (this.beat !== null) clearInterval(this.beat);
    this.beat = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  private send(message: Record<string, unknown>): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }
}

type Message =
  | { type: 'welcome' }
  | { type: 'cameras'; cameras: LiveCamera[] }
  | { type: 'ended'; reason: EndReason }
  | { type: 'pong' };

/** Null for what is not a message of the contract. */
export function parseMessage(data: unknown): Message | null {
  try {
    const value = JSON.parse(String(data)) as Message;
    if (value.type === 'cameras' && !Array.isArray(value.cameras)) return null;
    return value;
  } catch {
    return null;
  }
}

/** ws: or wss: on the page's own host. */
export function socketUrl(path: string, at: { protocol: string; host: string } = location): string {
  return `${at.protocol === 'https:' ? 'wss' : 'ws'}://${at.host}${path}`;
}

function liveUrl(): string {
  return socketUrl('/kennel/v1/live');
}
