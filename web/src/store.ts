/** Everything the pages remember on this device: one versioned localStorage key, one validator per value. */

const KEY = 'kennel.v1';

export type Theme = 'auto' | 'dark' | 'light';
export type Role = 'camera' | 'watch';
export type Rotation = 0 | 90 | 180 | 270;
export type Quality = 'low' | 'normal' | 'high';

export interface Remembered {
  /** Made once; tells the server that a rejoin comes from the same device. */
  device: string;
  theme: Theme;
  role: Role | null;
  /** The name of this device when it is a camera, and when it watches. */
  cameraName: string;
  watchName: string;
  /** deviceId of the camera last used, or ''. */
  cameraDevice: string;
  facing: 'front' | 'back';
  rotation: Rotation;
  muted: boolean;
  videoOff: boolean;
  startDimmed: boolean;
  quality: Quality;
  /** True between Start and Stop: a reload goes live again. */
  running: boolean;
  /** A viewer's own turn of each camera, by the camera's name. */
  turns: Record<string, Rotation>;
  /** Names of the cameras to be heard. */
  heard: string[];
  volume: number;
  /** Names of the cameras whose alarm is off. */
  quiet: string[];
  /** Who this device is in rooms, and how it comes in. */
  roomName: string;
  roomMuted: boolean;
  roomVideoOff: boolean;
  roomPanel: boolean;
  /** deviceId of the microphone last chosen, or ''. */
  micDevice: string;
  keysOff: boolean;
  talkChime: boolean;
}

const oneOf =
  <T>(...allowed: T[]) =>
  (value: unknown): value is T =>
    allowed.includes(value as T);
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 256;
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.length <= 200 && value.every(isText);
const isRotation = oneOf<Rotation>(0, 90, 180, 270);
const isTurns = (value: unknown): value is Record<string, Rotation> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isRotation);
const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

const FIELDS: { [K in keyof Remembered]: [() => Remembered[K], (value: unknown) => value is Remembered[K]] } = {
  device: [randomId, (value): value is string => isText(value) && value.length >= 8],
  theme: [() => 'auto', oneOf<Theme>('auto', 'dark', 'light')],
  role: [() => null, oneOf<Role | null>('camera', 'watch', null)],
  cameraName: [() => '', isText],
  watchName: [() => '', isText],
  cameraDevice: [() => '', isText],
  facing: [() => 'back', oneOf<'front' | 'back'>('front', 'back')],
  rotation: [() => 0, isRotation],
  muted: [() => false, isFlag],
  videoOff: [() => false, isFlag],
  startDimmed: [() => true, isFlag],
  quality: [() => 'normal', oneOf<Quality>('low', 'normal', 'high')],
  running: [() => false, isFlag],
  turns: [() => ({}), isTurns],
  heard: [() => [], isTexts],
  volume: [() => 1, isShare],
  quiet: [() => [], isTexts],
  roomName: [() => '', isText],
  roomMuted: [() => false, isFlag],
  roomVideoOff: [() => false, isFlag],
  roomPanel: [() => true, isFlag],
  micDevice: [() => '', isText],
  keysOff: [() => false, isFlag],
  talkChime: [() => true, isFlag],
};

/** Where the text is kept; `localStorage` in a page, a map in tests. */
export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export class Store {
  private values: Remembered;

  constructor(private readonly shelf: Shelf | null) {
    this.values = parse(read(shelf));
    this.write();
  }

  get<K extends keyof Remembered>(key: K): Remembered[K] {
    return this.values[key];
  }

  set<K extends keyof Remembered>(key: K, value: Remembered[K]): void {
    this.values = { ...parse(read(this.shelf)), device: this.values.device, [key]: value };
    this.write();
  }

  private write(): void {
    try {
      this.shelf?.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // Storage full or denied: works, forgets.
    }
  }
}

/** Keeps every value that is still valid; a broken one falls back alone. */
export function parse(text: string | null): Remembered {
  const raw = parseObject(text);
  const out: Record<string, unknown> = {};
  for (const [key, [fallback, valid]] of Object.entries(FIELDS)) {
    out[key] = valid(raw[key]) ? raw[key] : fallback();
  }
  return out as unknown as Remembered;
}

/** A random UUID; `crypto.randomUUID` is missing on plain http and in Safari 15.0 to 15.3. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function parseObject(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function read(shelf: Shelf | null): string | null {
  try {
    return shelf?.getItem(KEY) ?? null;
  } catch {
    return null;
  }
}

function pageShelf(): Shelf | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

export const store = new Store(pageShelf());
