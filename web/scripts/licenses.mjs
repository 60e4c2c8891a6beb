// Writes dist/licenses.txt: the notices of the packages whose code is in the pages.
import { readFileSync, writeFileSync } from 'node:fs';

const IN_THE_PAGES = ['svelte', 'twilio-video'];

const root = new URL('../', import.meta.url);
const notices = IN_THE_PAGES.map((name) => {
  const folder = new URL(`node_modules/${name}/`, root);
  const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
  return `${name} ${version}\n\n${readFileSync(new URL('LICENSE.md', folder), 'utf8').trim()}\n`;
});
writeFileSync(new URL('dist/licenses.txt', root), notices.join('\n----------------------------------------\n\n'));
