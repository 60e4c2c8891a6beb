// Copies the SDK's published browser files from node_modules to dist/sdk/VERSION/, with the licence that must go along.
// The server sends them with a tail of its own; the files themselves stay as they are.
import { copyFile, mkdir, readFile } from 'node:fs/promises';

/** The packages in package.json that hold a version of the SDK. */
const PACKAGES = ['twilio-video', 'twilio-video-2.18.1'];
const FILES = ['dist/twilio-video.js', 'dist/twilio-video.min.js', 'LICENSE.md'];

const root = new URL('../', import.meta.url);

for (const name of PACKAGES) {
  const source = new URL(`node_modules/${name}/`, root);
  const { version } = JSON.parse(await readFile(new URL('package.json', source), 'utf8'));
  const target = new URL(`dist/sdk/${version}/`, root);
  await mkdir(target, { recursive: true });
  for (const file of FILES) {
    await copyFile(new URL(file, source), new URL(file.replace('dist/', ''), target));
  }
}
