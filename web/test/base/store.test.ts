import { describe, expect, it } from 'vitest';
import { parse, randomId, Store, type Shelf } from '../../src/store';

function shelf(): Shelf & { text: Record<string, string> } {
  const text: Record<string, string> = {};
  return { text, getItem: (key) => text[key] ?? null, setItem: (key, value) => void (text[key] = value) };
}

describe('what a device remembers', () => {
  it('comes back after a reload, the device id too', () => {
    const kept = shelf();
    const store = new Store(kept);
    store.set('cameraName', 'Kitchen');
    store.set('turns', { Kitchen: 270 });
    const again = new Store(kept);
    expect([again.get('cameraName'), again.get('turns'), again.get('device')]).toEqual(['Kitchen', { Kitchen: 270 }, store.get('device')]);
    expect(Object.keys(kept.text)).toEqual(['kennel.v1']);
  });

  it('keeps what another tab wrote meanwhile', () => {
    const kept = shelf();
    const [one, other] = [new Store(kept), new Store(kept)];
    one.set('cameraName', 'Kitchen');
    other.set('muted', true);
    expect(new Store(kept).get('cameraName')).toBe('Kitchen');
  });

  it.each(['', 'no json', '[]', 'null', '3', '{"rotation":45,"volume":7,"heard":[1],"turns":[],"theme":"pink","muted":"yes"}'])('survives %j', (text) => {
    const values = parse(text);
    expect([values.rotation, values.volume, values.heard, values.turns, values.theme, values.muted]).toEqual([0, 1, [], {}, 'auto', false]);
  });

  it('resets only the value that is broken', () => {
    expect(parse('{"rotation":45,"cameraName":"Garden"}')).toMatchObject({ rotation: 0, cameraName: 'Garden' });
  });

  it('works, and forgets, where storage is denied', () => {
    const denied: Shelf = {
      getItem: () => {
        throw new Error();
      },
      setItem: () => {
        throw new Error();
      },
    };
    for (const shelf of [denied, null]) {
      const store = new Store(shelf);
      store.set('muted', true);
      expect(store.get('device')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('makes ids of version 4', () => {
    expect(randomId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(randomId()).not.toBe(randomId());
  });
});
