import { defineConfig } from '@playwright/test';
import { chromium, chromiumArgs } from './lib/browsers.ts';
import type { RoomType } from './lib/test.ts';

/** The vendor's pages start playing by themselves. */
const sdk = { launchOptions: { executablePath: chromium, args: [...chromiumArgs, '--autoplay-policy=no-user-gesture-required'] } };

/**
 * `sdk` and `group` drive the vendor's package in pages of our own, the same files with rooms of one type and of the other; `group-*` files are
 * about media through the server. `dogcam` drives Kennel's pages as people do. `@once` is on tests in
 * which nothing depends on the type of rooms: a second time would show nothing new.
 */
export default defineConfig<{}, { roomType: RoomType }>({
  testDir: 'tests',
  outputDir: 'out/results',
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // Each test runs three or four encoders; more than one at a time makes them all late on a small machine.
  workers: 1,
  // Real browsers on a shared machine: a second failure is a failure, a first one is listed as flaky and stays visible.
  retries: process.env.CI ? 1 : 0,
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  use: {
    launchOptions: { executablePath: chromium, args: chromiumArgs },
    trace: 'off',
  },
  projects: [
    { name: 'sdk', testMatch: 'sdk-*.spec.ts', use: sdk },
    { name: 'group', testMatch: ['sdk-*.spec.ts', 'group-*.spec.ts'], grepInvert: /@once/, use: { ...sdk, roomType: 'group' } },
    // The second vendor's package: one mixed picture for everybody.
    { name: 'mix', testMatch: 'mix-*.spec.ts', use: sdk },
    // Kennel's own pages for rooms with one mixed picture.
    { name: 'room', testMatch: 'room-*.spec.ts', use: { ...sdk, roomType: 'auto' } },
    // As people have it: what the server does by itself.
    { name: 'dogcam', testMatch: 'dogcam-*.spec.ts', use: { roomType: 'auto' } },
  ],
});
