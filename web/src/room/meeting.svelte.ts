import { api, type Failure } from '../api';
import { changed, everybody, include, without, type People, type Told } from './people';
import { loadSdk, type RoomSession } from './sdk';

export type Status =
  | { kind: 'idle' }
  | { kind: 'joining' }
  | { kind: 'live' }
  | { kind: 'lost' }
  | { kind: 'refused'; failure: Failure }
  | { kind: 'over'; why: Ending };

/** `closed`: full, locked or not open at this time. `media`: connected, and no picture came through. */
export type Ending = 'left' | 'removed' | 'ended' | 'closed' | 'media' | 'unreachable';

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
  began = $state(0);
  private session: RoomSession | null = null;
  private screen: { leave(): Promise<void> } | null = null;
  private leaving = false;
  private ended: Ending | null = null;

  constructor(readonly wish: Wish) {}

  get own() {
    return this.people.find((one) => one.id === this.me);
  }

  may(permission: string): boolean {
    return this.permissions.includes(permission);
  }

  async join(rootElement: HTMLElement): Promise<void> {
    this.status = { kind: 'joining' };
    const { moderator, room, user, mic, cam, hasMic, hasCam } = this.wish;
    const answer = await api.roomToken({ room, user, moderator, audio_muted: !mic, video_muted: !cam });
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
      this.permissions = this.session.permissions ?? answer.value.permissions;
      this.began = Date.now();
      this.status = { kind: 'live' };
      if (this.may('room.list_available_layouts')) this.layouts = (await this.session.getLayouts().catch(() => ({ layouts: [] }))).layouts;
    } catch (error) {
      const refused = (error as { code?: unknown } | null)?.code === '403';
      this.end(refused ? 'closed' : 'media');
    }
  }

  leave(): void {
    this.leaving = true;
    // Out of the room at once, whatever the server says to it.
    this.session?.leave().catch(() => {});
    this.end('left');
  }

  /** Runs one of the session's methods; false if the room does not allow it. */
  async ask(work: (session: RoomSession) => Promise<unknown>): Promise<boolean> {
    if (!this.session) return false;
    try {
      await work(this.session);
      return true;
    } catch {
      return false;
    }
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

  private forgetScreen(): void {
    this.screen = null;
    this.sharing = false;
  }

  private listen(session: RoomSession): void {
    session.on('room.subscribed', (detail) => this.entered(detail));
    session.on('room.updated', ({ room_session }) => this.updated(room_session));
    session.on('room.ended', () => (this.ended = 'ended'));
    session.on('member.joined', ({ member }) => (this.people = include(this.people, member)));
    session.on('member.updated', ({ member }) => (this.people = changed(this.people, member)));
    session.on('member.talking', ({ member }) => (this.people = changed(this.people, member)));
    session.on('member.left', ({ member }) => {
      if (member.id === this.me) this.ended ??= 'removed';
      this.people = without(this.people, member.id);
    });
    session.on('layout.changed', ({ layout }) => (this.layout = layout.name));
    session.on('media.disconnected', () => this.lose());
    session.on('media.reconnecting', () => this.lose());
    session.on('media.connected', () => this.find());
    session.on('room.left', () => this.end(this.ended ?? (this.leaving ? 'left' : 'removed')));
    session.on('destroy', () => this.end(this.ended ?? (this.leaving ? 'left' : 'unreachable')));
  }

  private entered(detail: { member_id?: string; room_session: { members: Told[] } & Facts }): void {
    this.me = detail.member_id ?? this.session?.memberId ?? this.me;
    this.people = everybody(detail.room_session.members);
    this.updated(detail.room_session);
    this.find();
  }

  private updated(facts: Facts): void {
    this.locked = facts.locked ?? this.locked;
    this.hidesMuted = facts.hide_video_muted ?? this.hidesMuted;
    this.layout = facts.layout_name ?? this.layout;
  }

  private lose(): void {
    if (this.status.kind === 'live') this.status = { kind: 'lost' };
  }

  private find(): void {
    if (this.status.kind === 'lost') this.status = { kind: 'live' };
  }

  private end(why: Ending): void {
    if (this.status.kind !== 'over') this.status = { kind: 'over', why };
  }
}

interface Facts {
  locked?: boolean;
  hide_video_muted?: boolean;
  layout_name?: string;
}

function deviceOf(id: string): boolean | MediaTrackConstraints {
  return id ? { deviceId: { ideal: id } } : true;
}
