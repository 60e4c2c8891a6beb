import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type BrowserContext } from '@playwright/test';
import { chromium as executablePath, chromiumArgs, hideDepthCamera } from './browsers.ts';

const run = promisify(execFile);

/** A Chromium of its own whose person has installed these certificate authorities (PEM or DER), as an owner does on a phone. */
export async function trustingBrowser(authorities: Buffer[]): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'kennel-e2e-home-'));
  const store = join(home, '.pki', 'nssdb');
  await mkdir(store, { recursive: true });
  await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
  for (const [i, bytes] of authorities.entries()) {
    const file = join(home, `${i}.crt`);
    await writeFile(file, bytes);
    await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', `authority ${i}`, '-i', file]);
  }
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath,
    args: [...chromiumArgs, '--autoplay-policy=no-user-gesture-required'],
    env: { ...process.env, HOME: home },
    permissions: ['camera', 'microphone'],
  });
  await context.addInitScript(hideDepthCamera);
  return {
    context,
    async close() {
      await context.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
