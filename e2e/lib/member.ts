import { expect } from '@playwright/test';
import type { AnyPage } from './person.ts';
import type { Kennel } from './kennel.ts';
import type { PageServer } from './pages.ts';
import { credentials } from './tokens.ts';

export type SignalWireSdk = '3.30.0' | '3.25.1' | '3.16.0' | '3.11.1';

/** Everything that a moderator may do. */
export const moderator = [
  ...['audio_mute', 'audio_unmute', 'video_mute', 'video_unmute', 'deaf', 'undeaf', 'set_input_volume', 'set_output_volume', 'set_position', 'set_meta', 'raisehand', 'lowerhand'].flatMap(
    (name) => [`room.self.${name}`, `room.member.${name}`],
  ),
  ...['room.self.screenshare', 'room.self.additional_source', 'room.member.remove', 'room.member.promote', 'room.member.demote'],
  ...['hide_video_muted', 'show_video_muted', 'list_available_layouts', 'lock', 'unlock', 'prioritize_handraise', 'set_layout', 'set_position', 'set_meta'].map((name) => `room.${name}`),
];

/** What a guest of the original demonstration may do. */
export const guest = ['audio_mute', 'audio_unmute', 'video_mute', 'video_unmute'].map((name) => `room.self.${name}`);

/** Colours are numbers from 0 to 7, one bit for each of red, green and blue. */
export interface Look {
  /** A second person's own. */
  colour: number;
  /** Hz. */
  tone: number;
}

export interface MemberEvent {
  name: string;
  at: number;
  detail: any;
}

export interface Joining extends Partial<Look> {
  how?: 'session' | 'object';
  audio?: boolean;
  video?: boolean;
  width?: number;
  height?: number;
  /** The browser's own fake camera and microphone instead of a colour and a tone. */
  devices?: boolean;
  /** Time that is painted and heard instead of a colour and a tone. */
  clock?: boolean;
  options?: object;
}

export interface Entered {
  me: string;
  room: string;
  session: string;
  permissions: string[];
  error?: { code?: string; message?: string };
}

export interface Layer {
  member_id?: string;
  x: number;
  y: number;
  width: number;
  height: number;
  visible: boolean;
  position: string;
  playing_file?: boolean;
}

/** Calls SignalWire's REST API of this server as its owner does. */
export async function rest(kennel: Kennel, method: string, path: string, body?: object): Promise<{ status: number; body: any }> {
  const basic = Buffer.from(`${credentials.SIGNALWIRE_PROJECT_KEY}:${credentials.SIGNALWIRE_TOKEN}`).toString('base64');
  const answer = await fetch(`${kennel.url}/api/video/${path}`, {
    method,
    headers: { authorization: `Basic ${basic}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : null };
}

export async function roomToken(kennel: Kennel, room: string, user: string, permissions: string[], more: object = {}): Promise<string> {
  const answer = await rest(kennel, 'POST', 'room_tokens', { room_name: room, user_name: user, permissions, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.token;
}

/** One member: a page with the vendor's SDK. */
export class Member {
  private entered: Entered | undefined;

  constructor(
    readonly page: AnyPage,
    private readonly pages: PageServer,
    readonly label: string,
  ) {}

  async load(sdk: SignalWireSdk): Promise<void> {
    await this.page.goto(`${this.pages.url}/member.html?${new URLSearchParams({ sdk: `/npm/signalwire/${sdk}/index.umd.js` })}`);
  }

  call<R>(name: string, ...args: unknown[]): Promise<R> {
    return this.page.evaluate(
      ([name, args]) => (window as unknown as { kit: Record<string, (...args: unknown[]) => R> }).kit[name]!(...args),
      [name, args] as const,
    );
  }

  tryJoin(token: string, host: string | undefined, joining: Joining = {}): Promise<Entered> {
    return this.call('join', { token, host, ...joining });
  }

  async join(token: string, host: string | undefined, joining: Joining = {}): Promise<Entered> {
    const entered = await this.tryJoin(token, host, joining);
    expect(entered.error, `${this.label} joins`).toBeUndefined();
    this.entered = entered;
    return entered;
  }

  get me(): string {
    return this.entered!.me;
  }

  ask(name: string, ...args: unknown[]): Promise<{ result?: any; error?: { code?: string; message?: string } }> {
    return this.call('ask', name, ...args);
  }

  /** Asks, and expects it to be done. */
  async does(name: string, ...args: unknown[]): Promise<any> {
    const answer = await this.ask(name, ...args);
    expect(answer.error, `${this.label}: ${name}`).toBeUndefined();
    return answer.result;
  }

  async events(name: string): Promise<MemberEvent[]> {
    const all = await this.page.evaluate(() => (window as unknown as { kit: { events: MemberEvent[] } }).kit.events, undefined);
    return all.filter((event) => event.name === name);
  }

  async hasHeard(name: string, check: (detail: any) => boolean = () => true, message = name): Promise<void> {
    await expect.poll(async () => (await this.events(name)).some((event) => check(event.detail)), { message: `${this.label}: ${message}` }).toBe(true);
  }

  /** The layout as it was told last. */
  async layers(): Promise<Layer[]> {
    const last = (await this.events('layout.changed')).at(-1);
    return (last?.detail.layout.layers ?? []).filter((layer: Layer) => layer.member_id);
  }

  /** Its camera has another colour from now on. */
  turns(colour: number): Promise<void> {
    return this.call('turn', colour);
  }

  /** The file that is played is where the layout says, in this colour; none: it has no place. */
  async seesFile(colour: number | undefined, timeout = 20_000): Promise<void> {
    const check = async (): Promise<string> => {
      const last = (await this.events('layout.changed')).at(-1);
      const layer: Layer | undefined = (last?.detail.layout.layers ?? []).find((layer: Layer) => layer.playing_file);
      if (!layer || colour === undefined) return layer || colour !== undefined ? `its place is ${JSON.stringify(layer)}` : 'as it should be';
      const seen = await this.call<{ colours: [number, number, number][] } | null>('look', [[layer.x + layer.width / 2, layer.y + layer.height / 2]]);
      const found = seen && bitsOf(seen.colours[0]!);
      return found === colour ? 'as it should be' : `it is ${seen?.colours[0]}`;
    };
    await expect.poll(check, { message: `${this.label} sees the file`, timeout }).toBe('as it should be');
  }

  /** Each of these members is where the layout says, in its colour or as a card; nobody else is in the layout, and pictures go on coming. */
  async seesColours(expected: Map<string, number | 'card'>, timeout = 20_000): Promise<void> {
    let before = Infinity;
    const check = async (): Promise<string> => {
      const layers = (await this.layers()).filter((layer) => layer.visible);
      const there = layers.map((layer) => layer.member_id!).sort();
      if (there.join() !== [...expected.keys()].sort().join()) return `the layout has ${there.length} members`;
      const spots = layers.map((layer) => spotOf(layer, expected.get(layer.member_id!)!));
      const seen = await this.call<{ frames: number; colours: [number, number, number][] } | null>('look', spots);
      if (!seen) return 'no picture';
      before = Math.min(before, seen.frames);
      if (seen.frames < before + 3) return `only ${seen.frames - before} pictures came`;
      const wrong = layers.findIndex((layer, at) => !isLike(seen.colours[at]!, expected.get(layer.member_id!)!));
      return wrong < 0 ? 'as it should be' : `${layers[wrong]!.member_id} is ${seen.colours[wrong]}, not ${expected.get(layers[wrong]!.member_id!)}`;
    };
    await expect.poll(check, { message: `${this.label} sees everybody in place`, timeout }).toBe('as it should be');
  }

  /** These tones are heard, and those are not. */
  async hearsTones(present: number[], absent: number[], timeout = 20_000): Promise<void> {
    const check = async (): Promise<string> => {
      const levels = await this.call<number[] | null>('tones', [...present, ...absent]);
      if (!levels) return 'no sound';
      const low = present.filter((_, at) => levels[at]! < -50);
      const high = absent.filter((_, at) => levels[present.length + at]! > -60);
      return low.length + high.length === 0 ? 'as it should be' : `missing ${low}, too much ${high}: ${levels.map(Math.round)}`;
    };
    await expect.poll(check, { message: `${this.label} hears the others`, timeout, intervals: [500] }).toBe('as it should be');
  }
}

/** Where a cell has its colour: that of a card beside the name and the mark in its middle. */
function spotOf(layer: Layer, look: number | 'card'): [number, number] {
  const [across, down] = look === 'card' ? [0.08, 0.08] : [1 / 2, 1 / 3];
  return [layer.x + layer.width * across, layer.y + layer.height * down];
}

/** A card is darker than what is behind the cells, and not black. */
const card = [31, 35, 40];

function isLike(colour: [number, number, number], look: number | 'card'): boolean {
  return look === 'card' ? colour.every((channel, at) => Math.abs(channel - card[at]!) < 9) : bitsOf(colour) === look;
}

function bitsOf(colour: [number, number, number]): number {
  const [red, green, blue] = colour.map((channel) => channel > 125);
  return (red ? 1 : 0) | (green ? 2 : 0) | (blue ? 4 : 0);
}
