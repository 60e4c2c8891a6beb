import { describe, expect, it } from 'vitest';
import { peerOf } from '../../src/dogcam/peers';

const media = (id: string) => ({ id }) as unknown as MediaStreamTrack;
const publication = (kind: string, mediaStreamTrack: MediaStreamTrack | null, more = {}) => ({
  kind,
  trackName: kind,
  trackSid: `MT${kind}`,
  isTrackEnabled: true,
  track: mediaStreamTrack ? { kind, mediaStreamTrack, isSwitchedOff: false } : null,
  ...more,
});

type Publication = ReturnType<typeof publication>;

function peer(tracks: Publication[], more = {}, loudest?: string) {
  const participant = { sid: 'PAkit', identity: 'Kitchen', state: 'connected', tracks: new Map(tracks.map((one) => [one.trackSid, one])), ...more };
  return peerOf(participant as never, undefined, 0, loudest);
}

describe('what is known of another participant', () => {
  it('keeps the old picture and sound until those of another connection are there', () => {
    const [video, audio] = [publication('video', media('v1')), publication('audio', media('a1'))];
    expect(peer([video, audio]).video).toEqual({ sid: 'MTvideo', media: { id: 'v1' } });
    video.track = audio.track = null;
    expect(peer([video, audio])).toMatchObject({
      video: { media: { id: 'v1' }, leaving: true },
      audio: { media: { id: 'a1' }, leaving: true },
      hasVideo: true,
    });
    video.track = { kind: 'video', mediaStreamTrack: media('v2'), isSwitchedOff: false };
    expect(peer([video, audio]).video).toEqual({ sid: 'MTvideo', media: { id: 'v2' } });
  });

  it('has no picture before the first, nor after it is unpublished', () => {
    expect(peer([publication('video', null)])).toMatchObject({ video: null, hasVideo: true });
    expect(peer([publication('audio', media('a'))])).toMatchObject({ video: null, hasVideo: false });
  });

  it('says what the server judges, where it does', () => {
    const off = publication('video', media('v'));
    off.track = { kind: 'video', mediaStreamTrack: media('v'), isSwitchedOff: true };
    expect(peer([off], { networkQualityLevel: 0 }, 'PAkit')).toMatchObject({ paused: true, quality: 0, loudest: true });
    expect(peer([publication('video', null)])).toMatchObject({ paused: false, quality: null, loudest: false });
  });
});
