import { describe, expect, it } from 'vitest';
import { alarms, hasMoved, isWeak, judge, lossBetween, type Facts } from '../../src/dogcam/tiles';

const START = 1_000_000;
const LIVE: Facts = {
  present: true,
  joined: START,
  left: null,
  stopped: false,
  hasVideo: true,
  hasAudio: true,
  videoOff: false,
  paused: false,
  firstFrame: START + 500,
  lastFrame: START + 60_000,
  weakSince: null,
  darkSince: null,
};
const NOW = START + 60_000;

describe('the state of a camera', () => {
  it.each<[string, Partial<Facts>, number, string]>([
    ['frames come', {}, NOW + 100, 'live'],
    ['no frame for 2.9 s', {}, NOW + 2_999, 'live'],
    ['no frame for 3 s', {}, NOW + 3_000, 'frozen'],
    ['no frame for 10 s', {}, NOW + 10_000, 'gone'],
    ['weak for 4.9 s', { weakSince: NOW - 4_900 }, NOW, 'live'],
    ['weak for 5 s', { weakSince: NOW - 5_000 }, NOW, 'weak'],
    ['weak, then still', { weakSince: NOW - 5_000 }, NOW + 4_000, 'frozen'],
    ['dark for 30 s', { darkSince: NOW - 30_000 }, NOW, 'dark'],
    ['dark for 29 s', { darkSince: NOW - 29_000 }, NOW, 'live'],
    ['before the first frame', { firstFrame: null, lastFrame: null }, START + 9_000, 'joining'],
    ['no first frame for 10 s', { firstFrame: null, lastFrame: null }, START + 10_000, 'no-picture'],
    ['left without Stop', { present: false, left: NOW }, NOW, 'gone'],
    ['left by Stop', { present: false, left: NOW, stopped: true }, NOW, 'stopped'],
    ['announced, not in the room yet', { present: false, left: null, joined: NOW }, NOW + 9_000, 'joining'],
    ['announced, never came', { present: false, left: null, joined: NOW }, NOW + 10_000, 'gone'],
    ['picture switched off', { videoOff: true }, NOW + 60_000, 'sound'],
    ['not sent to us', { paused: true }, NOW + 60_000, 'paused'],
    ['not sent to us, before the first frame', { paused: true, firstFrame: null, lastFrame: null }, START + 60_000, 'paused'],
    ['not sent to us, and gone', { paused: true, present: false, left: NOW }, NOW, 'gone'],
    ['only a microphone', { hasVideo: false }, NOW + 60_000, 'sound'],
  ])('%s', (_what, facts, now, state) => {
    expect(judge({ ...LIVE, ...facts }, now).state).toBe(state);
  });

  it('counts from the last picture', () => {
    expect(judge(LIVE, NOW + 12_000)).toEqual({ state: 'gone', since: NOW });
    expect(judge({ ...LIVE, present: false, left: NOW + 7 }, NOW + 9)).toEqual({ state: 'gone', since: NOW + 7 });
  });
});

describe('an alarm', () => {
  it('is for cameras that are gone, or frozen for 10 s', () => {
    expect(alarms({ state: 'gone', since: NOW }, NOW)).toBe(true);
    expect(alarms({ state: 'frozen', since: NOW }, NOW + 9_999)).toBe(false);
    expect(alarms({ state: 'frozen', since: NOW }, NOW + 10_000)).toBe(true);
    for (const state of ['live', 'weak', 'dark', 'stopped', 'sound', 'joining'] as const)
      expect(alarms({ state, since: 0 }, NOW)).toBe(false);
  });
});

describe('the statistics', () => {
  const before = { fps: 20, packetsReceived: 100, packetsLost: 1, at: 0 };

  it('tell loss between two looks', () => {
    expect(lossBetween(before, { ...before, packetsReceived: 190, packetsLost: 11 })).toBe(0.1);
    expect(lossBetween(null, before)).toBe(0);
    expect(lossBetween(before, before)).toBe(0);
    // A new track counts from zero: that is no loss.
    expect(lossBetween(before, { ...before, packetsReceived: 5, packetsLost: 0 })).toBe(0);
  });

  it('tell movement only where packets came and frames were decoded', () => {
    expect(hasMoved(before, { ...before, packetsReceived: 101 })).toBe(true);
    expect(hasMoved(before, before)).toBe(false);
    expect(hasMoved(before, { ...before, packetsReceived: 101, fps: 0 })).toBe(false);
    expect(hasMoved(null, before)).toBe(true);
  });

  it('call it weak above 5 % loss or below 5 frames a second', () => {
    expect([isWeak(20, 0.06), isWeak(20, 0.05), isWeak(4.9, 0), isWeak(5, 0)]).toEqual([true, false, true, false]);
  });
});
