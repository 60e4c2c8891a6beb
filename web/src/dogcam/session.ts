/**
 * One device's stay in a room: joins, rejoins for ever, keeps the own tracks published, speaks the mute texts.
 * Knows no page: the SDK, the token call, clock and wake-up come from outside.
 */
import type { LocalAudioTrack, LocalDataTrack, LocalParticipant, LocalVideoTrack, RemoteParticipant, Room } from 'twilio-video';
import type { Answer, Token } from '../api';
import { Retry, type Waker } from '../backoff';
import { sendLayersOnceServed, type Inside } from './layers';
import { peerOf, TALK, type Peer } from './peers';
import type { Sdk, SdkOptions } from './sdk';
import { fromError, fromFailure, planFor, type Trouble } from './trouble';
import { ASK, read, say } from './wire';

export type Status =
  | { kind: 'idle' }
  /** `again`: a connection was lost at `since`. */
  | { kind: 'joining'; since: number; again: boolean }
  | { kind: 'live'; since: number }
  /** The SDK is at it; media may still flow. */
  | { kind: 'reconnecting'; since: number }
  /** A new join is planned at `due`, ms since 1970. */
  | { kind: 'waiting'; why: Trouble; since: number; due: number }
  /** Only a person can go on. */
  | { kind: 'ended'; why: Trouble };

export interface SessionParts {
  sdk: () => Promise<Sdk>;
  /** A new token; `takeOver` where the person said so. */
  token: (takeOver: boolean) => Promise<Answer<Token>>;
  /** ws: or wss: addresses of the signalling and the telemetry. */
  servers: { signaling: string; insights: string };
  waker: Waker;
  now: () => number;
}

export interface SessionListener {
  status(status: Status): void;
  /** Somebody came, left, published, muted. Read `peers()`. */
  changed(): void;
  /** Our identity in the room, from the token. */
  named(identity: string, room: string): void;
  /** Somebody muted or unmuted us through the data track. */
  muted(muted: boolean, by: string): void;
}

type LocalMedia = LocalVideoTrack | LocalAudioTrack;

type Judged = Pick<RemoteParticipant | LocalParticipant, 'on'>;

/** The room's events that mean no more than a look at `peers()`. */
const EVENTS = [
  'trackPublished',
  'trackUnpublished',
  'trackUnsubscribed',
  'trackSwitchedOff',
  'trackSwitchedOn',
  'dominantSpeakerChanged',
  'participantReconnecting',
  'participantReconnected',
  'recordingStarted',
  'recordingStopped',
];

/** What is open here, and the SDK's track of it once the SDK is there. */
type Own = Record<'video' | 'audio' | 'talk', { media: MediaStreamTrack; track: LocalMedia | null } | null>;

export interface Size {
  width: number;
  height: number;
}

/**
 * What only rooms with a server in between answer. The pages say themselves what they show (`want`): the SDK's own way watches the
 * elements it attached, and switches a picture off as soon as the page is hidden, when nobody would notice that a camera froze.
 */
const WISHES: Pick<SdkOptions, 'dominantSpeaker' | 'networkQuality' | 'bandwidthProfile'> = {
  dominantSpeaker: true,
  networkQuality: { local: 1, remote: 1 },
  bandwidthProfile: { video: { mode: 'grid', clientTrackSwitchOffControl: 'manual', contentPreferencesMode: 'manual' } },
};

const NAMES: Record<keyof Own, string> = { video: 'camera', audio: 'microphone', talk: TALK };

export class Session {
  status: Status = { kind: 'idle' };
  private room: Room | null = null;
  private data: LocalDataTrack | null = null;
  private readonly own: Own = { video: null, audio: null, talk: null };
  private muted = false;
  private videoOff = false;
  /** What each participant announced about its microphone, by SID. */
  private readonly announced = new Map<string, boolean>();
  private readonly joinedAt = new Map<string, number>();
  private readonly retry: Retry;
  /** Counts joins; whatever belongs to an older one is void. */
  private turn = 0;
  private cancelConnect: (() => void) | null = null;
  private tokenRefusals = 0;
  private lostSince: number | null = null;
  private loadedSdk: Sdk | null = null;

  constructor(
    private readonly parts: SessionParts,
    private readonly listener: SessionListener,
  ) {
    this.retry = new Retry(parts.waker, parts.now);
  }

  /** Joins, or joins again at once. `takeOver` throws out another device of the same name. */
  async join(takeOver = false): Promise<void> {
    this.drop();
    const turn = (this.turn += 1);
    this.setStatus({ kind: 'joining', since: this.lostSince ?? this.parts.now(), again: this.lostSince !== null });
    const token = await this.parts.token(takeOver);
    if (turn !== this.turn) return;
    if (!token.ok) return this.fail(fromFailure(token.failure, ''));
    try {
      const sdk = await this.parts.sdk();
      if (turn !== this.turn) return;
      this.loadedSdk = sdk;
      if (!sdk.isSupported) return this.fail({ kind: 'unsupported' });
      await this.connect(sdk, token.value, turn);
    } catch (error) {
      if (turn === this.turn) this.fail(fromError(error));
    }
  }

  /** Leaves for good; `join` starts anew. */
  leave(): void {
    this.turn += 1;
    this.drop();
    this.lostSince = null;
    this.setStatus({ kind: 'idle' });
  }

  /** Ends the stay for a reason that came from elsewhere (the live channel). */
  end(why: Trouble): void {
    this.turn += 1;
    this.drop();
    this.setStatus({ kind: 'ended', why });
  }

  peers(): Peer[] {
    const room = this.room;
    if (!room) return [];
    return [...room.participants.values()].map((participant) =>
      peerOf(participant, this.announced.get(participant.sid), this.joinedAt.get(participant.sid) ?? 0, room.dominantSpeaker?.sid),
    );
  }

  /** Whether anything in the room is recorded. */
  get recorded(): boolean {
    return this.room?.isRecording ?? false;
  }

  /** Our own network quality as the server judges it, 0 to 5; null where it does not. */
  get quality(): number | null {
    return this.room?.localParticipant.networkQualityLevel ?? null;
  }

  /**
   * How large the pictures of participant `sid` are shown here, px, so that the server sends no more; null: not at all.
   * Say it again as often as you like: the SDK tells the server of changes only. Rooms without a server in between ignore it.
   */
  want(sid: string, size: Size | null): void {
    for (const { track } of this.room?.participants.get(sid)?.videoTracks.values() ?? []) {
      if (!track) continue;
      if (size) track.setContentPreferences({ renderDimensions: size });
      if (size) track.switchOn();
      else track.switchOff();
    }
  }

  /** The SDK's statistics, one report per peer connection; empty when there is no room. */
  async stats(): Promise<Awaited<ReturnType<Room['getStats']>>> {
    try {
      return (await this.room?.getStats()) ?? [];
    } catch {
      return [];
    }
  }

  /** Publishes this picture instead of the one before; null unpublishes. The caller opens and stops the media. */
  setVideo(media: MediaStreamTrack | null): Promise<void> {
    return this.replace('video', media);
  }

  setAudio(media: MediaStreamTrack | null): Promise<void> {
    return this.replace('audio', media);
  }

  /** The talk-back of a watcher: another sound, which makes no tile at others. Kept published and disabled between words. */
  setTalk(media: MediaStreamTrack | null): Promise<void> {
    return this.replace('talk', media);
  }

  talking(on: boolean): void {
    if (on) this.own.talk?.track?.enable();
    else this.own.talk?.track?.disable();
  }

  /** Sets the own microphone and tells everyone. */
  setMuted(muted: boolean): void {
    this.muted = muted;
    if (muted) this.own.audio?.track?.disable();
    else this.own.audio?.track?.enable();
    if (this.room) this.send(say(muted, this.room.localParticipant.sid));
  }

  setVideoOff(off: boolean): void {
    this.videoOff = off;
    if (off) this.own.video?.track?.disable();
    else this.own.video?.track?.enable();
  }

  /** Asks another's page to set its microphone; its announcement is the answer. */
  askMute(sid: string, muted: boolean): void {
    this.send(say(muted, sid));
  }

  private async replace(kind: keyof Own, media: MediaStreamTrack | null): Promise<void> {
    const old = this.own[kind]?.track;
    if (old) this.room?.localParticipant.unpublishTrack(old);
    this.own[kind] = media ? { media, track: null } : null;
    await this.publishMissing();
  }

  /** The SDK's tracks of what is open. Before the SDK is there, nothing: each join asks again. */
  private tracks(): LocalMedia[] {
    const sdk = this.loadedSdk;
    if (!sdk) return [];
    for (const kind of ['video', 'audio', 'talk'] as const) {
      const one = this.own[kind];
      if (one) one.track ??= this.wrap(sdk, kind, one.media);
    }
    return [this.own.video, this.own.audio, this.own.talk].flatMap((one) => one?.track ?? []);
  }

  private wrap(sdk: Sdk, kind: keyof Own, media: MediaStreamTrack): LocalMedia {
    const options = { name: NAMES[kind], logLevel: 'error' as const };
    const track = kind === 'video' ? new sdk.LocalVideoTrack(media, options) : new sdk.LocalAudioTrack(media, options);
    const off = { video: this.videoOff, audio: this.muted, talk: true }[kind];
    if (off) track.disable();
    return track;
  }

  private async connect(sdk: Sdk, token: Token, turn: number): Promise<void> {
    this.listener.named(token.identity, token.room);
    const data = new sdk.LocalDataTrack();
    const joining = sdk.connect(token.token, {
      name: token.room,
      tracks: [...this.tracks(), data],
      wsServer: this.parts.servers.signaling,
      wsServerInsights: this.parts.servers.insights,
      logLevel: 'error',
      ...WISHES,
      // Several sizes at once, but only where the server asks for them; between devices it is one, as without this.
      ...(this.own.video ? { preferredVideoCodecs: 'auto' } : {}),
    });
    this.cancelConnect = () => joining.cancel?.();
    const room = await joining;
    if (turn !== this.turn) return void room.disconnect();
    sendLayersOnceServed(room as unknown as Inside);
    this.cancelConnect = null;
    this.data = data;
    await this.enter(room);
  }

  private async enter(room: Room): Promise<void> {
    this.room = room;
    this.tokenRefusals = 0;
    this.lostSince = null;
    this.retry.reset();
    this.listen(room);
    room.participants.forEach((participant) => this.joinedAt.set(participant.sid, this.parts.now()));
    this.setStatus({ kind: 'live', since: this.parts.now() });
    this.listener.changed();
    await this.publishMissing();
    if (this.muted && this.own.audio) this.send(say(true, room.localParticipant.sid));
  }

  /** What was opened since the join began, or before the SDK was there. */
  private async publishMissing(): Promise<void> {
    const participant = this.room?.localParticipant;
    if (!participant) return;
    const published = [...participant.tracks.values()].map((publication) => publication.track);
    const missing = this.tracks().filter((track) => !published.some((other) => other === track));
    await Promise.all(missing.map((track) => publish(participant, track)));
  }

  private listen(room: Room): void {
    const ours = (run: () => void) => {
      if (room === this.room) run();
    };
    const changed = () => ours(() => this.listener.changed());
    // The SDK's types list the events one by one; here they share their listeners.
    const on = room.on.bind(room) as (event: string, listener: (...args: never[]) => void) => void;
    for (const event of EVENTS) on(event, changed);
    const judged = (participant: Judged) => participant.on('networkQualityLevelChanged', changed);
    judged(room.localParticipant);
    room.participants.forEach(judged);
    on('participantConnected', (participant: RemoteParticipant) => {
      this.joinedAt.set(participant.sid, this.parts.now());
      judged(participant);
      changed();
    });
    on('participantDisconnected', (participant: RemoteParticipant) => {
      this.announced.delete(participant.sid);
      this.joinedAt.delete(participant.sid);
      changed();
    });
    on('trackSubscribed', (track: { kind: string }) => ours(() => this.subscribed(room, track.kind)));
    for (const [event, muted] of [['trackDisabled', true], ['trackEnabled', false]] as const)
      on(event, (publication: { kind: string; trackName: string }, participant: RemoteParticipant) =>
        ours(() => this.heardOf(participant.sid, muted, publication)),
      );
    on('trackMessage', (text: unknown, _track: unknown, participant: RemoteParticipant) =>
      ours(() => this.obey(room, text, participant)),
    );
    on('reconnecting', () => ours(() => this.setStatus({ kind: 'reconnecting', since: this.parts.now() })));
    on('reconnected', () =>
      ours(() => {
        this.setStatus({ kind: 'live', since: this.parts.now() });
        this.listener.changed();
      }),
    );
    on('disconnected', (_room: Room, error: unknown) => ours(() => this.lost(error)));
  }

  /** A new data track: ask its owner, and tell ours where it matters. */
  private subscribed(room: Room, kind: string): void {
    if (kind === 'data') {
      this.send(ASK);
      if (this.muted && this.own.audio) this.send(say(true, room.localParticipant.sid));
    }
    this.listener.changed();
  }

  private heardOf(sid: string, muted: boolean, publication: { kind: string; trackName: string }): void {
    if (publication.kind === 'audio' && publication.trackName !== TALK) this.announced.set(sid, muted);
    this.listener.changed();
  }

  private obey(room: Room, text: unknown, from: RemoteParticipant): void {
    const own = room.localParticipant.sid;
    const meaning = read(text, from.sid, own);
    if (meaning.kind === 'announced') {
      this.announced.set(from.sid, meaning.muted);
      this.listener.changed();
    } else if (meaning.kind === 'asked' && this.muted && this.own.audio) {
      this.send(say(true, own));
    } else if (meaning.kind === 'set' && this.own.audio) {
      this.setMuted(meaning.muted);
      this.listener.muted(meaning.muted, from.identity);
    }
  }

  private lost(error: unknown): void {
    // Without an error the server itself ended our stay: somebody removed us.
    const why: Trouble = error ? fromError(error) : { kind: 'removed' };
    this.room = null;
    this.data = null;
    this.announced.clear();
    this.joinedAt.clear();
    this.listener.changed();
    if (why.kind === 'server' || why.kind === 'media' || why.kind === 'other') {
      this.lostSince ??= this.parts.now();
      void this.join();
    } else this.fail(why);
  }

  private fail(why: Trouble): void {
    // A token refused once may only have grown old under way: a fresh one is asked for, silently.
    if (why.kind === 'token' && (this.tokenRefusals += 1) === 1) return void this.join();
    const plan = planFor(why, this.lostSince !== null);
    this.drop();
    if (plan.kind === 'wait') return this.setStatus({ kind: 'ended', why });
    this.lostSince ??= this.parts.now();
    this.retry.plan(() => void this.join(), plan.seconds ?? undefined);
    this.setStatus({ kind: 'waiting', why, since: this.lostSince, due: this.retry.due! });
  }

  private drop(): void {
    this.retry.cancel();
    this.cancelConnect?.();
    this.cancelConnect = null;
    const room = this.room;
    this.room = null;
    this.data = null;
    this.announced.clear();
    this.joinedAt.clear();
    room?.disconnect();
    if (room) this.listener.changed();
  }

  private send(text: string): void {
    this.data?.send(text);
  }

  private setStatus(status: Status): void {
    this.status = status;
    this.listener.status(status);
  }
}

async function publish(participant: LocalParticipant, track: LocalMedia): Promise<void> {
  try {
    await participant.publishTrack(track);
  } catch {
    // The room went away meanwhile; the next join brings the track along.
  }
}
