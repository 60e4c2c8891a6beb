import { describe, expect, it } from 'vitest';
import { cameraAddress, cardsOf, changed, choicesFor, watchAddress, type Situation } from '../../src/home/cards';
import { dayAndClock, since } from '../../src/home/since';
import { clock } from '../../src/ui/values';
import type { CameraStatus, LiveCamera } from '../../src/live';

const STATUS: CameraStatus = {
  battery: 0.873,
  charging: false,
  visible: true,
  wake_lock: true,
  width: 1280,
  height: 720,
  facing: 'back',
  rotation: 0,
  muted: false,
  video_off: false,
  pressure: null,
};

function camera(name: string, more: Partial<LiveCamera> = {}): LiveCamera {
  return { room: 'Dog Cam', name, state: 'live', since: 1000, status: STATUS, watchers: [], ...more };
}

describe('the cards', () => {
  it('show live ones first, then gone, then stopped, by name within', () => {
    const names = cardsOf([
      camera('Attic', { state: 'stopped' }),
      camera('Kitchen'),
      camera('Barn', { state: 'gone' }),
      camera('Garden'),
    ]).map((card) => card.name);
    expect(names).toEqual(['Garden', 'Kitchen', 'Barn', 'Attic']);
  });

  it('name the room only where there are several', () => {
    expect(cardsOf([camera('Kitchen'), camera('Garden')]).map((card) => card.room)).toEqual([null, null]);
    const two = cardsOf([camera('Kitchen'), camera('Kitchen', { room: 'Stable' })]);
    expect(two.map((card) => card.room)).toEqual(['Dog Cam', 'Stable']);
    expect(new Set(two.map((card) => card.id)).size).toBe(2);
  });

  it('give the battery in whole percent, and none when the camera does not tell', () => {
    expect(cardsOf([camera('Kitchen')])[0]?.battery).toBe(87);
    expect(cardsOf([camera('Kitchen', { status: null })])[0]?.battery).toBeNull();
  });

  it.each([
    [0.14, false, true],
    [0.14, true, false],
    [0.15, false, false],
    [null, false, false],
  ])('battery %s, charging %s: low is %s', (battery, charging, low) => {
    expect(cardsOf([camera('Kitchen', { status: { ...STATUS, battery, charging } })])[0]?.lowBattery).toBe(low);
  });

  it('say nothing stale about a camera that is gone', () => {
    const gone = camera('Kitchen', { state: 'gone', status: { ...STATUS, battery: 0.01 }, watchers: ['Laptop'] });
    expect(cardsOf([gone])[0]).toMatchObject({ battery: null, lowBattery: false, watchers: [], since: 1000 });
  });
});

describe('what changed', () => {
  const kitchen = camera('Kitchen');
  it.each([
    ['the first list is no news', null, [kitchen], []],
    ['the same list again', [kitchen], [kitchen], []],
    ['a new camera', [], [kitchen], ['Kitchen live']],
    ['one that went', [kitchen], [camera('Kitchen', { state: 'gone' })], ['Kitchen gone']],
    ['its namesake in another room', [kitchen], [kitchen, camera('Kitchen', { room: 'Stable' })], ['Kitchen live']],
    ['one that was forgotten', [kitchen], [], []],
    ['only its battery', [kitchen], [camera('Kitchen', { status: null })], []],
  ] as [string, LiveCamera[] | null, LiveCamera[], string[]][])('%s', (_, before, after, expected) => {
    expect(changed(before, after).map((each) => `${each.name} ${each.state}`)).toEqual(expected);
  });
});

describe('addresses', () => {
  it('keep names with every kind of letter', () => {
    const href = watchAddress('Dog Cam', 'Küche & Bad #1');
    const query = new URL(href, 'http://a').searchParams;
    expect([query.get('room'), query.get('camera')]).toEqual(['Dog Cam', 'Küche & Bad #1']);
  });

  it('say as little as needed', () => {
    expect(watchAddress(null)).toBe('/dogcam');
    expect(cameraAddress(null)).toBe('/dogcam?as=camera');
    expect(cameraAddress(null, 'Kitchen')).toBe('/dogcam?as=camera&name=Kitchen&start=1');
  });
});

describe('the choices', () => {
  const all: Situation = { mayCamera: true, mayWatch: true, handheld: false, role: null, cameraName: '' };
  it.each([
    ['a computer', {}, ['watch', 'camera']],
    ['a phone', { handheld: true }, ['camera', 'watch']],
    ['a phone that watched', { handheld: true, role: 'watch', cameraName: 'Kitchen' }, ['watch', 'camera']],
    ['a device that was Kitchen', { role: 'camera', cameraName: 'Kitchen' }, ['again', 'camera', 'watch']],
    ['a camera without a name', { role: 'camera' }, ['camera', 'watch']],
    ['a link for watching', { handheld: true, mayCamera: false, role: 'camera', cameraName: 'Kitchen' }, ['watch']],
    ['a link for a camera', { mayWatch: false }, ['camera']],
    ['a link for nothing here', { mayCamera: false, mayWatch: false }, []],
  ] as [string, Partial<Situation>, string[]][])('%s', (_, more, expected) => {
    expect(choicesFor({ ...all, ...more })).toEqual(expected);
  });
});

describe('since when', () => {
  const at = (day: number, hour: number) => new Date(2026, 4, day, hour, 3).getTime();
  it('names the day only when it is not today', () => {
    expect(since(at(3, 0), at(3, 23))).toBe(clock(at(3, 0)));
    expect(since(at(3, 23), at(4, 1))).toBe(dayAndClock(at(3, 23)));
    expect(clock(at(3, 23))).not.toBe(dayAndClock(at(3, 23)));
  });
});
