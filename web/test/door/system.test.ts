import { describe, expect, it } from 'vitest';
import { deviceWord, isHandheld, mustOpenSafari, systemOf, type System } from '../../src/door/system';

const IOS_SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ';
const MAC_SAFARI = MAC + 'AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15';
const PIXEL =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36';
const OLD_GALAXY =
  'Mozilla/5.0 (Linux; Android 7.0; SM-G930F) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/9.2 Chrome/67.0.3396.87 Mobile Safari/537.36';
const FIREFOX_ANDROID = 'Mozilla/5.0 (Android 13; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0';
const FIREFOX_LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0';
const CHROME_WINDOWS =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36';
const CHROME_MAC = MAC + 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36';
const CHROME_IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1';
const IN_APP_IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 SomeMail/4.2';

const cases: [string, string, number, System][] = [
  ['Safari on an iPhone', IOS_SAFARI, 5, 'iphone'],
  ['Chrome on an iPhone', CHROME_IPHONE, 5, 'iphone'],
  ['an iPad that asks for phone pages', IOS_SAFARI.replaceAll('iPhone', 'iPad'), 5, 'ipad'],
  ['an iPad that calls itself a Mac', MAC_SAFARI, 5, 'ipad'],
  ['Safari on a Mac', MAC_SAFARI, 0, 'mac-safari'],
  ['Chrome on a Mac', CHROME_MAC, 0, 'desktop'],
  ['Edge on a Mac', CHROME_MAC + ' Edg/124.0.0.0', 0, 'desktop'],
  ['Chrome on Android', PIXEL, 5, 'android'],
  ['Samsung’s browser of 2018', OLD_GALAXY, 5, 'android'],
  ['Firefox on Android', FIREFOX_ANDROID, 5, 'firefox'],
  ['Firefox on Linux', FIREFOX_LINUX, 0, 'firefox'],
  ['Chrome on Windows', CHROME_WINDOWS, 0, 'desktop'],
  ['Chrome on Windows with a touch screen', CHROME_WINDOWS, 10, 'desktop'],
  ['nothing known', '', 0, 'desktop'],
];

describe('which system', () => {
  it.each(cases)('%s', (_, userAgent, touchPoints, system) => {
    expect(systemOf({ userAgent, touchPoints })).toBe(system);
  });
});

describe('who has to change to Safari', () => {
  it.each([
    [IOS_SAFARI, false],
    [CHROME_IPHONE, true],
    [IN_APP_IPHONE, true],
    [PIXEL, false],
    [MAC_SAFARI, false],
  ])('%s', (userAgent, expected) => {
    expect(mustOpenSafari({ userAgent, touchPoints: 0 })).toBe(expected);
  });
});

describe('which devices are asked first to be a camera', () => {
  it.each([
    [IOS_SAFARI, 5, true],
    [MAC_SAFARI, 5, true],
    [PIXEL, 5, true],
    [FIREFOX_ANDROID, 5, true],
    [CHROME_WINDOWS, 10, false],
    [MAC_SAFARI, 0, false],
    [FIREFOX_LINUX, 0, false],
  ])('%s with %i touch points', (userAgent, touchPoints, expected) => {
    expect(isHandheld({ userAgent, touchPoints })).toBe(expected);
  });
});

describe('the word for the device', () => {
  it.each([
    ['iphone', IOS_SAFARI, 'phone'],
    ['ipad', MAC_SAFARI, 'ipad'],
    ['firefox', FIREFOX_ANDROID, 'phone'],
    ['firefox', FIREFOX_LINUX, 'computer'],
    ['mac-safari', MAC_SAFARI, 'computer'],
    // Looked up for somebody else, on a computer.
    ['android', CHROME_WINDOWS, 'phone'],
  ] as const)('%s', (system, userAgent, word) => {
    expect(deviceWord(system, { userAgent, touchPoints: 0 })).toBe(word);
  });
});
