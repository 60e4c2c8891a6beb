import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test as base, type Browser, type BrowserContext, type TestInfo } from '@playwright/test';
import type { Browser as FirefoxBrowser, Page as FirefoxPage } from 'puppeteer-core';
import { hideDepthCamera, launchFirefox } from './browsers.ts';
import { startKennel, type Kennel, type StartOptions } from './kennel.ts';
import { PageServer } from './pages.ts';
import { Person, type AnyPage, type Sdk } from './person.ts';

export { expect } from '@playwright/test';

export interface People {
  /** A participant in a browser of this kind, or in a context that the test made, with the SDK loaded (from `from`) and not joined. */
  open(label: string, sdk: Sdk | { sdk: string; before?: string }, browser?: 'chromium' | 'firefox' | BrowserContext, from?: PageServer): Promise<Person>;
}

interface Fixtures {
  people: People;
  /** A server of this test's own. Stopped, and its folder removed, at the end. */
  start(options?: StartOptions): Promise<Kennel>;
  /** A room name that no other test uses. */
  roomName: string;
  evidence: Evidence;
}

export type RoomType = 'peer-to-peer' | 'group' | 'auto';

interface WorkerFixtures {
  /** What rooms are that are made by joining, on every server that a test starts. */
  roomType: RoomType;
  /** One server for all tests that do nothing to it. */
  kennel: Kennel;
  pages: PageServer;
  firefox: () => Promise<FirefoxBrowser>;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  roomType: ['peer-to-peer', { option: true, scope: 'worker' }],

  kennel: [
    async ({ roomType }, use) => {
      const kennel = await startKennel(ofType(roomType));
      await use(kennel);
      await kennel.dispose();
    },
    { scope: 'worker' },
  ],

  pages: [
    async ({}, use) => {
      const pages = await PageServer.start();
      await use(pages);
      await pages.close();
    },
    { scope: 'worker' },
  ],

  // Started by the first test that wants it.
  firefox: [
    async ({}, use) => {
      let launched: Promise<{ browser: FirefoxBrowser; close(): Promise<void> }> | undefined;
      await use(async () => (await (launched ??= launchFirefox())).browser);
      if (launched) await (await launched).close();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  evidence: [
    async ({ kennel }, use, info) => {
      const evidence = new Evidence();
      evidence.servers.set('kennel', { kennel, from: kennel.log.length });
      await use(evidence);
      if (info.status !== info.expectedStatus) await evidence.save(folderOf(info));
    },
    { auto: true },
  ],

  start: async ({ evidence, roomType }, use) => {
    const started: Kennel[] = [];
    await use(async (options) => {
      const kennel = await startKennel(ofType(roomType, options));
      started.push(kennel);
      evidence.servers.set(`kennel-${started.length}`, { kennel, from: 0 });
      return kennel;
    });
    // After a failure the evidence still wants the log, which outlives the process.
    await Promise.all(started.map((kennel) => kennel.dispose()));
  },

  people: async ({ browser, firefox, pages, evidence }, use, info) => {
    const close: (() => Promise<unknown>)[] = [];
    await use({
      async open(label, sdk, kind = 'chromium', from = pages) {
        const opened = kind === 'firefox' ? await openFirefox(await firefox()) : await openChromium(kind === 'chromium' ? await devices(browser) : kind);
        close.push(opened.close);
        evidence.watch(label, opened.page, opened.lines, opened.wire);
        const person = new Person(opened.page, from, label, opened.addresses);
        await person.load(sdk);
        return person;
      },
    });
    if (info.status !== info.expectedStatus) await evidence.photograph();
    await Promise.all(close.map((one) => one().catch(() => {})));
  },

  roomName: async ({}, use, info) => {
    await use(`Room ${info.testId.slice(-6)} ${info.retry}${info.repeatEachIndex}`);
  },
});

function ofType(roomType: RoomType, options: StartOptions = {}): StartOptions {
  const log = process.env.KENNEL_E2E_LOG;
  const own = options.args ?? [];
  const type = own.includes('--room-type') ? [] : ['--room-type', roomType];
  return { ...options, args: [...type, ...(log ? ['--log', log] : []), ...own] };
}

interface Opened {
  page: AnyPage;
  lines: string[];
  /** What the page said and heard on its WebSockets; empty in Firefox. */
  wire: string[];
  /** Every request and WebSocket of the page so far; empty in Firefox. */
  addresses: string[];
  close(): Promise<unknown>;
}

async function devices(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
  await context.addInitScript(hideDepthCamera);
  return context;
}

async function openChromium(context: BrowserContext): Promise<Opened> {
  const page = await context.newPage();
  const lines: string[] = [];
  const addresses: string[] = [];
  const wire: string[] = [];
  const frame = (sign: string) => (frame: { payload: string | Buffer }) => void wire.push(`${Date.now()} ${sign} ${frame.payload}`);
  page.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => lines.push(`uncaught: ${error.stack ?? error}`));
  page.on('request', (request) => addresses.push(request.url()));
  page.on('websocket', (socket) => {
    addresses.push(socket.url());
    socket.on('framesent', frame('>')).on('framereceived', frame('<')).on('close', () => void wire.push(`${Date.now()} closed`));
  });
  return { page, lines, wire, addresses, close: () => context.close() };
}

export async function openFirefox(browser: FirefoxBrowser): Promise<Opened> {
  // A window of its own: tabs that are not in front draw nothing and have slow clocks.
  const page: FirefoxPage = await browser.newPage({ type: 'window' });
  const lines: string[] = [];
  page.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => lines.push(`uncaught: ${error}`));
  return { page: page as unknown as AnyPage, lines, wire: [], addresses: [], close: () => page.close() };
}

/** What is kept of a test that failed: every page's picture, console, WebSockets, events and figures, every server's log. */
export class Evidence {
  readonly servers = new Map<string, { kennel: Kennel; from: number }>();
  private readonly watched = new Map<string, { page: AnyPage; lines: string[]; wire: string[]; picture?: Uint8Array; report?: unknown }>();

  watch(label: string, page: AnyPage, lines: string[], wire: string[] = []): void {
    this.watched.set(label, { page, lines, wire });
  }

  /** Taken while the pages are still open. */
  async photograph(): Promise<void> {
    for (const one of this.watched.values()) {
      const shoot = one.page.screenshot as (options?: object) => Promise<Uint8Array>;
      const patience = new Promise<undefined>((done) => setTimeout(done, 3000, undefined));
      one.picture = await Promise.race([shoot.call(one.page, {}).catch(() => undefined), patience]);
      const report = one.page.evaluate(() => (window as unknown as { kit?: { report(): unknown } }).kit?.report(), undefined);
      one.report = await Promise.race([report.catch(() => undefined), patience]);
    }
  }

  async save(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    for (const [label, { lines, wire, picture, report }] of this.watched) {
      if (picture) writeFileSync(join(folder, `${label}.png`), picture);
      writeFileSync(join(folder, `${label}.console.txt`), lines.join('\n'));
      if (wire.length) writeFileSync(join(folder, `${label}.wire.txt`), wire.join('\n'));
      if (report) writeFileSync(join(folder, `${label}.report.json`), JSON.stringify(report, null, 1));
    }
    for (const [label, { kennel, from }] of this.servers) writeFileSync(join(folder, `${label}.log`), kennel.log.slice(from));
  }
}

function folderOf(info: TestInfo): string {
  const name = info.titlePath.slice(1).join(' ').replace(/[^A-Za-z0-9.]+/g, '-').slice(0, 100);
  return resolve(import.meta.dirname, '../out', name);
}
