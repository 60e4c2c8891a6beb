import { api, type Answer, type Failure } from '../api';
import type { Waits } from '../record/call';
import { askOf, changed, everybody, include, screenOf, without, type Ask, type Outcome, type People, type Person, type Told } from './people';
import { loadSdk, type Layer, type RoomSession } from './sdk';

export type Status =
  | { kind: 'idle' }
  | { kind: 'joining' }
  | { kind: 'live' }
  | { kind: 'lost' }
  | { kind: 'refused'; failure: Failure }
  | { kind: 'over'; why: Ending };

/** `locked`, `full`: lets in whoever has a seat only. `closed`: not open at this time. `displaced`: open in another tab, which goes on. `media`: connected, and no picture came through. */
export type Ending = 'left' | 'removed' | 'ended' | 'locked' | 'full' | 'closed' | 'displaced' | 'media' | 'unreachable';

export interface Wish {
  moderator: boolean;
  room: string;
  user: string;
  mic: boolean;
  cam: boolean;
  micDevice: string;
  camDevice: string;
  /** Whether there is such a device at all, and leave to use it. */
  hasMic: boolean;
  hasCam: boolean;
}

/** How long somebody counts as talking after the last word, in ms: speech has gaps, and a ring that flickers tells nothing. */
const TALK_HOLD_MS = 1_500;
/** How long the SDK may try to get a lost connection back, in ms, before this stay counts as over. */
const LOST_MS = 20_000;
/** The server's words for an end that somebody decided: removed, let in no more (ITU-T Q.850: 16, 21), the time is over (FreeSWITCH: 602). */
const PUT_OUT = ['16', '21', '602'];
/** The same stay goes on in another tab (FreeSWITCH: 605). To come back by oneself would be to fight, for ever. */
const DISPLACED = '605';
/** How often the way of sound and pictures is looked at, in ms: the SDK itself tells of a loss only after 15 s. */
const LOOK_MS = 1_000;
/** After so many looks without anything new of it the picture counts as a still: the server sends without a pause, and browsers notice a loss later. */
const STILL_LOOKS = 3;

/** What the room's refusals mean. */
const OUTCOMES: Record<string, Outcome> = { '403': 'refused', '404': 'gone', '507': 'full' };

/** One stay in a room: the SDK's session, and what it told so far. */
export class Meeting {
  status: Status = $state({ kind: 'idle' });
  people: People = $state.raw([]);
  me = $state('');
  permissions: string[] = $state.raw([]);
  layout = $state('');
  layouts: string[] = $state.raw([]);
  locked = $state(false);
  hidesMuted = $state(false);
  sharing = $state(false);
  /** Something of the room is recorded. */
  recorded = $state(false);
  /** Recording is on, but the disk has no room, as far as this page may know. */
  recordWaits: Waits = $state(null);
  /** Somebody asks to be heard or seen again. */
  asked: Ask | null = $state.raw(null);
  private layers: readonly Layer[] = $state.raw([]);
  private lastAsk = '';
  began = $state(0);
  private session: RoomSession | null = null;
  private screen: { leave(): Promise<void> } | null = null;
  private leaving = false;
  private ended: Ending | null = null;
  private readonly quiet = new Map<string, ReturnType<typeof setTimeout>>();
  private lostTimer: ReturnType<typeof setTimeout> | undefined;
  private lookTimer: ReturnType<typeof setInterval> | undefined;
  /** Packets of the picture so far, and how many looks ago there were fewer. */
  private packets = 0;
  private still = 0;
  private looking = false;

  constructor(readonly wish: Wish) {}

  get own() {
    return this.people.find((one) => one.id === this.me);
  }

  /** Where the own shared screen stands in the picture. */
  get ownScreen(): Layer | undefined {
    const screen = screenOf(this.people, this.me);
    return screen && this.layers.find((layer) => layer.member_id === screen.id);
  }

  /** For coming in again: microphone and camera as they were when this stay ended. */
  nextWish(): Wish {
    const { own, wish } = this;
    return own ? { ...wish, mic: !own.audioMuted, cam: !own.videoMuted } : wish;
  }

  may(permission: string): boolean {
    return this.permissions.includes(permission);
  }

  async join(rootElement: HTMLElement): Promise<void> {
    this.status = { kind: 'joining' };
    const { hasMic, hasCam } = this.wish;
    const answer = await askToken(this.wish);
    if (!answer.ok) {
      this.status = { kind: 'refused', failure: answer.failure };
      return;
    }
    try {
      const { RoomSession } = await loadSdk();
      const host = location.origin.replace(/^http/, 'ws');
      const audio = hasMic && deviceOf(this.wish.micDevice);
      const video = hasCam && deviceOf(this.wish.camDevice);
      this.session = new RoomSession({ token: answer.value.token, host, rootElement, audio, video, mirrorLocalVideoOverlay: true });
      this.listen(this.session);
      await this.session.join();
      // Left before the room was there to be left.
      if (this.leaving) return this.depart();
      this.permissions = this.session.permissions ?? answer.value.permissions;
      this.began = Date.now();
      this.status = { kind: 'live' };
      this.lookTimer = setInterval(() => void this.look(), LOOK_MS);
      if (this.may('room.list_available_layouts')) this.layouts = (await this.session.getLayouts().catch(() => ({ layouts: [] }))).layouts;
    } catch (error) {
      const refused = (error as { code?: unknown } | null)?.code === '403';
      this.end(refused ? await whyClosed(this.wish) : 'media');
    }
  }

  leave(): void {
    this.leaving = true;
    // Out of the room at once, whatever the server says to it.
    this.depart();
    this.end('left');
  }

  /** The SDK throws, and does not reject, where there is nothing to leave. */
  private depart(): void {
    void this.ask((session) => session.leave());
  }

  /** Runs one of the session's methods. */
  async attempt(work: (session: RoomSession) => Promise<unknown>): Promise<Outcome> {
    if (!this.session) return 'failed';
    try {
      await work(this.session);
      return 'done';
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code;
      return typeof code === 'string' && code in OUTCOMES ? OUTCOMES[code]! : 'failed';
    }
  }

  /** Runs one of the session's methods; false if that did not work. */
  async ask(work: (session: RoomSession) => Promise<unknown>): Promise<boolean> {
    return (await this.attempt(work)) === 'done';
  }

  /** Asks somebody to be heard or seen again: nobody is switched on by others. */
  askFor(person: Person, what: Ask['what']): Promise<boolean> {
    const ask = { what, by: this.own?.name ?? this.wish.user, id: String(Date.now()) } satisfies Ask;
    return this.ask((session) => session.updateMemberMeta({ memberId: person.id, meta: { ask } }));
  }

  /** Ends the room for everybody in it. */
  endAll(): Promise<Answer<null>> {
    return api.ask('DELETE', `/rooms/${encodeURIComponent(this.wish.room)}`);
  }

  /** Withdraws the link that somebody came by, which puts out everybody who came by it. */
  block(person: Person): Promise<Answer<null>> {
    return api.ask('POST', `/rooms/${encodeURIComponent(this.wish.room)}/block`, { member: person.id });
  }

  /** Records the mix from now on, or ends whatever recording there is. */
  async record(on: boolean): Promise<Outcome> {
    if (on) return this.attempt((session) => session.startRecording());
    return this.attempt(async (session) => {
      const { recordings } = await session.getRecordings();
      // Those that are over are refused, and that is no harm.
      await Promise.all(recordings.map((one) => one.stop().catch(() => {})));
    });
  }

  async share(): Promise<boolean> {
    return this.ask(async (session) => {
      const screen = await session.startScreenShare({ audio: true, video: true });
      this.screen = screen;
      this.sharing = true;
      screen.on('destroy', () => this.forgetScreen());
    });
  }

  async unshare(): Promise<void> {
    await this.screen?.leave().catch(() => {});
    this.forgetScreen();
  }

  /** How loud the room is here, 0 to 1. */
  setVolume(volume: number): void {
    if (this.session?.audioEl) this.session.audioEl.volume = volume;
  }

  private forgetScreen(): void {
    this.screen = null;
    this.sharing = false;
  }

  private listen(session: RoomSession): void {
    session.on('room.subscribed', (detail) => this.entered(detail));
    session.on('room.updated', ({ room_session }) => this.updated(room_session));
    session.on('room.ended', () => (this.ended = 'ended'));
    session.on('member.joined', ({ member }) => (this.people = include(this.people, member)));
    session.on('member.updated', ({ member }) => {
      this.people = changed(this.people, member);
      if (member.id === this.me) this.hear(askOf(member));
    });
    session.on('member.talking', ({ member }) => this.talk(member));
    session.on('member.left', ({ member }) => {
      if (member.id === this.me) this.ended ??= 'removed';
      this.people = without(this.people, member.id);
    });
    session.on('layout.changed', ({ layout }) => ([this.layout, this.layers] = [layout.name, layout.layers ?? []]));
    session.on('media.disconnected', () => this.lose());
    session.on('media.reconnecting', () => this.lose());
    session.on('media.connected', () => this.find());
    for (const last of ['room.left', 'destroy']) session.on(last, () => this.left());
  }

  private talk(member: Told): void {
    clearTimeout(this.quiet.get(member.id));
    const tell = () => (this.people = changed(this.people, member));
    if (member.talking) tell();
    else this.quiet.set(member.id, setTimeout(tell, TALK_HOLD_MS));
  }

  /** What was asked before this page was there is not asked again. */
  private hear(ask: Ask | null, fresh = true): void {
    if (!ask || ask.id === this.lastAsk) return;
    this.lastAsk = ask.id;
    if (fresh) this.asked = ask;
  }

  private entered(detail: { member_id?: string; room_session: { members: Told[] } & Facts }): void {
    this.me = detail.member_id ?? this.session?.memberId ?? this.me;
    this.people = everybody(detail.room_session.members);
    const own = detail.room_session.members.find((one) => one.id === this.me);
    if (own) this.hear(askOf(own), false);
    this.updated(detail.room_session);
    this.find();
  }

  private updated(facts: Facts): void {
    this.locked = facts.locked ?? this.locked;
    this.hidesMuted = facts.hide_video_muted ?? this.hidesMuted;
    this.recorded = facts.recording ?? this.recorded;
    this.layout = facts.layout_name ?? this.layout;
  }

  /** The SDK is out. On the way in `join` knows why, and says so. */
  private left(): void {
    if (this.status.kind === 'joining') return;
    const code = this.session?.causeCode ?? '';
    const putOut = this.status.kind === 'live' && PUT_OUT.includes(code);
    this.end(this.ended ?? (this.leaving ? 'left' : code === DISPLACED ? 'displaced' : putOut ? 'removed' : 'unreachable'));
  }

  private async look(): Promise<void> {
    const peer = this.session?.peer?.instance;
    const state = peer?.connectionState;
    if (state === 'disconnected' || state === 'failed') return this.lose();
    // Two looks that end together would see the same packets, and count twice.
    if (!peer || state !== 'connected' || this.looking) return;
    this.looking = true;
    const packets = await packetsOf(peer).finally(() => (this.looking = false));
    this.still = packets > 0 && packets === this.packets ? this.still + 1 : 0;
    this.packets = packets;
    if (this.still >= STILL_LOOKS) this.lose();
    else if (!this.still) this.find();
  }

  private lose(): void {
    if (this.status.kind !== 'live') return;
    this.status = { kind: 'lost' };
    this.lostTimer = setTimeout(() => {
      this.depart();
      this.end('unreachable');
    }, LOST_MS);
    void this.probe();
  }

  /** A server that answers and does not know this stay was started again: there is nothing to wait for. */
  private async probe(): Promise<void> {
    while (this.status.kind === 'lost') {
      const answer = await this.session?.getMembers().catch((error: { code?: unknown } | null) => error?.code);
      if (answer === '404' && this.status.kind === 'lost') {
        this.depart();
        this.end('unreachable');
      } else if (answer instanceof Object) return;
      else await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  private find(): void {
    clearTimeout(this.lostTimer);
    if (this.status.kind === 'lost') this.status = { kind: 'live' };
  }

  private end(why: Ending): void {
    clearTimeout(this.lostTimer);
    clearInterval(this.lookTimer);
    for (const timer of this.quiet.values()) clearTimeout(timer);
    if (this.status.kind !== 'over') this.status = { kind: 'over', why };
  }
}

/** Whether an end is one after which the page tries again by itself: the way to the server broke, nobody decided anything. */
export function comesBack(status: Status): boolean {
  if (status.kind === 'over') return status.why === 'unreachable' || status.why === 'media';
  return status.kind === 'refused' && status.failure.kind === 'unreachable';
}

/** How many packets of pictures came so far; 0 if nobody can tell. */
async function packetsOf(peer: RTCPeerConnection): Promise<number> {
  const stats = await peer.getStats().catch(() => null);
  let packets = 0;
  stats?.forEach((one) => {
    if (one.type === 'inbound-rtp' && one.kind === 'video') packets += one.packetsReceived ?? 0;
  });
  return packets;
}

/** Why a room lets nobody in. */
export async function whyClosed(wish: Wish): Promise<'locked' | 'full' | 'closed'> {
  const answer = await askToken(wish);
  return (answer.ok && answer.value.closed) || 'closed';
}

function askToken({ moderator, room, user, mic, cam, hasMic, hasCam }: Wish): Promise<Answer<RoomToken>> {
  const ask = { room, user, moderator, audio_muted: !(mic && hasMic), video_muted: !(cam && hasCam) };
  return api.ask<RoomToken>('POST', '/room_token', ask);
}

interface Facts {
  locked?: boolean;
  hide_video_muted?: boolean;
  recording?: boolean;
  layout_name?: string;
}

function deviceOf(id: string): boolean | MediaTrackConstraints {
  return id ? { deviceId: { ideal: id } } : true;
}

/** What the server gives for it (docs/ref/api.md). */
interface RoomToken {
  token: string;
  permissions: string[];
  closed: 'locked' | 'full' | null;
}
