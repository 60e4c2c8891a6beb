import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import puppeteer, { type Browser as FirefoxBrowser } from 'puppeteer-core';

/** The browsers are the system's own; nothing is downloaded. */
export const chromium = process.env.KENNEL_CHROMIUM ?? '/usr/bin/chromium';
export const firefox = process.env.KENNEL_FIREFOX ?? '/usr/bin/firefox-esr';

/**
 * Three fake cameras and a beeping microphone. The second camera is a depth camera, which WebRTC cannot send: `hideDepthCamera`.
 * Contexts grant permissions themselves, as `--use-fake-ui-for-media-stream` would overrule a refusal.
 */
export const chromiumArgs = [
  // Root has no sandbox in Chromium at all; anybody else keeps it.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream=device-count=3',
  // A machine without any network but loopback must still connect two pages.
  '--allow-loopback-in-peer-connection',
];

/** Runs in every Chromium page before its own scripts, and leaves it two cameras whose pictures differ (green, and darker green). */
export function hideDepthCamera(): void {
  const devices = globalThis.MediaDevices?.prototype;
  if (!devices) return;
  const all = devices.enumerateDevices;
  devices.enumerateDevices = async function () {
    return (await all.call(this)).filter((device) => device.label !== 'fake_device_1');
  };
}

const firefoxPrefs = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.navigator.permission.fake': true,
  // Without a sound card AudioContext would stay suspended.
  'media.cubeb.force_mock_context': true,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Firefox would otherwise fetch the H264 plugin from its maker.
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.normandy.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
};

/** Firefox over WebDriver BiDi, with a profile of its own that `close` removes. */
export async function launchFirefox(): Promise<{ browser: FirefoxBrowser; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), 'kennel-e2e-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: firefox,
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: firefoxPrefs,
    // Firefox refuses a home folder that belongs to somebody else.
    env: { ...process.env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: process.getuid?.() === 0 ? '1' : '' },
  });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
