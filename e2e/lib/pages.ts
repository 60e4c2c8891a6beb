import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { listen } from './net.ts';

const here = resolve(import.meta.dirname, '..');
const types: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };

/** What answers `POST /login` of an app under test, as the original app's own back end does. */
export type Login = (body: string) => Promise<{ status: number; body: string }>;

/** A small web server of the tests' own: their pages, and the vendor's files exactly as npm has them under `/npm/VERSION/`. */
export class PageServer {
  login: Login = async () => ({ status: 404, body: '' });

  private constructor(private server: Server) {
    server.on('request', (ask, answer) => {
      this.answer(ask, answer).catch((error) => answer.writeHead(500).end(String(error)));
    });
  }

  static async start(address = '127.0.0.1'): Promise<PageServer> {
    const server = createServer();
    const pages = new PageServer(server);
    await listen(server, 0, address);
    return pages;
  }

  get url(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(ask: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = new URL(ask.url ?? '/', this.url).pathname;
    if (ask.method === 'POST' && path === '/login') {
      const result = await this.login(await body(ask));
      answer.writeHead(result.status, { 'content-type': 'application/json' }).end(result.body);
      return;
    }
    const file = fileFor(path);
    const content = file && (await readFile(file).catch(() => undefined));
    if (!content) answer.writeHead(404).end();
    else answer.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(content);
  }
}

function fileFor(path: string): string | undefined {
  const npm = /^\/npm\/(2\.18\.1|2\.36\.0)\/(twilio-video(?:\.min)?\.js)$/.exec(path);
  if (npm) return join(here, 'node_modules', `twilio-video-${npm[1]}`, 'dist', npm[2]!);
  const other = /^\/npm\/signalwire\/(3\.30\.0|3\.25\.1|3\.16\.0|3\.11\.1)\/(index\.umd\.js)$/.exec(path);
  if (other) return join(here, 'node_modules', `signalwire-js-${other[1]}`, 'dist', other[2]!);
  const own = /^\/([a-z-]+\.(?:html|js))$/.exec(path);
  return own ? join(here, 'pages', own[1]!) : undefined;
}

async function body(ask: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of ask) text += part;
  return text;
}

/** Files of one folder on a loopback port, for pages that were built for tests only. */
export async function serveFolder(folder: string): Promise<{ url: string; close(): Promise<void> }> {
  const kinds: Record<string, string> = { ...types, '.css': 'text/css', '.svg': 'image/svg+xml' };
  const server = createServer((ask, answer) => {
    const file = join(folder, resolve('/', new URL(ask.url ?? '/', 'http://x').pathname));
    readFile(file).then(
      (content) => answer.writeHead(200, { 'content-type': kinds[extname(file)] ?? 'application/octet-stream' }).end(content),
      () => answer.writeHead(404).end(),
    );
  });
  await listen(server);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
