/**
 * The cameras a watcher knows: those in the room (from the SDK) and those of the live channel, by name.
 * Keeps what was seen of each; the times come in as arguments.
 */
import type { CameraStatus, LiveCamera } from '../live';
import type { Peer } from './peers';
import { hasMoved, isWeak, judge, lossBetween, STOPPED_SHOWN_MS, type Facts, type Judged, type Sample } from './tiles';

export interface Camera {
  name: string;
  peer: Peer | null;
  /** What it tells of itself on the live channel; null for pages that know no such channel. */
  status: CameraStatus | null;
  watchers: string[];
  facts: Facts;
  judged: Judged;
  /** Sound level 0 to 1. */
  level: number;
}

export class Cameras {
  private readonly known = new Map<string, Camera>();
  private readonly samples = new Map<string, Sample>();
  private live = new Map<string, LiveCamera>();
  private wasInRoom = false;

  constructor(private readonly ownName: () => string) {}

  /** On the stage, in the order they came. */
  list(): Camera[] {
    return [...this.known.values()];
  }

  get(name: string): Camera | undefined {
    return this.known.get(name);
  }

  /** Names that the live channel lists as cameras, present or not. */
  isCamera(name: string): boolean {
    return this.live.has(name);
  }

  setLive(cameras: LiveCamera[], room: string): void {
    this.live = new Map(cameras.filter((camera) => camera.room === room).map((camera) => [camera.name, camera]));
  }

  /** Takes over who is there now. Call on each change and once a second. */
  update(peers: Peer[], inRoom: boolean, now: number): void {
    // After our own absence everything starts anew: what we missed is not the cameras' fault.
    if (inRoom && !this.wasInRoom) for (const camera of this.known.values()) camera.peer = null;
    this.wasInRoom = inRoom;
    if (inRoom) {
      for (const peer of peers) if (this.isShown(peer)) this.meet(peer, now);
      for (const camera of this.known.values())
        if (!peers.some((peer) => peer.name === camera.name && this.isShown(peer))) this.part(camera, now);
    }
    for (const camera of this.live.values()) this.tell(camera, now);
    for (const camera of this.known.values()) camera.judged = judge(camera.facts, now);
    this.forget(now);
  }

  frame(name: string, now: number): void {
    const facts = this.known.get(name)?.facts;
    if (!facts) return;
    facts.firstFrame ??= now;
    facts.lastFrame = now;
  }

  /** One look at the statistics; `seen`: the tile counts its frames itself, so that these figures only tell quality. */
  sample(name: string, sample: Sample, seen: boolean): void {
    const facts = this.known.get(name)?.facts;
    if (!facts) return;
    const before = this.samples.get(name) ?? null;
    this.samples.set(name, sample);
    if (!seen && hasMoved(before, sample)) this.frame(name, sample.at);
    const weak = !facts.paused && isWeak(sample.fps, lossBetween(before, sample));
    facts.weakSince = weak ? (facts.weakSince ?? sample.at) : null;
  }

  dark(name: string, isDark: boolean, now: number): void {
    const facts = this.known.get(name)?.facts;
    if (facts) facts.darkSince = isDark ? (facts.darkSince ?? now) : null;
  }

  /** The page was hidden: its clocks stood still, so no frame was missed. */
  forgive(now: number): void {
    for (const { facts } of this.known.values()) if (facts.lastFrame !== null && facts.present) facts.lastFrame = now;
  }

  /** A watcher publishes at most its voice, which makes no tile. */
  private isShown(peer: Peer): boolean {
    return peer.hasVideo || peer.hasAudio || (this.live.get(peer.name)?.state === 'live' && peer.name !== this.ownName());
  }

  private meet(peer: Peer, now: number): void {
    const camera = this.known.get(peer.name) ?? this.add(peer.name, now);
    const came = camera.peer?.sid !== peer.sid;
    const newPicture = peer.video !== null && camera.peer?.video?.media !== peer.video.media;
    camera.peer = peer;
    const facts = camera.facts;
    if (came) Object.assign(facts, { joined: now, left: null, stopped: false, present: true });
    if (came || newPicture) this.samples.delete(peer.name);
    // A new stay or a picture switched on again starts its own clock: its first frame is awaited.
    if (came || (facts.videoOff && !peer.videoOff) || (!facts.hasVideo && peer.hasVideo))
      Object.assign(facts, { joined: now, firstFrame: null, lastFrame: null, weakSince: null, darkSince: null });
    // A picture that is sent again is due from now on.
    if (facts.paused && !peer.paused) Object.assign(facts, { lastFrame: facts.lastFrame && now, weakSince: null });
    const { hasVideo, hasAudio, videoOff, paused } = peer;
    Object.assign(facts, { present: true, hasVideo, hasAudio, videoOff, paused });
  }

  private part(camera: Camera, now: number): void {
    if (!camera.facts.present) return;
    camera.peer = null;
    camera.facts.present = false;
    camera.facts.left = now;
    this.samples.delete(camera.name);
    // Pages that are not on the live channel cannot say Stop: leaving is all they can do.
    if (!this.live.has(camera.name)) this.known.delete(camera.name);
  }

  private tell(live: LiveCamera, now: number): void {
    if (live.name === this.ownName()) return;
    const camera = this.known.get(live.name) ?? (live.state === 'stopped' ? null : this.add(live.name, now));
    if (!camera) return;
    camera.status = live.status;
    camera.watchers = live.watchers;
    if (camera.facts.present) return;
    camera.facts.stopped = live.state === 'stopped';
    if (live.state !== 'live') camera.facts.left = live.since;
  }

  private forget(now: number): void {
    for (const [name, camera] of this.known) {
      const { judged } = camera;
      const listed = this.live.has(name);
      const over = judged.state === 'stopped' && now - judged.since >= STOPPED_SHOWN_MS;
      if (!camera.facts.present && (over || !listed)) this.known.delete(name);
    }
  }

  private add(name: string, now: number): Camera {
    const facts: Facts = {
      present: false,
      joined: now,
      left: null,
      stopped: false,
      hasVideo: false,
      hasAudio: false,
      videoOff: false,
      paused: false,
      firstFrame: null,
      lastFrame: null,
      weakSince: null,
      darkSince: null,
    };
    const camera: Camera = { name, peer: null, status: null, watchers: [], facts, judged: judge(facts, now), level: 0 };
    this.known.set(name, camera);
    return camera;
  }
}
