import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from '@playwright/test';
import { hideDepthCamera } from './browsers.ts';
import type { Kennel } from './kennel.ts';
import { test as base, expect } from './test.ts';

export { expect } from './test.ts';

/** Granting any permission refuses all others, so the harmless ones are always in the list. */
const harmless = ['screen-wake-lock', 'clipboard-write', 'clipboard-read'];

export const phone = { width: 390, height: 844 };
export const phoneOnItsSide = { width: 844, height: 390 };
export const laptop = { width: 1280, height: 800 };
export const sizes = { phone, phoneOnItsSide, laptop };

export interface VisitorOptions {
  /** Whose pages; the owner's key is used unless `key` is given, `null` for none. */
  kennel: Kennel;
  key?: string | null;
  viewport?: { width: number; height: number };
  /** What the browser lets pages do; camera and microphone unless said otherwise. */
  permissions?: ('camera' | 'microphone')[];
  /** Runs before the page's own scripts. */
  before?: () => void;
  /** Reach the server at another origin, such as a wire. */
  origin?: string;
  context?: BrowserContext;
  reducedMotion?: 'reduce';
  colorScheme?: 'light' | 'dark';
}

export interface Visitors {
  open(label: string, options: VisitorOptions): Promise<Visitor>;
}

/** What the init script keeps of a page: how often it asked for devices, and its peer connections. */
interface Watched {
  asked: number;
  openCameras: number;
  mostCameras: number;
  /** When the first moving picture was there, in ms since the page was asked for; null before. */
  firstPicture: number | null;
  violations: string[];
  peers: RTCPeerConnection[];
}

/** Somebody with a browser on one of Kennel's pages. */
export class Visitor {
  private key: string | null = null;

  constructor(
    readonly label: string,
    readonly page: Page,
    readonly context: BrowserContext,
    readonly origin: string,
    readonly addresses: string[],
    /** Uncaught errors, policy violations, dialogs. A test that ends with any has failed. */
    readonly problems: string[],
  ) {}

  useKey(key: string | null): void {
    this.key = key;
  }

  /** Opens a page, the first time with the key as a link carries it. */
  async goto(path: string): Promise<void> {
    const fragment = this.key ? `#k=${this.key}` : '';
    this.key = null;
    await this.page.goto(this.origin + path + fragment);
  }

  at(testId: string): Locator {
    return this.page.getByTestId(testId).filter({ visible: true });
  }

  tile(name: string): Locator {
    return this.page.locator(`[data-testid=tile][data-name=${JSON.stringify(name)}]`);
  }

  videoOf(name: string): Locator {
    return this.tile(name).locator('video');
  }

  soundOf(name: string): Locator {
    return this.tile(name).locator('audio');
  }

  async tileIs(name: string, state: string | RegExp, timeout = 20_000): Promise<void> {
    await expect(this.tile(name), `${this.label} sees ${name} ${state}`).toHaveAttribute('data-state', state, { timeout });
  }

  /** Sets this device up as a camera and waits until it is live. */
  async beCamera(name: string, query = ''): Promise<void> {
    await this.goto(`/dogcam?as=camera${query}`);
    await this.at('camera-name').fill(name);
    await this.at('turn-on-camera').click();
    await this.at('start').click();
    await this.isLive();
  }

  async isLive(timeout = 20_000): Promise<void> {
    await expect(this.at('connection').first(), `${this.label} is live`).toContainText('Live', { timeout });
  }

  async watch(query = ''): Promise<void> {
    await this.goto(`/dogcam${query}`);
  }

  watched(): Promise<Watched> {
    return this.page.evaluate(() => {
      const { peers: _, ...rest } = (window as unknown as { watched: Watched }).watched;
      return { ...rest, peers: [] };
    });
  }

  /** Takes the sent picture away from (or gives it back to) everybody, without the page's knowledge: a camera that hangs. */
  freeze(on: boolean): Promise<void> {
    return this.page.evaluate(async (on) => {
      const { peers } = (window as unknown as { watched: Watched }).watched;
      const held = ((window as unknown as { held?: Map<RTCRtpSender, MediaStreamTrack> }).held ??= new Map());
      for (const sender of peers.flatMap((peer) => (peer.signalingState === 'closed' ? [] : peer.getSenders()))) {
        if (on && sender.track?.kind === 'video') {
          held.set(sender, sender.track);
          await sender.replaceTrack(null);
        } else if (!on && held.has(sender)) {
          await sender.replaceTrack(held.get(sender)!);
        }
      }
    }, on);
  }

  /** Kept in out/screenshots, failed or not. */
  async picture(name: string): Promise<void> {
    const folder = resolve(import.meta.dirname, '../out/screenshots');
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }
}

interface Fixtures {
  visitors: Visitors;
}

export const test = base.extend<Fixtures>({
  visitors: async ({ browser, evidence }, use, info) => {
    const opened: Visitor[] = [];
    await use({
      async open(label, options) {
        const visitor = await openVisitor(browser, label, options, evidence.watch.bind(evidence));
        opened.push(visitor);
        return visitor;
      },
    });
    for (const visitor of opened) if (!visitor.page.isClosed()) visitor.problems.push(...(await violations(visitor.page)));
    if (info.status !== info.expectedStatus) await evidence.photograph();
    await Promise.all(opened.map((visitor) => visitor.context.close().catch(() => {})));
    for (const { label, problems, addresses, origin } of opened) {
      expect.soft(problems, `${label}: nothing went wrong in the page`).toEqual([]);
      expect.soft(elsewhere(addresses, origin), `${label}: no request left the origin`).toEqual([]);
    }
  },
});

async function openVisitor(
  browser: Browser,
  label: string,
  options: VisitorOptions,
  watch: (label: string, page: Page, lines: string[]) => void,
): Promise<Visitor> {
  const permissions = [...(options.permissions ?? ['camera', 'microphone']), ...harmless];
  const { viewport = laptop, reducedMotion, colorScheme } = options;
  const context =
    options.context ??
    (await browser.newContext({ permissions, viewport, ...(reducedMotion ? { reducedMotion } : {}), ...(colorScheme ? { colorScheme } : {}) }));
  await context.addInitScript(hideDepthCamera);
  await context.addInitScript(keepWatch);
  if (options.before) await context.addInitScript(options.before);
  const page = await context.newPage();
  const [lines, addresses, problems]: string[][] = [[], [], []];
  page.on('console', (message) => lines!.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => (problems!.push(`uncaught: ${error.message}`), lines!.push(`uncaught: ${error.stack ?? error}`)));
  page.on('dialog', (dialog) => (problems!.push(`dialog: ${dialog.message()}`), void dialog.dismiss()));
  page.on('request', (request) => addresses!.push(request.url()));
  page.on('websocket', (socket) => addresses!.push(socket.url()));
  watch(label, page, lines!);
  const visitor = new Visitor(label, page, context, options.origin ?? options.kennel.url, addresses!, problems!);
  visitor.useKey(options.key === undefined ? await options.kennel.ownerKey() : options.key);
  return visitor;
}

/** Runs in the page before its own scripts. A Proxy, not a subclass: the SDK compares constructors. */
function keepWatch(): void {
  const watched: Watched = { asked: 0, openCameras: 0, mostCameras: 0, firstPicture: null, violations: [], peers: [] };
  (window as unknown as { watched: Watched }).watched = watched;
  document.addEventListener('securitypolicyviolation', (event) => watched.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  const shown = ({ target }: Event) => {
    if (target instanceof HTMLVideoElement && target.videoWidth > 2) watched.firstPicture ??= performance.now();
  };
  for (const name of ['loadeddata', 'playing', 'resize']) document.addEventListener(name, shown, true);
  window.RTCPeerConnection = new Proxy(window.RTCPeerConnection, {
    construct(target, args, newTarget) {
      const peer = Reflect.construct(target, args, newTarget) as RTCPeerConnection;
      watched.peers.push(peer);
      return peer;
    },
  });
  const devices = globalThis.MediaDevices?.prototype;
  if (!devices) return;
  const ask = devices.getUserMedia;
  devices.getUserMedia = async function (constraints) {
    watched.asked += 1;
    const stream = await ask.call(this, constraints);
    for (const track of stream.getVideoTracks()) {
      watched.openCameras += 1;
      watched.mostCameras = Math.max(watched.mostCameras, watched.openCameras);
      const stop = track.stop.bind(track);
      track.stop = () => {
        if (track.readyState === 'live') watched.openCameras -= 1;
        stop();
      };
    }
    return stream;
  };
}

function violations(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { watched?: Watched }).watched?.violations ?? []).catch(() => []);
}

/** Addresses at another host than the page's, data: and blob: aside. */
export function elsewhere(addresses: string[], origin: string): string[] {
  return addresses.filter((address) => /^(https?|wss?):/.test(address) && new URL(address).host !== new URL(origin).host);
}
