import { describe, expect, it } from 'vitest';
import { takeKey } from '../../src/session';

/** As `location` does: wiping the address bar changes what was read from it. */
function bar(hash: string) {
  const at = { hash, pathname: '/dogcam', search: '?as=camera' };
  const wiped: string[] = [];
  const wipe = (address: string) => {
    wiped.push(address);
    at.hash = '';
  };
  return { at, wipe, wiped };
}

describe('the key in the address bar', () => {
  it('is taken before the bar is wiped', () => {
    const { at, wipe, wiped } = bar('#k=7Q2MK9XD4TRWB3HF');
    expect(takeKey(at, wipe)).toBe('7Q2MK9XD4TRWB3HF');
    expect(wiped).toEqual(['/dogcam?as=camera']);
  });

  it('leaves other fragments alone', () => {
    const { at, wipe, wiped } = bar('#main');
    expect(takeKey(at, wipe)).toBe('');
    expect(wiped).toEqual([]);
  });
});
