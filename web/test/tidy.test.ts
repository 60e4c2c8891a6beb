import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCES = ['src', 'dev'].map((root) => join(import.meta.dirname, '..', root)).filter(existsSync).flatMap(files);
const LONGEST_FILE = 500;

describe('the sources', () => {
  it.each([
    ['markup from strings', /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write/],
    ['inline styles, which the policy of the pages blocks', /<[^>]*\sstyle=["'{]/],
    ['browser dialogs', /\b(?:alert|confirm|prompt)\(/],
    ['code from strings', /\beval\(|new Function\(/],
    // The functions, that is: how it is written, the build takes care of.
    ['what the oldest browsers lack (vite.config.ts)', /\.at\(-|\bquery\.size\b|\.findLast(Index)?\(|\.to(Sorted|Reversed|Spliced)\(|\bObject\.(hasOwn|groupBy)\(|\bstructuredClone\(|\brandomUUID\(\)/],
    ['foreign addresses', /https?:\/\/(?!www\.w3\.org\/2000\/svg)/],
  ])('use no %s', (_what, banned) => {
    const guilty = SOURCES.filter((file) => banned.test(readFileSync(file, 'utf8')));
    expect(guilty).toEqual([]);
  });

  it('can be read at one sitting', () => {
    const long = SOURCES.filter((file) => readFileSync(file, 'utf8').split('\n').length > LONGEST_FILE);
    expect(long).toEqual([]);
  });
});

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte|html)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}
