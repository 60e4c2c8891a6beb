/** Just enough of twilio-video to drive a session: rooms that the test joins, ends and speaks in. */
import { EventEmitter } from 'node:events';
import type { Sdk } from '../../src/dogcam/sdk';

export class FakeTrack extends EventEmitter {
  isEnabled = true;
  constructor(
    readonly kind: 'video' | 'audio' | 'data',
    readonly name: string,
    readonly sent: string[] = [],
  ) {
    super();
  }
  enable() {
    this.isEnabled = true;
  }
  disable() {
    this.isEnabled = false;
  }
  send(text: string) {
    this.sent.push(text);
  }
}

export class FakeRoom extends EventEmitter {
  participants = new Map<string, unknown>();
  dominantSpeaker: { sid: string } | null = null;
  left = false;
  readonly localParticipant;

  constructor(
    readonly sent: string[],
    tracks: FakeTrack[],
  ) {
    super();
    const published = new Map(tracks.map((track, index) => [`MT${index}`, { track }]));
    this.localParticipant = Object.assign(new EventEmitter(), {
      sid: 'PAown',
      networkQualityLevel: null as number | null,
      tracks: published,
      publishTrack: async (track: FakeTrack) => void published.set(`MT${published.size}${track.name}`, { track }),
      unpublishTrack: (track: FakeTrack) => {
        for (const [sid, one] of published) if (one.track === track) published.delete(sid);
      },
    });
  }

  get published(): string[] {
    return [...this.localParticipant.tracks.values()].map(({ track }) => track.name || track.kind);
  }

  disconnect() {
    if (this.left) return;
    this.left = true;
    this.emit('disconnected', this, undefined);
  }

  /** The server or the network ends it. */
  end(code?: number) {
    this.left = true;
    this.emit('disconnected', this, code === undefined ? null : { code });
  }

  come(sid: string, identity: string, tracks: { kind: string; trackName: string; isTrackEnabled: boolean }[]) {
    const publications = tracks.map((track, index) => [
      `${sid}${index}`,
      { trackSid: `${sid}${index}`, isSubscribed: true, track: remoteTrack(track.kind), ...track },
    ]);
    const all = new Map(publications as never) as Map<string, { kind: string; track: ReturnType<typeof remoteTrack> | null }>;
    const videoTracks = new Map([...all].filter(([, { kind }]) => kind === 'video'));
    const facts = { sid, identity, state: 'connected', tracks: all, videoTracks, networkQualityLevel: null as number | null };
    const participant = Object.assign(new EventEmitter(), facts);
    this.participants.set(sid, participant);
    this.emit('participantConnected', participant);
    return participant;
  }

  hear(text: unknown, from: unknown) {
    this.emit('trackMessage', text, { kind: 'data' }, from);
  }
}

/** `wishes`: what was asked of it, in order. */
export function remoteTrack(kind: string) {
  const wishes: unknown[] = [];
  return {
    kind,
    wishes,
    mediaStreamTrack: {},
    isSwitchedOff: false,
    switchOn: () => wishes.push('on'),
    switchOff: () => wishes.push('off'),
    setContentPreferences: ({ renderDimensions }: { renderDimensions: unknown }) => wishes.push(renderDimensions),
  };
}

export class FakeSdk {
  rooms: FakeRoom[] = [];
  asked: { token: string; name: string; wsServer: string }[] = [];
  /** The options of the last connect. */
  options: Record<string, unknown> = {};
  /** Codes that the next connects are refused with. */
  refuse: (number | null)[] = [];
  cancelled = 0;
  hold = false;
  private release: (() => void)[] = [];

  readonly sdk = {
    isSupported: true,
    LocalDataTrack: fake('data'),
    LocalVideoTrack: fake('video'),
    LocalAudioTrack: fake('audio'),
    connect: (token: string, options: { name: string; wsServer: string; tracks: FakeTrack[] }) => {
      this.options = { ...options };
      return this.connect(token, options);
    },
  } as unknown as Sdk;

  get room(): FakeRoom {
    return this.rooms[this.rooms.length - 1]!;
  }

  letIn() {
    this.hold = false;
    this.release.splice(0).forEach((run) => run());
  }

  private connect(token: string, { name, wsServer, tracks }: { name: string; wsServer: string; tracks: FakeTrack[] }) {
    this.asked.push({ token, name, wsServer });
    const code = this.refuse.shift();
    const joining = (async () => {
      if (this.hold) await new Promise<void>((resolve) => this.release.push(resolve));
      if (code !== undefined) throw code === null ? new Error('no code') : Object.assign(new Error(), { code });
      const data = tracks.find((track) => track.kind === 'data')!;
      const room = new FakeRoom(data.sent, tracks);
      this.rooms.push(room);
      return room;
    })();
    return Object.assign(joining, { cancel: () => void (this.cancelled += 1) });
  }
}

function fake(kind: 'video' | 'audio' | 'data') {
  return class extends FakeTrack {
    constructor(_media?: unknown, options?: { name: string }) {
      super(kind, options?.name ?? '');
    }
  };
}
