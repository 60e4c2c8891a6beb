import { describe, expect, it } from 'vitest';
import { Alarms, SOUND_EACH_MS, type Watched } from '../../src/dogcam/alarms';
import type { TileState } from '../../src/dogcam/tiles';

const T = 10_000_000;
const loud = () => false;
const kitchen = (state: TileState, since = T): Watched[] => [{ name: 'Kitchen', judged: { state, since } }];

describe('alarms', () => {
  it('begin once, follow from frozen to gone, and end with the whole time', () => {
    const alarms = new Alarms();
    expect(alarms.update(kitchen('live'), loud, true, T)).toEqual([]);
    expect(alarms.update(kitchen('frozen', T), loud, true, T + 9_000)).toEqual([]);
    expect(alarms.update(kitchen('frozen', T), loud, true, T + 10_000)).toMatchObject([{ kind: 'begins', alarm: { state: 'frozen' } }]);
    expect(alarms.update(kitchen('frozen', T), loud, true, T + 11_000)).toEqual([]);
    expect(alarms.update(kitchen('gone', T + 5), loud, true, T + 12_000)).toMatchObject([{ kind: 'begins', alarm: { state: 'gone', since: T } }]);
    expect(alarms.update(kitchen('joining'), loud, true, T + 100_000)).toEqual([]);
    expect(alarms.update(kitchen('live'), loud, true, T + 120_000)).toEqual([{ kind: 'ends', name: 'Kitchen', seconds: 120, back: true }]);
  });

  it('go on while the server does not send the picture, and none begins', () => {
    const alarms = new Alarms();
    expect(alarms.update(kitchen('paused'), loud, true, T + 60_000)).toEqual([]);
    alarms.update(kitchen('gone'), loud, true, T + 61_000);
    expect(alarms.update(kitchen('paused'), loud, true, T + 62_000)).toEqual([]);
    expect(alarms.has('Kitchen')).toBe(true);
  });

  it('end without "is back" when the camera was stopped or forgotten', () => {
    for (const after of [kitchen('stopped'), []]) {
      const alarms = new Alarms();
      alarms.update(kitchen('gone'), loud, true, T);
      expect(alarms.update(after, loud, true, T + 1_000)).toMatchObject([{ kind: 'ends', back: false }]);
    }
  });

  it('are silent for quiet cameras, for old news, and while we are cut off ourselves', () => {
    expect(new Alarms().update(kitchen('gone'), () => true, true, T)).toEqual([]);
    expect(new Alarms().update(kitchen('gone', T - 11 * 60_000), loud, true, T)).toEqual([]);
    expect(new Alarms().update(kitchen('gone'), loud, false, T)).toEqual([]);
  });

  it('sound each 30 s until silenced, and again for the next camera', () => {
    const alarms = new Alarms();
    expect(alarms.soundDue(T)).toBe(false);
    alarms.update(kitchen('gone'), loud, true, T);
    expect([alarms.soundDue(T), alarms.soundDue(T + 1), alarms.soundDue(T + SOUND_EACH_MS)]).toEqual([true, false, true]);
    alarms.silence();
    expect(alarms.soundDue(T + 2 * SOUND_EACH_MS)).toBe(false);
    alarms.update([...kitchen('gone'), { name: 'Garden', judged: { state: 'gone', since: T } }], loud, true, T + 5);
    expect(alarms.soundDue(T + 2 * SOUND_EACH_MS)).toBe(true);
  });
});
