import { expect } from '@playwright/test';
import type { PageServer } from './pages.ts';

/** What both drivers' pages can do; Playwright's for Chromium, Puppeteer's for Firefox. */
export interface AnyPage {
  goto(url: string): Promise<unknown>;
  evaluate<A, R>(run: (argument: A) => R | Promise<R>, argument: A): Promise<R>;
  screenshot(options: { path: `${string}.png` }): Promise<unknown>;
  close(): Promise<void>;
}

export type Sdk = '2.18.1' | '2.36.0';
export type Kind = 'audio' | 'video' | 'data';
/** A track to make: of a kind, or one of the page's own making under a name. */
export type Make = Kind | [name: string, maker: Kind | 'drawn' | 'tone' | 'clock' | 'beeps', argument?: object];

export interface Joined {
  room?: { sid: string; name: string; identity: string; me: string };
  error?: { code?: number; kind?: string; message?: string };
}

export interface Happened {
  name: string;
  at: number;
  who?: string;
  kind?: string;
  sid?: string;
  track?: string;
  error?: { code?: number };
  level?: number;
}

export interface Picture {
  frames: number;
  /** When the first frame was shown, ms since 1970. */
  first: number | null;
  looks: number;
  width: number;
  height: number;
  /** Red, green, blue in the middle, 0 to 255. */
  colour: [number, number, number];
  longestGap: number;
}

/** Chromium's fake microphone beeps twice a second: any window this long holds a beep, or the sender is silent. */
const HEARING_MS = 1500;
const AUDIBLE = 0.01;
const SILENT = 0.001;

/** One participant: a page with the vendor's SDK. Judged by what arrives, so every `sees` and `hears` is about a remote person. */
export class Person {
  constructor(
    readonly page: AnyPage,
    private readonly pages: PageServer,
    readonly label: string,
    /** Where the page has sent requests and opened sockets (Chromium only). */
    readonly addresses: readonly string[] = [],
  ) {}

  /** Loads the page with one version of the SDK, or with any file at an address of its own. */
  async load(sdk: Sdk | { sdk: string; before?: string }): Promise<void> {
    const asked = typeof sdk === 'string' ? { sdk: `/npm/${sdk}/twilio-video.min.js` } : sdk;
    await this.page.goto(`${this.pages.url}/client.html?${new URLSearchParams({ ...asked })}`);
  }

  /** Calls one function of the page's `kit`. */
  call<R>(name: string, ...args: unknown[]): Promise<R> {
    return this.page.evaluate(
      ([name, args]) => (window as unknown as { kit: Record<string, (...args: unknown[]) => R> }).kit[name]!(...args),
      [name, args] as const,
    );
  }

  /** Without `wsServer` the page must find the server by itself, as apps do that load the SDK from it. */
  tryJoin(token: string, wsServer: string | undefined, kinds: Make[] = ['audio', 'video', 'data'], options: object = {}): Promise<Joined> {
    return this.call('join', token, kinds, wsServer ? { wsServer, insights: false, ...options } : options);
  }

  async join(token: string, wsServer: string | undefined, kinds?: Make[], options?: object): Promise<NonNullable<Joined['room']>> {
    const joined = await this.tryJoin(token, wsServer, kinds, options);
    expect(joined.error, `${this.label} joins`).toBeUndefined();
    return joined.room!;
  }

  leave(): Promise<void> {
    return this.call('leave');
  }

  events(): Promise<Happened[]> {
    return this.page.evaluate(() => (window as unknown as { kit: { events: Happened[] } }).kit.events, undefined);
  }

  /** Waits for an event with these fields that came after `after` (ms since 1970). */
  async event(name: string, like: Partial<Happened> = {}, options: { after?: number; timeout?: number } = {}): Promise<Happened> {
    let found: Happened | undefined;
    await expect
      .poll(
        async () => {
          found = (await this.events()).find(
            (one) =>
              one.name === name && one.at >= (options.after ?? 0) && Object.entries(like).every(([key, value]) => one[key as keyof Happened] === value),
          );
          return found !== undefined;
        },
        { message: `${this.label} notices ${name} ${JSON.stringify(like)}`, timeout: options.timeout ?? 15_000, intervals: [50] },
      )
      .toBe(true);
    return found!;
  }

  picture(who: string): Promise<Picture | null> {
    return this.call('picture', who);
  }

  /** Frames of this person go on arriving and go on changing. */
  async sees(who: string, timeout = 20_000): Promise<void> {
    await this.eventually(() => this.picture(who).then((one) => one !== null), `${this.label} gets video of ${who}`, timeout);
    const before = (await this.picture(who))!;
    await this.eventually(
      async () => {
        const now = await this.picture(who);
        return now !== null && now.frames >= before.frames + 10 && now.looks >= before.looks + 3;
      },
      `${this.label} sees ${who} move`,
      timeout,
    );
  }

  /** One certain track's frames go on arriving, in this colour: its picture, and not that of another camera in its place. */
  async seesColour(sid: string, colour: number, timeout = 20_000): Promise<Picture> {
    let now: Picture | null = null;
    const from = (await this.call<Picture | null>('pictureOf', sid))?.frames ?? 0;
    await this.eventually(
      async () => {
        now = await this.call<Picture | null>('pictureOf', sid);
        return now !== null && now.frames >= from + 5 && bits(now.colour) === colour;
      },
      `${this.label} sees colour ${colour} on ${sid}`,
      timeout,
    );
    return now!;
  }

  /** How long after it began to join a page had the first picture of each of these people, in ms. */
  async firstPictures(): Promise<Record<string, number>> {
    const began = (await this.events()).findLast((one) => one.name === 'connect')!.at;
    const pictures = await this.call<(Picture & { who: string })[]>('pictures');
    return Object.fromEntries(pictures.map(({ who, first }) => [who, first! - began]));
  }

  /** No new frame of this person for a second and a half. */
  async seesNothingNewOf(who: string, timeout = 10_000): Promise<void> {
    await this.eventually(
      async () => {
        const before = await this.picture(who);
        if (before === null) return true;
        await new Promise((done) => setTimeout(done, 1500));
        const now = await this.picture(who);
        return now === null || now.looks === before.looks;
      },
      `${this.label} sees no change in ${who}`,
      timeout,
    );
  }

  async hears(who: string, timeout = 20_000): Promise<void> {
    await this.eventually(async () => ((await this.loudness(who)) ?? 0) > AUDIBLE, `${this.label} hears ${who}`, timeout);
  }

  /** The track is still there and carries silence: a track that went away does not count. */
  async hearsSilenceOf(who: string, timeout = 15_000): Promise<void> {
    await this.eventually(
      async () => {
        const level = await this.loudness(who);
        return level !== null && level < SILENT;
      },
      `${this.label} hears silence of ${who}`,
      timeout,
    );
  }

  loudness(who: string): Promise<number | null> {
    return this.call('loudness', who, HEARING_MS);
  }

  track(who: string, kind: Kind): Promise<{ sid: string; enabled: boolean; subscribed: boolean } | null> {
    return this.call('track', who, kind);
  }

  async seesPeople(...who: string[]): Promise<void> {
    await expect.poll(() => this.call('people'), { message: `${this.label} sees these people`, intervals: [100] }).toEqual([...who].sort());
  }

  async eventually(holds: () => Promise<boolean>, message: string, timeout: number): Promise<void> {
    await expect.poll(holds, { message, timeout, intervals: [100] }).toBe(true);
  }
}

function bits(colour: readonly number[]): number {
  return colour.reduce((sum, value, at) => sum + (value > 125 ? 1 << at : 0), 0);
}

/** Everybody sees and hears everybody else. */
export async function meet(people: Person[], names: string[]): Promise<void> {
  for (const [i, person] of people.entries()) {
    for (const [j, name] of names.entries()) {
      if (i === j) continue;
      await person.sees(name);
      await person.hears(name);
    }
  }
}
