import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from '@playwright/test';
import { chromium as executable, chromiumArgs } from './browsers.ts';
import type { Weather } from './line.ts';

const run = promisify(execFile);
const prefix = 'kennel-e2e-';

/**
 * A network namespace at the far end of a bad line that carries all its packets, TCP too: what runs in there has no other way out. Needs
 * root, `ip`, `nft`, `perl` and /dev/net/tun. No queueing discipline is asked of the kernel (`netem` is often missing): `packets.pl` is the line.
 */
export class Far {
  private browsers: Browser[] = [];

  private constructor(
    private readonly namespace: string,
    private readonly line: ChildProcess,
    /** The address of this machine as seen from in there. */
    readonly here: string,
  ) {}

  /** Why there can be no such place on this machine; nothing where there can. KENNEL_E2E_NAMESPACES=off does without. */
  static async obstacle(): Promise<string | undefined> {
    if (process.env.KENNEL_E2E_NAMESPACES === 'off') return 'KENNEL_E2E_NAMESPACES=off';
    if (process.getuid?.() !== 0) return 'not root';
    await removeStale();
    const name = `${prefix}${process.pid}-try`;
    const made = await run('ip', ['netns', 'add', name]).then(() => undefined, reason);
    if (made) return made;
    const inside = await run('ip', ['netns', 'exec', name, 'true']).then(() => undefined, reason);
    await run('ip', ['netns', 'del', name]);
    return inside ?? (await run('sh', ['-c', ': <>/dev/net/tun']).then(() => undefined, reason));
  }

  static async behind({ lost, delay }: Weather): Promise<Far> {
    const [near, far] = [`kn${process.pid}n`, `kn${process.pid}f`];
    const net = `10.77.${process.pid % 256}`;
    const line = spawn('perl', [join(import.meta.dirname, 'packets.pl'), near, far, String(delay), String(lost)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await said(line, 'ready');
    const namespace = `${prefix}${process.pid}`;
    const ip = (...args: string[]) => run('ip', args);
    await ip('netns', 'add', namespace);
    const place = new Far(namespace, line, `${net}.1`);
    try {
      await ip('link', 'set', far, 'netns', namespace);
      await ip('addr', 'add', `${net}.1/30`, 'dev', near);
      await ip('link', 'set', near, 'up');
      const inside = (...args: string[]) => ip('-n', namespace, ...args);
      await inside('addr', 'add', `${net}.2/30`, 'dev', far);
      for (const device of ['lo', far]) await inside('link', 'set', device, 'up');
      await inside('route', 'add', 'default', 'via', `${net}.1`);
      return place;
    } catch (error) {
      await place.close();
      throw error;
    }
  }

  /** From now on no datagram comes in: a network that lets only TCP pass. */
  async refuseDatagrams(): Promise<void> {
    const rules = 'table inet line { chain in { type filter hook input priority 0; meta l4proto udp drop; }; }';
    await run('ip', ['netns', 'exec', this.namespace, 'nft', rules]);
  }

  /** A Chromium in there; driven by a pipe, which knows no namespaces. Pages of `origin` may do what only secure ones may. */
  async browser(origin: string): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), prefix));
    const wrapper = join(folder, 'chromium');
    await writeFile(wrapper, `#!/bin/sh\nexec ip netns exec ${this.namespace} ${executable} "$@"\n`);
    await chmod(wrapper, 0o755);
    const args = [...chromiumArgs, '--autoplay-policy=no-user-gesture-required', `--unsafely-treat-insecure-origin-as-secure=${origin}`];
    const browser = await chromium.launch({ executablePath: wrapper, args });
    browser.on('disconnected', () => void rm(folder, { recursive: true, force: true }));
    this.browsers.push(browser);
    return browser;
  }

  /** Packets carried and lost so far, both ways. */
  async counts(): Promise<{ carried: number; lost: number }> {
    const told = said(this.line, 'carried');
    this.line.kill('SIGUSR1');
    const [, carried, lost] = /carried (\d+) lost (\d+)/.exec(await told)!;
    return { carried: Number(carried), lost: Number(lost) };
  }

  async close(): Promise<void> {
    for (const browser of this.browsers) await browser.close();
    this.line.kill('SIGKILL');
    await run('ip', ['netns', 'del', this.namespace]);
  }
}

/** What a run that was killed has left. */
async function removeStale(): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list']).catch(() => ({ stdout: '' }));
  for (const [name, pid] of stdout.matchAll(new RegExp(`^${prefix}(\\d+)\\S*`, 'gm'))) {
    if (!isAlive(Number(pid))) await run('ip', ['netns', 'del', name]).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function reason(error: { stderr?: string; message: string }): string {
  return (error.stderr?.trim() || error.message).split('\n')[0]!;
}

/** The next thing that the line says that begins so. */
function said(line: ChildProcess, beginning: string): Promise<string> {
  return new Promise((done, fail) => {
    const hear = (bytes: Buffer) => {
      if (!bytes.toString().startsWith(beginning)) return;
      line.stdout!.off('data', hear);
      done(bytes.toString());
    };
    line.stdout!.on('data', hear);
    line.once('exit', (code) => fail(new Error(`packets.pl ended with ${code}`)));
  });
}
