import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf, nextCamera, openBoth, openPicture, pictureOf, type Media, type Wish } from '../../src/dogcam/capture';
import { OwnMedia } from '../../src/dogcam/own';
import { LowPower } from '../../src/dogcam/power';

const WISH: Wish = { deviceId: '', facing: 'back', quality: 'normal' };
const error = (name: string) => new DOMException('', name);

/** Devices that count what is open, and refuse what they are told to. */
class FakeMedia {
  open = 0;
  most = 0;
  asked: MediaStreamConstraints[] = [];
  refuse: (constraints: MediaStreamConstraints) => DOMException | null = () => null;
  devices = ['back', 'front'];

  getUserMedia = async (constraints: MediaStreamConstraints): Promise<MediaStream> => {
    this.asked.push(constraints);
    const refusal = this.refuse(constraints);
    if (refusal) throw refusal;
    const video = constraints.video ? this.track('video', deviceOf(constraints) ?? 'back') : null;
    const audio = constraints.audio ? this.track('audio', 'mic') : null;
    return { getVideoTracks: () => (video ? [video] : []), getAudioTracks: () => (audio ? [audio] : []) } as unknown as MediaStream;
  };

  enumerateDevices = async () => this.devices.map((deviceId) => ({ kind: 'videoinput', deviceId, label: deviceId }) as MediaDeviceInfo);

  private track(kind: string, deviceId: string) {
    if (kind === 'video') this.most = Math.max(this.most, (this.open += 1));
    const track = {
      kind,
      label: deviceId,
      readyState: 'live',
      muted: false,
      onended: null,
      applied: [] as unknown[],
      getSettings: () => ({ deviceId }),
      applyConstraints: async (wanted: unknown) => void track.applied.push(wanted),
      stop: () => {
        if (kind === 'video' && track.readyState === 'live') this.open -= 1;
        track.readyState = 'ended';
      },
    };
    return track;
  }
}

function deviceOf({ video }: MediaStreamConstraints): string | undefined {
  const id = typeof video === 'object' ? video.deviceId : undefined;
  return typeof id === 'object' && !Array.isArray(id) ? ((id.exact ?? id.ideal) as string) : undefined;
}

describe('opening', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('names what a browser refuses', () => {
    expect(['NotAllowedError', 'NotFoundError', 'NotReadableError', 'AbortError', 'TypeError'].map((name) => failureOf({ name }))).toEqual([
      'denied',
      'none',
      'busy',
      'busy',
      'other',
    ]);
  });

  it('asks one question for both, and goes on without the microphone', async () => {
    const media = new FakeMedia();
    expect(await openBoth(media as Media, WISH)).toMatchObject({ ok: true, audioFailure: null });
    expect(media.asked).toHaveLength(1);
    media.refuse = ({ audio }) => (audio ? error('NotAllowedError') : null);
    expect(await openBoth(media as Media, WISH)).toMatchObject({ ok: true, audio: null, audioFailure: 'denied' });
  });

  it('tells an insecure page, a blocked and a missing camera', async () => {
    expect(await openBoth(undefined, WISH)).toEqual({ ok: false, failure: 'insecure' });
    const media = new FakeMedia();
    media.refuse = () => error('NotAllowedError');
    expect(await openBoth(media as Media, WISH)).toEqual({ ok: false, failure: 'denied' });
    media.refuse = () => error('NotFoundError');
    expect(await openBoth(media as Media, WISH)).toEqual({ ok: false, failure: 'none' });
  });

  it('tries a busy camera twice more, 1 s apart, the last time asking for nothing in particular', async () => {
    const media = new FakeMedia();
    media.refuse = () => error('NotReadableError');
    const opening = openPicture(media as Media, WISH);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await opening).toEqual({ ok: false, failure: 'busy' });
    expect(media.asked.map(({ video }) => video === true)).toEqual([false, false, true]);
  });

  it('wishes for a stored camera without insisting', () => {
    expect(pictureOf({ ...WISH, deviceId: 'gone' }).deviceId).toEqual({ ideal: 'gone' });
    expect(pictureOf(WISH).facingMode).toEqual({ ideal: 'environment' });
  });

  it('goes round the cameras', () => {
    const devices = [{ deviceId: 'a' }, { deviceId: 'b' }, { deviceId: 'c' }];
    expect(['a', 'b', 'c', 'unknown'].map((id) => nextCamera(devices, id)?.deviceId)).toEqual(['b', 'c', 'a', 'a']);
    expect(nextCamera(devices.slice(0, 1), 'a')).toBeNull();
  });
});

describe('the own camera', () => {
  const published: (string | null)[] = [];
  const sink = {
    setVideo: async (track: MediaStreamTrack | null) => void published.push(track?.label ?? null),
    setAudio: async () => {},
  };
  let media: FakeMedia;
  let own: OwnMedia;
  beforeEach(async () => {
    published.length = 0;
    media = new FakeMedia();
    own = new OwnMedia(media as Media, WISH, sink, () => {});
    await own.open();
  });

  it('changes by stopping the old one first: never two open', async () => {
    expect(await own.flip()).toBeNull();
    expect(own.deviceId).toBe('front');
    expect(media.most).toBe(1);
    expect(published).toEqual(['back', null, 'front']);
  });

  it('gets the first one back when the second fails', async () => {
    media.refuse = (constraints) => (deviceOf(constraints) === 'front' ? error('OverconstrainedError') : null);
    expect(await own.flip()).toBe('other');
    expect(own.deviceId).toBe('back');
    expect(published).toEqual(['back', null, 'back']);
    expect(media.most).toBe(1);
  });

  it('opens a track again that ended or was muted in the background', async () => {
    (own.video as unknown as { muted: boolean }).muted = true;
    await own.restart();
    expect(published).toEqual(['back', null, 'back']);
    await own.restart();
    expect(published).toHaveLength(3);
  });

  it('saves power and gives full quality back', async () => {
    await own.setLowPower(true);
    await own.setLowPower(true);
    await own.setLowPower(false);
    const { applied } = own.video as unknown as { applied: MediaTrackConstraints[] };
    expect(applied.map(({ frameRate }) => frameRate)).toEqual([{ max: 15 }, { ideal: 30 }]);
  });

  it('closes what it opened', () => {
    own.close();
    expect(media.open).toBe(0);
    expect([own.video, own.audio]).toEqual([null, null]);
  });
});

describe('saving power', () => {
  it('begins after ten minutes alone and ends with the first watcher', () => {
    vi.useFakeTimers();
    const said: boolean[] = [];
    const power = new LowPower((on) => said.push(on));
    power.watched(false);
    vi.advanceTimersByTime(9 * 60_000);
    power.watched(false);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(said).toEqual([true]);
    power.watched(true);
    expect(said).toEqual([true, false]);
    power.watched(false);
    power.close();
    vi.advanceTimersByTime(60 * 60_000);
    expect(said).toEqual([true, false]);
    vi.useRealTimers();
  });
});
