import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { plays, trackOf } from '../../src/dogcam/play';

/** As much of a track as the element cares about. */
class FakeTrack extends EventTarget {
  readyState = 'live';
  constructor(
    readonly id: string,
    public muted = false,
  ) {
    super();
  }
  flow() {
    this.muted = false;
    this.dispatchEvent(new Event('unmute'));
  }
}

describe('an element that plays one track after the other', () => {
  let node: HTMLMediaElement;
  let log: string[];
  const shown = () => trackOf(node)?.id ?? null;
  const real = (track: FakeTrack | null) => track as unknown as MediaStreamTrack | null;
  const play = (track: FakeTrack | null) => plays(node, played(track));
  const played = (track: FakeTrack | null, keep = true) => ({ track: real(track), keep, onswitch: () => log.push(`from ${shown()}`) });

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }));
    vi.stubGlobal('MediaStream', class { constructor(private readonly tracks: unknown[]) {} getTracks = () => this.tracks; });
    node = { srcObject: null, paused: false, play: async () => {} } as unknown as HTMLMediaElement;
    log = [];
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('shows the first at once, and keeps it when there is none', () => {
    const playing = play(new FakeTrack('a', true));
    expect(shown()).toBe('a');
    playing.update(played(null));
    expect(shown()).toBe('a');
    playing.update(played(null, false));
    expect(shown()).toBeNull();
  });

  it('stays with the old while it lives, until something comes on the new', () => {
    const [old, next] = [new FakeTrack('old'), new FakeTrack('next', true)];
    const playing = play(old);
    playing.update(played(next));
    expect([shown(), log]).toEqual(['old', []]);
    next.flow();
    expect([shown(), log]).toEqual(['next', ['from old']]);
    vi.advanceTimersByTime(5_000);
    expect(log).toHaveLength(1);
  });

  it.each<[string, (old: FakeTrack, next: FakeTrack) => void]>([
    ['has ended', (old) => (old.readyState = 'ended')],
    ['brings nothing any more', (old) => (old.muted = true)],
    ['has a follower that flows already', (_old, next) => (next.muted = false)],
  ])('leaves the old at once when it %s', (_what, change) => {
    const [old, next] = [new FakeTrack('old'), new FakeTrack('next', true)];
    const playing = play(old);
    change(old, next);
    playing.update(played(next));
    expect([shown(), log]).toEqual(['next', ['from old']]);
  });

  it('waits a second at most, and only for the last wanted', () => {
    const [old, lost, next] = [new FakeTrack('old'), new FakeTrack('lost', true), new FakeTrack('next', true)];
    const playing = play(old);
    playing.update(played(lost));
    vi.advanceTimersByTime(900);
    playing.update(played(next));
    lost.flow();
    vi.advanceTimersByTime(900);
    expect(shown()).toBe('old');
    vi.advanceTimersByTime(100);
    expect(shown()).toBe('next');
  });

  it('forgets what it waits for when it goes', () => {
    const [old, next] = [new FakeTrack('old'), new FakeTrack('next', true)];
    const playing = play(old);
    playing.update(played(next));
    playing.destroy();
    next.flow();
    vi.advanceTimersByTime(5_000);
    expect(shown()).toBeNull();
  });
});
