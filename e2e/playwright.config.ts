import { defineConfig } from '@playwright/test';
import { chromium, chromiumArgs } from './lib/browsers.ts';

/** Two projects: `sdk` drives the vendor's package in pages of our own, `dogcam` drives Kennel's pages as people do. */
export default defineConfig({
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
    {
      name: 'sdk',
      testMatch: 'sdk-*.spec.ts',
      use: { launchOptions: { executablePath: chromium, args: [...chromiumArgs, '--autoplay-policy=no-user-gesture-required'] } },
    },
    { name: 'dogcam', testMatch: 'dogcam-*.spec.ts' },
  ],
});
