// Prints what each page loads, gzipped, and fails above the limit. Reads Vite's manifest and removes it from dist/.
import { readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Own code of one page, gzipped, in kB; the SDK is apart. */
const LIMIT_KB = 60;
const PAGES = {
  home: ['index.html', 'src/home/Home.svelte'],
  'dogcam, camera': ['index.html', 'src/dogcam/DogCam.svelte', 'src/dogcam/Camera.svelte'],
  'dogcam, watch': ['index.html', 'src/dogcam/DogCam.svelte', 'src/dogcam/WatchRoot.svelte'],
  links: ['index.html', 'src/links/Links.svelte'],
  recordings: ['index.html', 'src/recordings/Recordings.svelte'],
  door: ['door.html'],
};

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const kb = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000;

/** The files of these manifest entries and of all they import at once. */
function files(keys, seen = new Set()) {
  return keys.flatMap((key) => {
    if (seen.has(key)) return [];
    seen.add(key);
    const { file, css = [], imports = [] } = manifest[key];
    return [file, ...css, ...files(imports, seen)];
  });
}

for (const [page, keys] of Object.entries(PAGES)) {
  const cost = [...new Set(files(keys))].reduce((sum, file) => sum + kb(file), 0);
  console.log(`${cost.toFixed(1).padStart(7)} kB  ${page} (limit ${LIMIT_KB})`);
  if (cost > LIMIT_KB) process.exitCode = 1;
}
const sdk = Object.values(manifest).find(({ file }) => file.includes('twilio-video'));
if (sdk) console.log(`${kb(sdk.file).toFixed(1).padStart(7)} kB  the SDK, on the dog cam only`);
rmSync(new URL('.vite/', dist), { recursive: true });
