import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freeMediaPort, freePorts } from './net.ts';
import { credentials } from './tokens.ts';

const isRoot = process.getuid?.() === 0;
const repository = resolve(import.meta.dirname, '../..');

export interface StartOptions {
  /** More flags for `kennel serve`. */
  args?: string[];
  env?: Record<string, string>;
  /** HTTPS is off unless a test needs it: making a certificate authority takes time. */
  https?: boolean;
  /** The server's own default is every address; tests stay on loopback. */
  address?: string;
  /** The folder of recordings is a disk of its own, of so many MiB: in a mount namespace that ends with the program. */
  disk?: number;
}

/** The program under test: KENNEL_BIN, else what `cargo build` made. */
export function kennelBinary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(repository, 'target');
  const path = process.env.KENNEL_BIN ?? join(target, 'debug', 'kennel');
  if (!existsSync(path)) throw new Error(`${path} is missing: run cargo build -p kennel, or set KENNEL_BIN`);
  return path;
}

/** Starts a real server on free loopback ports with a data folder of its own and waits until it is ready. */
export async function startKennel(options: StartOptions = {}): Promise<Kennel> {
  const [http, https] = await freePorts(2);
  const media = await freeMediaPort();
  const data = await mkdtemp(join(tmpdir(), 'kennel-e2e-'));
  const kennel = new Kennel(options, { http: http!, https: https!, media }, data);
  try {
    await kennel.start();
    return kennel;
  } catch (error) {
    await kennel.dispose();
    throw error;
  }
}

export class Kennel {
  private process: ChildProcess | undefined;
  private output = '';
  private key: string | undefined;

  constructor(
    private readonly options: StartOptions,
    readonly ports: { http: number; https: number; media: number },
    readonly data: string,
  ) {}

  /** `localhost`, as a person types it: a secure context, and a name that the pages' Host rule knows. */
  get url(): string {
    return `http://localhost:${this.ports.http}`;
  }

  get secureUrl(): string {
    return `https://localhost:${this.ports.https}`;
  }

  get signaling(): string {
    return `ws://127.0.0.1:${this.ports.http}/signaling`;
  }

  get relay(): string {
    return `ws://127.0.0.1:${this.ports.http}`;
  }

  /** Everything the server has printed, standard output and error in the order they came. */
  get log(): string {
    return this.output;
  }

  async start(): Promise<void> {
    const address = this.options.address ?? '127.0.0.1';
    const args = [
      'serve',
      ...['--http', `${address}:${this.ports.http}`],
      ...['--https', this.options.https ? `${address}:${this.ports.https}` : 'off'],
      ...['--media', `${address}:${this.ports.media}`],
      ...['--data', this.data],
      ...(this.options.args ?? []),
    ];
    this.output += `$ kennel ${args.join(' ')}\n`;
    const [program, ...before] = this.onDisk();
    const child = spawn(program!, [...before, ...args], { cwd: this.data, env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (this.output += text.toString()));
    child.on('error', (error) => (this.output += `${error}\n`));
    this.process = child;
    await this.ready();
  }

  /** Ends it as a person would (SIGTERM), or as a crash does (SIGKILL). */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((done) => child.once('exit', done));
    child.kill(signal);
    const stuck = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const code = await ended;
    clearTimeout(stuck);
    return code;
  }

  /** Where a file of the data folder is for this test: a disk of its own is seen by the program only. */
  path(...parts: string[]): string {
    const file = join(this.data, ...parts);
    return this.options.disk ? `/proc/${this.process!.pid}/root${file}` : file;
  }

  /** Makes the disk so large, in MiB, whatever is on it. */
  async resize(mebibytes: number): Promise<void> {
    const enter = ['--mount', '--target', String(this.process!.pid), ...(isRoot ? [] : ['--user', '--preserve-credentials'])];
    await promisify(execFile)('nsenter', [...enter, 'mount', '-o', `remount,size=${mebibytes}m`, join(this.data, 'recordings')]);
  }

  /** Makes the disk as small as what is on it lets it become: less than a mebibyte is left. */
  async fill(): Promise<void> {
    for (let mebibytes = 1; ; mebibytes++) {
      const done = await this.resize(mebibytes).then(() => true, (problem) => problem);
      if (done === true) return;
      if (mebibytes === 64) throw done;
    }
  }

  /** The program, and what makes the disk before it. */
  private onDisk(): string[] {
    if (!this.options.disk) return [kennelBinary()];
    const script = `mkdir -p "$0" && mount -t tmpfs -o size=${this.options.disk}m none "$0" && exec "$@"`;
    return ['unshare', '--mount', ...(isRoot ? [] : ['--map-root-user']), 'sh', '-c', script, join(this.data, 'recordings'), kennelBinary()];
  }

  async dispose(): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.data, { recursive: true, force: true });
  }

  /** One of the program's other commands, with the same data folder. */
  async command(...args: string[]): Promise<string> {
    const run = promisify(execFile);
    const { stdout } = await run(kennelBinary(), [...args, '--data', this.data], { cwd: this.data, env: this.environment() });
    return stdout;
  }

  /** The key in the owner's link, as `kennel keys --json` prints it. */
  async ownerKey(): Promise<string> {
    this.key ??= keyOf(JSON.parse(await this.command('keys', '--json')));
    return this.key;
  }

  /** A call of Kennel's own API as a script makes it. */
  async call(method: string, path: string, body?: unknown, key?: string): Promise<{ status: number; body: any }> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${key ?? (await this.ownerKey())}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  }

  private environment(): NodeJS.ProcessEnv {
    const { PATH, HOME, CARGO_MANIFEST_DIR: _none, ...rest } = process.env;
    const inherited = Object.fromEntries(Object.entries(rest).filter(([name]) => /^(LANG|LC_|TZ|TMPDIR|RUST_BACKTRACE)/.test(name)));
    return { PATH, HOME, RUST_BACKTRACE: '1', ...inherited, ...credentials, ...this.options.env };
  }

  private async ready(): Promise<void> {
    const until = Date.now() + 15_000;
    while (Date.now() < until) {
      if (this.process?.exitCode !== null) throw new Error(`kennel ended with ${this.process?.exitCode}:\n${this.output}`);
      if ((await status(this.ports.http, '/readyz')) === 200) return;
      await new Promise((done) => setTimeout(done, 25));
    }
    throw new Error(`kennel was not ready within 15 s:\n${this.output}`);
  }
}

function keyOf(printed: { links?: string[] }): string {
  const key = /#k=(\w+)$/.exec(printed.links?.[0] ?? '')?.[1];
  if (!key) throw new Error(`kennel keys --json has no owner's link: ${Object.keys(printed)}`);
  return key;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function status(port: number, path: string): Promise<number | undefined> {
  return new Promise((done) => {
    const ask = request({ host: '127.0.0.1', port, path, timeout: 1000 }, (answer) => {
      answer.resume();
      done(answer.statusCode);
    });
    ask.on('error', () => done(undefined));
    ask.on('timeout', () => ask.destroy());
    ask.end();
  });
}
