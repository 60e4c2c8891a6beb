import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DoorWatch, PROBE_EVERY_MS, PROBE_LIMIT_MS, knockAt, secureAddress } from '../../src/door/secure';

describe('the secure address of this page', () => {
  const secure = 'https://192.168.1.20:8443';
  it.each([
    ['keeps the key', { pathname: '/', search: '', hash: '#k=7Q2MK9XD' }, secure + '/#k=7Q2MK9XD'],
    [
      'keeps path and query',
      { pathname: '/dogcam', search: '?as=camera&name=Kitchen', hash: '#k=A' },
      secure + '/dogcam?as=camera&name=Kitchen#k=A',
    ],
    ['leads from the door itself to the start page', { pathname: '/door.html', search: '', hash: '#k=A' }, secure + '/#k=A'],
    ['never leaves the host', { pathname: '//evil.example/', search: '', hash: '#k=A' }, secure + '//evil.example/#k=A'],
    ['nor by a sign-in part', { pathname: '/@evil.example', search: '', hash: '' }, secure + '/@evil.example'],
  ])('%s', (_, here, expected) => {
    expect(secureAddress(secure, here)).toBe(expected);
    expect(new URL(expected).host).toBe('192.168.1.20:8443');
  });

  it.each(['http://192.168.1.20:8080', 'javascript:alert(1)', '', 'https://'])('refuses %j', (bad) => {
    expect(secureAddress(bad, { pathname: '/', search: '', hash: '#k=A' })).toBeNull();
  });
});

describe('the knock', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('asks the health word only, without key, cookie or cache', async () => {
    const fetched = vi.fn(() => Promise.resolve());
    vi.stubGlobal('fetch', fetched);
    await knockAt('https://192.168.1.20:8443')(new AbortController().signal);
    expect(fetched).toHaveBeenCalledWith(
      'https://192.168.1.20:8443/healthz',
      expect.objectContaining({ mode: 'no-cors', cache: 'no-store', credentials: 'omit' }),
    );
  });
});

describe('the watch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('tries each two seconds until it is answered, and opens once', async () => {
    const knock = vi.fn().mockRejectedValueOnce(new Error()).mockRejectedValueOnce(new Error()).mockResolvedValue({});
    const open = vi.fn();
    const missed = vi.fn();
    new DoorWatch({ knock, open, missed }).now();
    await vi.advanceTimersByTimeAsync(2 * PROBE_EVERY_MS - 1);
    expect(knock).toHaveBeenCalledTimes(2);
    expect(open).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(10 * PROBE_EVERY_MS);
    expect(knock).toHaveBeenCalledTimes(3);
    expect(missed).toHaveBeenCalledTimes(2);
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('tries at once when the page becomes visible', async () => {
    const knock = vi.fn().mockRejectedValueOnce(new Error()).mockResolvedValue({});
    const open = vi.fn();
    const watch = new DoorWatch({ knock, open, missed: vi.fn() });
    watch.now();
    await vi.advanceTimersByTimeAsync(1);
    watch.now();
    await vi.advanceTimersByTimeAsync(1);
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('gives up a try that hangs and goes on', async () => {
    const hang = (signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const knock = vi.fn().mockImplementationOnce(hang).mockResolvedValue({});
    const open = vi.fn();
    new DoorWatch({ knock, open, missed: vi.fn() }).now();
    await vi.advanceTimersByTimeAsync(PROBE_LIMIT_MS + PROBE_EVERY_MS);
    expect(knock).toHaveBeenCalledTimes(2);
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('a late answer of a try that was replaced opens nothing', async () => {
    let answer: (value: unknown) => void = () => {};
    const knock = vi
      .fn()
      .mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
      .mockRejectedValue(new Error());
    const open = vi.fn();
    const watch = new DoorWatch({ knock, open, missed: vi.fn() });
    watch.now();
    watch.now();
    answer({});
    await vi.advanceTimersByTimeAsync(PROBE_EVERY_MS);
    expect(open).not.toHaveBeenCalled();
  });

  it('stops', async () => {
    const knock = vi.fn().mockRejectedValue(new Error());
    const watch = new DoorWatch({ knock, open: vi.fn(), missed: vi.fn() });
    watch.now();
    watch.stop();
    await vi.advanceTimersByTimeAsync(10 * PROBE_EVERY_MS);
    expect(knock).toHaveBeenCalledTimes(1);
  });
});
