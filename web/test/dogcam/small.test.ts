import { describe, expect, it } from 'vitest';
import { parseAddress, withQuery } from '../../src/dogcam/address';
import { scale } from '../../src/dogcam/device';
import { keyAction } from '../../src/dogcam/keys';
import { brightness } from '../../src/dogcam/look';
import { fileName } from '../../src/dogcam/snapshot';
import { duration, span } from '../../src/ui/values';

describe('the address', () => {
  it('tells role, names and start', () => {
    expect(parseAddress('?as=camera&name=Kitchen&start=1&room=Den')).toEqual({ as: 'camera', name: 'Kitchen', start: true, room: 'Den', camera: '' });
    expect(parseAddress('')).toEqual({ as: 'watch', name: '', start: false, room: '', camera: '' });
    expect(parseAddress('?as=owner&start=yes')).toMatchObject({ as: 'watch', start: false });
  });

  it('changes one value and keeps the others', () => {
    expect(withQuery('?room=Den', { camera: 'Living room' })).toBe('?room=Den&camera=Living+room');
    expect(withQuery('?camera=x', { camera: '' })).toBe('');
  });
});

describe('single keys', () => {
  const press = (key: string, more = {}) =>
    keyAction({ key, ctrlKey: false, altKey: false, metaKey: false, repeat: false, target: null, ...more });

  it('mean what the list says', () => {
    expect(press('3')).toEqual({ kind: 'zoom', index: 2 });
    expect(['0', 'm', 'M', 't', 's', 'r', 'f', '?'].map((key) => press(key)?.kind)).toEqual([
      'back', 'sound', 'sound', 'talk', 'snapshot', 'turn', 'full', 'help',
    ]);
  });

  it('mean nothing with a modifier, repeated, or while somebody types', () => {
    for (const more of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { repeat: true }]) expect(press('m', more)).toBeNull();
    expect(press('m', { target: { closest: () => ({}) } })).toBeNull();
    expect(press('x')).toBeNull();
  });
});

describe('pictures and values', () => {
  it('names a snapshot so that every file system takes it', () => {
    const at = new Date(2026, 4, 3, 14, 3, 22);
    expect(fileName('Kitchen', at)).toBe('Kitchen 2026-05-03 14.03.22.jpg');
    expect(fileName('../a\\b:c*?"<>|', at)).toBe('__a_b_c______ 2026-05-03 14.03.22.jpg');
    expect(fileName('x'.repeat(300), at).length).toBeLessThan(110);
  });

  it('measures brightness without the alpha', () => {
    expect(brightness([10, 20, 30, 255, 0, 0, 0, 255])).toBe(10);
    expect(brightness([])).toBe(0);
  });

  it('puts sound on a scale of decibels', () => {
    expect([scale(0), scale(1), scale(2), Math.round(scale(0.1) * 100)]).toEqual([0, 1, 1, 60]);
  });

  it('writes lengths of time', () => {
    expect([7, 760, 3723, -1].map(duration)).toEqual(['0:07', '12:40', '1:02:03', '0:00']);
    expect([45, 120, 7200, 200_000].map(span)).toEqual(['45 s', '2 min', '2 h', '2 d']);
  });
});
