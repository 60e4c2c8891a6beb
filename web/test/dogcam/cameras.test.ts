import { beforeEach, describe, expect, it } from 'vitest';
import { Cameras } from '../../src/dogcam/cameras';
import type { Peer } from '../../src/dogcam/peers';
import type { LiveCamera } from '../../src/live';

const ROOM = 'Dog Cam';
const T = 1_000_000;
const track = () => ({ id: Math.random() }) as unknown as MediaStreamTrack;

function peer(name: string, more: Partial<Peer> = {}): Peer {
  return {
    sid: `PA${name}`,
    name,
    joined: T,
    reconnecting: false,
    video: { sid: `MT${name}`, media: track() },
    audio: null,
    talk: null,
    talking: false,
    hasVideo: true,
    hasAudio: true,
    videoOff: false,
    muted: false,
    paused: false,
    loudest: false,
    quality: null,
    ...more,
  };
}

function live(name: string, state: LiveCamera['state'] = 'live', since = T, room = ROOM): LiveCamera {
  return { room, name, state, since, status: null, watchers: [] };
}

describe('the cameras a watcher knows', () => {
  let cameras: Cameras;
  const states = () => Object.fromEntries(cameras.list().map(({ name, judged }) => [name, judged.state]));
  beforeEach(() => (cameras = new Cameras(() => 'Laptop')));

  it('shows who publishes, and not who only watches', () => {
    cameras.setLive([live('Kitchen')], ROOM);
    cameras.update([peer('Kitchen'), peer('Phone', { hasVideo: false, hasAudio: false, video: null })], true, T);
    expect(states()).toEqual({ Kitchen: 'joining' });
    cameras.frame('Kitchen', T + 100);
    cameras.update([peer('Kitchen')], true, T + 200);
    expect(states()).toEqual({ Kitchen: 'live' });
  });

  it('says Gone when a camera leaves, and Stopped when it said so', () => {
    cameras.setLive([live('Kitchen'), live('Garden')], ROOM);
    cameras.update([peer('Kitchen'), peer('Garden')], true, T);
    cameras.setLive([live('Kitchen', 'gone', T + 50), live('Garden', 'stopped', T + 50)], ROOM);
    cameras.update([], true, T + 60);
    expect(states()).toEqual({ Kitchen: 'gone', Garden: 'stopped' });
    cameras.update([], true, T + 29_000);
    expect(states()).toEqual({ Kitchen: 'gone', Garden: 'stopped' });
    cameras.update([], true, T + 31_000);
    expect(states()).toEqual({ Kitchen: 'gone' });
  });

  it('drops a page that cannot say Stop as soon as it leaves', () => {
    cameras.update([peer('Crate')], true, T);
    cameras.update([], true, T + 1);
    expect(states()).toEqual({});
  });

  it('starts the clocks anew after our own absence', () => {
    cameras.setLive([live('Kitchen')], ROOM);
    const kitchen = peer('Kitchen');
    cameras.update([kitchen], true, T);
    cameras.frame('Kitchen', T + 100);
    cameras.update([], false, T + 60_000);
    expect(states()).toEqual({ Kitchen: 'gone' });
    cameras.update([kitchen], true, T + 60_001);
    expect(states()).toEqual({ Kitchen: 'joining' });
  });

  it('awaits a first frame when a picture is switched on again', () => {
    cameras.setLive([live('Kitchen')], ROOM);
    cameras.update([peer('Kitchen')], true, T);
    cameras.frame('Kitchen', T);
    cameras.update([peer('Kitchen', { videoOff: true })], true, T + 1);
    expect(states()).toEqual({ Kitchen: 'sound' });
    cameras.update([peer('Kitchen', { videoOff: true })], true, T + 60_000);
    cameras.update([peer('Kitchen')], true, T + 60_001);
    expect(states()).toEqual({ Kitchen: 'joining' });
  });

  it('blames no camera for the time in which the server did not send its picture', () => {
    cameras.update([peer('Kitchen')], true, T);
    cameras.frame('Kitchen', T);
    cameras.update([peer('Kitchen', { paused: true })], true, T + 60_000);
    cameras.sample('Kitchen', { fps: 0, packetsReceived: 10, packetsLost: 0, at: T + 60_001 }, true);
    expect(states()).toEqual({ Kitchen: 'paused' });
    expect(cameras.get('Kitchen')!.facts.weakSince).toBeNull();
    cameras.update([peer('Kitchen')], true, T + 90_000);
    expect(states()).toEqual({ Kitchen: 'live' });
    cameras.update([peer('Kitchen')], true, T + 93_000);
    expect(states()).toEqual({ Kitchen: 'frozen' });
  });

  it('goes on while a picture moves from one connection to another', () => {
    cameras.update([peer('Kitchen')], true, T);
    cameras.frame('Kitchen', T);
    cameras.update([peer('Kitchen', { video: { sid: 'MTKitchen', media: track(), leaving: true } })], true, T + 1_000);
    cameras.update([peer('Kitchen')], true, T + 2_000);
    expect(states()).toEqual({ Kitchen: 'live' });
    expect(cameras.get('Kitchen')!.facts.joined).toBe(T);
  });

  it('takes frames from the statistics only for pictures off screen', () => {
    cameras.update([peer('Kitchen')], true, T);
    const sample = { fps: 20, packetsReceived: 10, packetsLost: 0, at: T + 10 };
    cameras.sample('Kitchen', sample, true);
    expect(cameras.get('Kitchen')!.facts.lastFrame).toBeNull();
    cameras.sample('Kitchen', { ...sample, packetsReceived: 20, at: T + 20 }, false);
    expect(cameras.get('Kitchen')!.facts.lastFrame).toBe(T + 20);
  });

  it('forgives the time in which the page was hidden', () => {
    cameras.update([peer('Kitchen')], true, T);
    cameras.frame('Kitchen', T);
    cameras.forgive(T + 600_000);
    cameras.update([peer('Kitchen')], true, T + 600_001);
    expect(states()).toEqual({ Kitchen: 'live' });
  });

  it('ignores other rooms and itself', () => {
    cameras.setLive([live('Barn', 'live', T, 'Farm'), live('Laptop')], ROOM);
    cameras.update([], true, T);
    expect(states()).toEqual({});
  });
});
