import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer, Failure, Token } from '../../src/api';
import { Session, type Status } from '../../src/dogcam/session';
import { FakeSdk, remoteTrack } from './fake-sdk';

const TOKEN: Token = { token: 'jwt', identity: 'Kitchen', room: 'Dog Cam', expires: 0, time: 0 };
const media = (label: string) => ({ label }) as unknown as MediaStreamTrack;
const data = { kind: 'data', trackName: '', isTrackEnabled: true };
const picture = { kind: 'video', trackName: 'camera', isTrackEnabled: true };
const sound = (isTrackEnabled = true) => ({ kind: 'audio', trackName: 'microphone', isTrackEnabled });

function refused(status: number, code: string): Answer<Token> {
  const failure: Failure = { kind: 'refused', status, code, message: '', ended: null };
  return { ok: false, failure };
}

describe('a stay in a room', () => {
  let fake: FakeSdk;
  let session: Session;
  let seen: Status[];
  let answers: Answer<Token>[];
  let tokens: boolean[];
  let wakes: (() => void)[];
  let changes = 0;
  let mutedBy: [boolean, string][];

  const kinds = () => seen.map((status) => ('why' in status ? `${status.kind} ${status.why.kind}` : status.kind));
  const settle = () => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    vi.useFakeTimers();
    [fake, seen, answers, tokens, wakes, mutedBy] = [new FakeSdk(), [], [], [], [], []];
    session = new Session(
      {
        sdk: async () => fake.sdk,
        token: async (takeOver) => (tokens.push(takeOver), answers.shift() ?? { ok: true, value: TOKEN }),
        servers: { signaling: 'wss://here/signaling', insights: 'wss://here/v1/VideoEvents' },
        waker: {
          listen(wake) {
            wakes.push(wake);
            return () => (wakes = wakes.filter((other) => other !== wake));
          },
        },
        now: Date.now,
      },
      {
        status: (status) => seen.push(status),
        changed: () => (changes += 1),
        named: () => {},
        muted: (muted, by) => mutedBy.push([muted, by]),
      },
    );
  });
  afterEach(() => {
    session.leave();
    vi.useRealTimers();
  });

  it('asks for what only rooms with a server in between answer, and for several sizes where it sends a picture', async () => {
    await session.join();
    expect(fake.options).toMatchObject({
      dominantSpeaker: true,
      networkQuality: { local: 1, remote: 1 },
      bandwidthProfile: { video: { mode: 'grid', clientTrackSwitchOffControl: 'manual', contentPreferencesMode: 'manual' } },
    });
    expect(fake.options).not.toHaveProperty('preferredVideoCodecs');
    await session.setVideo(media('back'));
    await session.join();
    expect(fake.options.preferredVideoCodecs).toBe('auto');
  });

  it('says how large a picture is shown, on whatever track carries it now', async () => {
    await session.join();
    const kitchen = fake.room.come('PAkit', 'Kitchen', [data, picture, sound()]);
    const publication = kitchen.videoTracks.get('PAkit1')!;
    session.want('PAkit', { width: 640, height: 368 });
    expect(publication.track!.wishes).toEqual([{ width: 640, height: 368 }, 'on']);
    const next = (publication.track = remoteTrack('video'));
    session.want('PAkit', null);
    expect(next.wishes).toEqual(['off']);
    publication.track = null;
    session.want('PAkit', null);
    session.want('PAnobody', null);
  });

  it('hears of quality and of the loudest', async () => {
    await session.join();
    const [kitchen] = [fake.room.come('PAkit', 'Kitchen', [data, sound()]), fake.room.come('PAgar', 'Garden', [data, sound()])];
    const qualities = () => [session.quality, ...session.peers().map(({ quality }) => quality)];
    expect(qualities()).toEqual([null, null, null]);
    changes = 0;
    [fake.room.localParticipant.networkQualityLevel, kitchen.networkQualityLevel] = [4, 2];
    kitchen.emit('networkQualityLevelChanged', 2);
    fake.room.localParticipant.emit('networkQualityLevelChanged', 4);
    fake.room.dominantSpeaker = { sid: 'PAgar' };
    fake.room.emit('dominantSpeakerChanged', fake.room.dominantSpeaker);
    expect(changes).toBe(3);
    expect(qualities()).toEqual([4, 2, null]);
    expect(session.peers().map(({ loudest }) => loudest)).toEqual([false, true]);
  });

  it('joins the room of the token on the own server, with its tracks and a data track', async () => {
    await session.setVideo(media('back'));
    await session.join();
    expect(kinds()).toEqual(['joining', 'live']);
    expect(fake.asked).toEqual([{ token: 'jwt', name: 'Dog Cam', wsServer: 'wss://here/signaling' }]);
    expect(fake.room.published).toEqual(['camera', 'data']);
  });

  it('publishes what is opened while the join is under way', async () => {
    fake.hold = true;
    const joining = session.join();
    await settle();
    await session.setVideo(media('back'));
    fake.letIn();
    await joining;
    expect(fake.room.published).toEqual(['data', 'camera']);
  });

  it('changes the picture by unpublishing the old one', async () => {
    await session.setVideo(media('back'));
    await session.join();
    await session.setVideo(null);
    expect(fake.room.published).toEqual(['data']);
    await session.setVideo(media('front'));
    expect(fake.room.published).toEqual(['data', 'camera']);
  });

  describe('after a loss', () => {
    it('leaves the first tries to the SDK', async () => {
      await session.join();
      fake.room.emit('reconnecting');
      fake.room.emit('reconnected');
      expect(kinds()).toEqual(['joining', 'live', 'reconnecting', 'live']);
      expect(tokens).toHaveLength(1);
    });

    it('takes a new token and joins again at once when the SDK gives up', async () => {
      await session.join();
      fake.room.end(53001);
      await settle();
      expect(kinds()).toEqual(['joining', 'live', 'joining', 'live']);
      expect(tokens).toHaveLength(2);
    });

    it('goes on for ever, 1, 2, 4 … 30 s apart', async () => {
      await session.join();
      answers = Array.from({ length: 50 }, () => ({ ok: false, failure: { kind: 'unreachable' } }));
      fake.room.end(53001);
      await settle();
      const waits: number[] = [];
      for (let turn = 0; turn < 8; turn += 1) {
        const status = session.status;
        if (status.kind !== 'waiting') throw new Error(status.kind);
        waits.push((status.due - Date.now()) / 1000);
        await vi.advanceTimersByTimeAsync(status.due - Date.now());
      }
      expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
      answers = [];
      await vi.advanceTimersByTimeAsync(30_000);
      expect(session.status.kind).toBe('live');
    });

    it('tries at once when the network or the page comes back', async () => {
      answers = Array.from({ length: 50 }, () => ({ ok: false, failure: { kind: 'unreachable' } }));
      await session.join();
      for (let turn = 0; turn < 3; turn += 1) await vi.advanceTimersByTimeAsync(31_000);
      answers = [];
      const before = tokens.length;
      expect(wakes).toHaveLength(1);
      wakes[0]!();
      await settle();
      expect(tokens.length).toBe(before + 1);
      expect(session.status.kind).toBe('live');
      expect(wakes).toHaveLength(0);
    });

    it('says since when the connection is lost, through all tries', async () => {
      await session.join();
      const lost = Date.now();
      answers = Array.from({ length: 9 }, () => ({ ok: false, failure: { kind: 'unreachable' } }));
      fake.room.end(53001);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(session.status).toMatchObject({ kind: 'waiting', since: lost });
    });

    it('waits for its own old seat to be free, and takes nothing over', async () => {
      await session.join();
      answers = [{ ok: false, failure: { kind: 'unreachable' } }, refused(409, 'name_taken'), refused(409, 'name_taken')];
      fake.room.end(53001);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(session.status).toMatchObject({ kind: 'waiting', why: { kind: 'taken' } });
      await vi.advanceTimersByTimeAsync(30_000);
      expect(session.status.kind).toBe('live');
      expect(tokens).not.toContain(true);
    });

    it('keeps muted and switched-off tracks as they were', async () => {
      await session.setAudio(media('mic'));
      await session.setVideo(media('back'));
      await session.join();
      session.setMuted(true);
      session.setVideoOff(true);
      fake.room.end(53001);
      await settle();
      const tracks = [...fake.room.localParticipant.tracks.values()].map(({ track }) => [track.name, track.isEnabled]);
      expect(tracks).toEqual([['camera', false], ['microphone', false], ['', true]]);
      expect(fake.room.sent).toEqual(['mute PAown']);
    });
  });

  describe('refused', () => {
    it.each([
      [53205, 'displaced'],
      [53118, 'room-ended'],
    ])('ends with %i as %s and never comes back by itself', async (code, kind) => {
      await session.join();
      fake.room.end(code);
      await vi.advanceTimersByTimeAsync(120_000);
      expect(session.status).toMatchObject({ kind: 'ended', why: { kind } });
      expect(tokens).toHaveLength(1);
    });

    it('reads an end without an error as removed', async () => {
      await session.join();
      fake.room.end();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(session.status).toMatchObject({ kind: 'ended', why: { kind: 'removed' } });
    });

    it('tries a full room each 20 s', async () => {
      fake.refuse = [53105, 53105];
      await session.join();
      expect(session.status).toMatchObject({ kind: 'waiting', why: { kind: 'full' } });
      await vi.advanceTimersByTimeAsync(19_999);
      expect(fake.asked).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(fake.asked).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(session.status.kind).toBe('live');
    });

    it('fetches one fresh token, silently, and then says so', async () => {
      fake.refuse = [20104];
      await session.join();
      await settle();
      expect(session.status.kind).toBe('live');
      fake.refuse = [20101, 20101];
      void session.join();
      await settle();
      expect(session.status).toMatchObject({ kind: 'ended', why: { kind: 'token' } });
    });

    it('asks before it takes a name over', async () => {
      answers = [refused(409, 'name_taken')];
      await session.join();
      expect(session.status).toMatchObject({ kind: 'ended', why: { kind: 'taken' } });
      await session.join(true);
      expect(tokens).toEqual([false, true]);
      expect(session.status.kind).toBe('live');
    });

    it.each([
      [401, 'key_unknown', 'ended link'],
      [403, 'right_missing', 'ended not-allowed'],
      [400, 'name_invalid', 'ended name'],
      [429, 'too_many_tries', 'waiting too-many-tries'],
      [500, 'broken', 'waiting other'],
    ])('%i %s', async (status, code, expected) => {
      answers = [refused(status, code)];
      await session.join();
      expect(kinds().pop()).toBe(expected);
    });

    it('says that a browser is too old', async () => {
      (fake.sdk as { isSupported: boolean }).isSupported = false;
      await session.join();
      expect(session.status).toMatchObject({ kind: 'ended', why: { kind: 'unsupported' } });
    });
  });

  it('does not come back when it left meanwhile', async () => {
    fake.hold = true;
    const joining = session.join();
    await settle();
    session.leave();
    fake.letIn();
    await joining;
    expect(session.status.kind).toBe('idle');
    expect(fake.cancelled).toBe(1);
    expect(fake.room.left).toBe(true);
    expect(session.peers()).toEqual([]);
  });

  describe('the mute texts', () => {
    beforeEach(async () => {
      await session.setAudio(media('mic'));
      await session.join();
    });

    it('set, not toggle, and announce each time', async () => {
      const laptop = fake.room.come('PAlap', 'Laptop', [data]);
      for (const text of ['mute PAown', 'mute PAown', 'unmute PAown']) fake.room.hear(text, laptop);
      expect(mutedBy).toEqual([[true, 'Laptop'], [true, 'Laptop'], [false, 'Laptop']]);
      expect(fake.room.sent).toEqual(['mute PAown', 'mute PAown', 'unmute PAown']);
    });

    it('ask each new data track once, and answer when asked while muted', async () => {
      fake.room.come('PAlap', 'Laptop', [data]);
      fake.room.emit('trackSubscribed', { kind: 'data' });
      expect(fake.room.sent).toEqual(['sendState']);
      fake.room.hear('sendState', { sid: 'PAlap', identity: 'Laptop' });
      expect(fake.room.sent).toEqual(['sendState']);
      session.setMuted(true);
      fake.room.hear('state', { sid: 'PAlap', identity: 'Laptop' });
      expect(fake.room.sent).toEqual(['sendState', 'mute PAown', 'mute PAown']);
    });

    it("move another's icon by its own announcement only", async () => {
      const garden = fake.room.come('PAgar', 'Garden', [data, sound()]);
      const laptop = fake.room.come('PAlap', 'Laptop', [data]);
      const muted = () => session.peers().find((peer) => peer.name === 'Garden')!.muted;
      session.askMute('PAgar', true);
      fake.room.hear('mute PAgar', laptop);
      expect(muted()).toBe(false);
      fake.room.hear('mute PAgar', garden);
      expect(muted()).toBe(true);
      fake.room.emit('trackEnabled', { kind: 'audio', trackName: 'microphone' }, garden);
      expect(muted()).toBe(false);
    });

    it('start from what the server says of a late-met microphone', () => {
      fake.room.come('PAgar', 'Garden', [data, sound(false)]);
      expect(session.peers()[0]!.muted).toBe(true);
    });

    it('never are anything else, whatever comes in', () => {
      const other = { sid: 'PAx', identity: 'X' };
      for (const text of ['hello', 'mute', 'mute PAx PAown', '{"a":1}', '', new ArrayBuffer(3), 'battery 3']) fake.room.hear(text, other);
      expect(fake.room.sent).toEqual([]);
    });
  });
});
