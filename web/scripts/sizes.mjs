// Prints what each page costs gzipped, the SDK apart, and fails above the limit.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Own code of one page, gzipped, in kB (ux: a page at most 60 kB besides the SDK). */
const LIMIT_KB = 60;
const assets = new URL('../dist/assets/', import.meta.url);
const names = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name));
const kb = (name) => gzipSync(readFileSync(new URL(name, assets)), { level: 9 }).length / 1024;
const rows = names.map((name) => ({ name, kb: kb(name) })).sort((a, b) => b.kb - a.kb);
for (const { name, kb } of rows) console.log(`${kb.toFixed(1).padStart(7)} kB  ${name}`);

const isSdk = (name) => name.startsWith('sdk-');
const own = rows.filter((row) => !isSdk(row.name)).reduce((sum, row) => sum + row.kb, 0);
console.log(`${own.toFixed(1).padStart(7)} kB  all own code of all pages together (limit ${LIMIT_KB} kB a page)`);
const pages = { home: 'Home-', dogcam: 'DogCam-', links: 'Links-' };
for (const [page, prefix] of Object.entries(pages)) {
  const others = Object.values(pages).filter((other) => other !== prefix);
  const cost = rows
    .filter(({ name }) => !isSdk(name) && !name.startsWith('door') && !others.some((other) => name.startsWith(other)))
    .reduce((sum, row) => sum + row.kb, 0);
  console.log(`${cost.toFixed(1).padStart(7)} kB  ${page}, with everything shared`);
  if (cost > LIMIT_KB) {
    console.error(`${page} is above ${LIMIT_KB} kB`);
    process.exitCode = 1;
  }
}
