/** Kennel's own API (docs/ref/api.md) as the pages use it. No call throws: each answers a tagged union. */

export type Right = 'camera' | 'watch' | 'guest' | 'moderator' | 'record' | 'owner';

/** Times are milliseconds since 1970 UTC. */
export interface Server {
  name: string;
  version: string;
  time: number;
  open: boolean;
  secure: boolean;
  secure_url: string | null;
  certificate: { url: string; sha256: string } | null;
}

export interface Session {
  rights: Right[];
  label: string;
  ends: number | null;
  room: string | null;
  default_room: string;
  open: boolean;
  phone_url: string | null;
  addresses: string[];
}

export interface TokenAsk {
  as: 'camera' | 'watch';
  name: string;
  room: string;
  device: string;
  take_over: boolean;
}

export interface Token {
  token: string;
  identity: string;
  room: string;
  expires: number;
  time: number;
}

export interface Key {
  id: string;
  label: string;
  rights: Right[];
  room: string | null;
  created: number;
  ends: number | null;
  last_used: number | null;
  sessions: number;
}

export interface KeyAsk {
  label: string;
  rights: Right[];
  room: string | null;
  /** Seconds from now; null: never. */
  ends_in_s: number | null;
}

export interface NewKey {
  id: string;
  key: string;
  path: string;
}

/** How pictures travel, and how many devices a room takes. */
export type RoomType = 'auto' | 'go' | 'peer-to-peer' | 'group' | 'group-small';

export interface Room {
  name: string;
  sid: string;
  type: RoomType;
  participants: number;
  limit: number;
  recording: boolean;
  created: number;
}

/** Why a call brought nothing. `refused` carries the server's stable code. */
export type Failure =
  | { kind: 'refused'; status: number; code: string; message: string; ended: number | null }
  | { kind: 'unreachable' }
  | { kind: 'garbled'; status: number };

export type Answer<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** A call that takes longer counts as unreachable, in ms. */
const PATIENCE_MS = 10_000;

export class Api {
  constructor(
    private readonly fetch: typeof globalThis.fetch = (...args) => globalThis.fetch(...args),
    private readonly base = '/kennel/v1',
  ) {}

  server = (): Promise<Answer<Server>> => this.ask('GET', '/server');
  session = (): Promise<Answer<Session>> => this.ask('GET', '/session');
  signIn = (key: string): Promise<Answer<Session>> => this.ask('POST', '/session', { key });
  signOut = (): Promise<Answer<null>> => this.ask('DELETE', '/session');
  token = (ask: TokenAsk): Promise<Answer<Token>> => this.ask('POST', '/token', ask);
  keys = (): Promise<Answer<{ keys: Key[] }>> => this.ask('GET', '/keys');
  makeKey = (ask: KeyAsk): Promise<Answer<NewKey>> => this.ask('POST', '/keys', ask);
  withdrawKey = (id: string): Promise<Answer<null>> => this.ask('DELETE', `/keys/${encodeURIComponent(id)}`);
  rooms = (): Promise<Answer<{ rooms: Room[] }>> => this.ask('GET', '/rooms');
  setRoom = (name: string, type: RoomType): Promise<Answer<Room | null>> =>
    this.ask('PUT', `/rooms/${encodeURIComponent(name)}`, { type });

  /** The code for `text` (at most 512 bytes) as an SVG picture, for use through an object URL in an `img`. */
  qr = (text: string): Promise<Answer<Blob>> =>
    this.send('POST', '/qr', { text }, async (response) => ({ ok: true, value: await response.blob() }));

  /** Any call; those that only one page makes are in its own code. */
  ask<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    return this.send(method, path, body, readJson<T>);
  }

  private async send<T>(
    method: string,
    path: string,
    body: unknown,
    read: (response: Response) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
    try {
      const response = await this.fetch(this.base + path, {
        method,
        signal: abort.signal,
        credentials: 'same-origin',
        cache: 'no-store',
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      return response.ok ? await read(response) : await readRefusal(response);
    } catch {
      return { ok: false, failure: { kind: 'unreachable' } };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** True for the failures that a new link, not patience, can cure. */
export function needsKey(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.status === 401;
}

async function readJson<T>(response: Response): Promise<Answer<T>> {
  if (response.status === 204) return { ok: true, value: null as T };
  const value: unknown = await parseBody(response);
  if (typeof value === 'object' && value !== null) return { ok: true, value: value as T };
  return { ok: false, failure: { kind: 'garbled', status: response.status } };
}

async function readRefusal(response: Response): Promise<{ ok: false; failure: Failure }> {
  const body = (await parseBody(response)) as { error?: { code?: unknown; message?: unknown; ended?: unknown } } | null;
  const error = body?.error;
  if (typeof error?.code !== 'string') {
    // A proxy's 502 to 504 means that Kennel itself does not answer.
    const away = response.status >= 502 && response.status <= 504;
    return { ok: false, failure: away ? { kind: 'unreachable' } : { kind: 'garbled', status: response.status } };
  }
  return {
    ok: false,
    failure: {
      kind: 'refused',
      status: response.status,
      code: error.code,
      message: typeof error.message === 'string' ? error.message : '',
      ended: typeof error.ended === 'number' ? error.ended : null,
    },
  };
}

async function parseBody(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

export const api = new Api();
