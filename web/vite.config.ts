import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** The oldest browsers the pages run on (docs: old phones are the point). */
const OLDEST_BROWSERS = ['safari15', 'chrome94', 'firefox100'];

/**
 * The SDK makes one function (for a noise filter that Kennel does not use) out of a string, which the policy of our pages
 * forbids: as it is, it does not even load. This writes the same function out.
 */
const sdkWithoutEval = {
  name: 'sdk-without-eval',
  transform(code: string, id: string) {
    if (!/twilio-video[^/]*\/dist\/twilio-video\.min\.js$/.test(id)) return null;
    const written = code.replace('new Function("url","return import(url);")', '(url=>import(/* @vite-ignore */url))');
    if (written === code) throw new Error('the SDK no longer makes its import function from a string: see vite.config.ts');
    return { code: written, map: null };
  },
};

/** `npm run build` makes dist/; `--mode e2e` adds the grid harness and writes dist-e2e/, which is never shipped. */
export default defineConfig(({ mode }) => ({
  base: '/',
  plugins: [svelte(), sdkWithoutEval],
  build: {
    outDir: mode === 'e2e' ? 'dist-e2e' : 'dist',
    assetsDir: 'assets',
    manifest: true,
    // Nothing may become a data: address; the pages' policy allows scripts and styles from files only.
    assetsInlineLimit: 0,
    // Older Safari loads the same files a little later without it.
    modulePreload: { polyfill: false },
    target: OLDEST_BROWSERS,
    cssTarget: OLDEST_BROWSERS,
    chunkSizeWarningLimit: 400,
    rollupOptions: {
      input: {
        index: 'index.html',
        door: 'door.html',
        ...(mode === 'e2e' ? { grid: 'dev/grid.html' } : {}),
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/kennel', '/signaling', '/v1', '/healthz'].map((path) => [
        path,
        { target: process.env.KENNEL_ORIGIN ?? 'http://127.0.0.1:8080', ws: true },
      ]),
    ),
  },
  // A busy machine may take long; a test that hangs is caught all the same.
  test: { include: ['test/**/*.test.ts'], environment: 'node', testTimeout: 60_000 },
}));
