/** What a watcher sees and hears: the cameras with their states, sound, zoom, alarms. Ready for the screen. */
import type { StatsReport } from 'twilio-video';
import { store, type Rotation } from '../store';
import { watch as words } from '../text/dogcam';
import { announcer } from '../ui/announce';
import { span } from '../ui/values';
import { Alarms, type Alarm } from './alarms';
import { Cameras, type Camera } from './cameras';
import type { Desk } from './desk.svelte';
import { play } from './device';
import { isMoving } from './tiles';
import { unlock } from './unlock.svelte';
import { wish } from './wish';

const TICK_MS = 500;
const STATS_MS = 1_000;
const LOOK_MS = 5_000;
/** A camera is asked to mute this often, this far apart, then it is said that it did not answer: words sent while connections change are lost. */
const ASKS = 3;
const ASK_MS = 1_000;
/** The SDK's scale of audio levels. */
const FULL_LEVEL = 32_767;
const NEWS_MS = 12_000;

export class Viewing {
  cameras: Camera[] = $state.raw([]);
  alarms: Alarm[] = $state.raw([]);
  silenced = $state(false);
  /** "Kitchen is back (gone 2 min)", "Kitchen did not answer." */
  news = $state('');
  heard: string[] = $state.raw(store.get('heard'));
  quiet: string[] = $state.raw(store.get('quiet'));
  turns: Record<string, Rotation> = $state.raw(store.get('turns'));
  volume = $state(store.get('volume'));
  /** True once somebody chose what to hear: then nothing asks for a tap. */
  soundChosen = $state(false);
  /** The browser lets us play sound. */
  get unlocked(): boolean {
    return unlock.done;
  }

  lastStopped: { name: string; at: number } | null = $state.raw(null);

  private readonly known: Cameras;
  private readonly ringing = new Alarms();
  private readonly elements = new Map<string, HTMLVideoElement>();
  /** Pictures on screen, whose frames the tiles count themselves. */
  private readonly displayed = new Set<string>();
  private readonly timers: ReturnType<typeof setInterval>[] = [];
  private newsTimer: ReturnType<typeof setTimeout> | undefined;
  private asking = false;
  private readonly visible = () => {
    if (document.visibilityState === 'visible') this.known.forgive(Date.now());
    this.ask();
  };

  constructor(readonly desk: Desk) {
    this.known = new Cameras(() => desk.identity);
    this.timers.push(setInterval(() => this.tick(), TICK_MS));
    this.timers.push(setInterval(() => void this.readStats(), STATS_MS));
    this.timers.push(setInterval(() => void this.look().catch(() => {}), LOOK_MS));
    document.addEventListener('visibilitychange', this.visible);
  }

  close(): void {
    this.timers.forEach(clearInterval);
    clearTimeout(this.newsTimer);
    document.removeEventListener('visibilitychange', this.visible);
  }

  /** Takes over what the room and the live channel say. Called on each change and twice a second. */
  tick(): void {
    const now = Date.now();
    const inRoom = this.desk.status.kind === 'live' || this.desk.status.kind === 'reconnecting';
    const before = new Map(this.cameras.map((camera) => [camera.name, camera.judged.state]));
    this.known.setLive(this.desk.live, this.desk.room);
    this.known.update(this.desk.peers, inRoom, now);
    this.cameras = this.known.list().map((camera) => ({ ...camera }));
    this.ask();
    this.announce(before);
    this.alarm(this.desk.status.kind === 'live', now);
  }

  /** A tile showed a new frame. */
  frame(name: string): void {
    this.known.frame(name, Date.now());
  }

  shows(name: string, element: HTMLVideoElement | undefined, displayed: boolean): void {
    if (element) this.elements.set(name, element);
    else this.elements.delete(name);
    if (element && displayed) this.displayed.add(name);
    else this.displayed.delete(name);
  }

  element(name: string): HTMLVideoElement | undefined {
    return this.elements.get(name);
  }

  /** How far the picture of `camera` is turned here: its own turn and the viewer's. */
  rotation(camera: Camera): Rotation {
    return (((camera.status?.rotation ?? 0) + (this.turns[camera.name] ?? 0)) % 360) as Rotation;
  }

  turn(name: string): void {
    this.turns = { ...this.turns, [name]: (((this.turns[name] ?? 0) + 270) % 360) as Rotation };
    store.set('turns', this.turns);
  }

  hears(name: string): boolean {
    return this.heard.includes(name);
  }

  toggleSound(name: string): void {
    this.hear(this.hears(name) ? this.heard.filter((other) => other !== name) : [...this.heard, name]);
  }

  hear(names: string[]): void {
    this.heard = names;
    this.soundChosen = true;
    store.set('heard', names);
  }

  setVolume(volume: number): void {
    this.volume = volume;
    store.set('volume', volume);
  }

  toggleQuiet(name: string): void {
    this.quiet = this.quiet.includes(name) ? this.quiet.filter((other) => other !== name) : [...this.quiet, name];
    store.set('quiet', this.quiet);
    this.tick();
  }

  private readonly asks: Record<string, number> = {};

  /** Asks the camera to set its microphone; its announcement moves the icon. */
  askMute(name: string): void {
    const peer = this.known.get(name)?.peer;
    if (!peer) return this.tell(words.noAnswer(name));
    // Only the last of several quick wishes is waited for.
    const ask = (this.asks[name] = (this.asks[name] ?? 0) + 1);
    const wanted = !peer.muted;
    const go = (tries: number) => {
      const camera = this.known.get(name);
      if (ask !== this.asks[name] || !camera?.peer || (tries > 0 && camera.peer.muted === wanted)) return;
      if (tries >= ASKS) return this.tell(words.noAnswer(name));
      // The original page takes each "mute" for a change, so it is asked once.
      if (tries === 0 || camera.status) this.desk.session.askMute(camera.peer.sid, wanted);
      setTimeout(() => go(camera.judged.state === 'joining' ? tries || 1 : tries + 1), ASK_MS);
    };
    go(0);
  }

  silence(): void {
    this.ringing.silence();
    this.silenced = true;
  }

  tell(text: string): void {
    this.news = text;
    announcer.say(text);
    clearTimeout(this.newsTimer);
    this.newsTimer = setTimeout(() => (this.news = ''), NEWS_MS);
  }

  /** Asks for each picture in the size that it has here. */
  private ask(): void {
    for (const { name, peer } of this.cameras) {
      if (!peer) continue;
      const element = this.elements.get(name);
      const looked = document.visibilityState === 'visible' ? this.displayed.has(name) : element === document.pictureInPictureElement;
      const box = element && looked ? { width: element.clientWidth, height: element.clientHeight } : null;
      this.desk.session.want(peer.sid, wish(box, devicePixelRatio, !this.quiet.includes(name)));
    }
  }

  private announce(before: Map<string, string>): void {
    for (const { name, judged } of this.cameras) {
      const old = before.get(name);
      if (old === judged.state) continue;
      if (judged.state === 'live' && (old === undefined || old === 'joining' || old === 'stopped')) announcer.say(words.joined(name));
      if (judged.state === 'stopped' && old !== undefined) {
        announcer.say(words.wentStopped(name));
        this.lastStopped = { name, at: judged.since };
      }
    }
  }

  private alarm(connected: boolean, now: number): void {
    const news = this.ringing.update(this.cameras, (name) => this.quiet.includes(name), connected, now);
    for (const one of news) {
      if (one.kind === 'begins') {
        const text = words.alarm[one.alarm.state](one.alarm.name);
        announcer.alarm(text);
        notify(text);
      } else if (one.back) this.tell(words.isBack(one.name, span(one.seconds)));
    }
    if (news.length) {
      this.alarms = this.ringing.list();
      this.silenced = this.ringing.isSilenced;
    }
    if (this.ringing.soundDue(now)) play([880, 587], 0.35, 0.3);
  }

  private async readStats(): Promise<void> {
    // A hidden page, or a slow one, must not pile up questions.
    if (this.asking) return;
    this.asking = true;
    const reports = await this.desk.session.stats();
    this.asking = false;
    for (const camera of this.known.list()) this.readCamera(camera, reports);
  }

  private readCamera(camera: Camera, reports: StatsReport[]): void {
    const { video, audio } = camera.peer ?? {};
    for (const report of reports) {
      const picture = report.remoteVideoTrackStats.find((stats) => stats.trackSid === video?.sid);
      const sound = report.remoteAudioTrackStats.find((stats) => stats.trackSid === audio?.sid);
      const seen = document.visibilityState === 'visible' && this.displayed.has(camera.name);
      if (picture)
        this.known.sample(
          camera.name,
          {
            fps: picture.frameRate ?? 0,
            packetsReceived: picture.packetsReceived ?? 0,
            packetsLost: picture.packetsLost ?? 0,
            at: Date.now(),
          },
          seen,
        );
      if (sound) camera.level = Math.min(1, (sound.audioLevel ?? 0) / FULL_LEVEL);
    }
  }

  private async look(): Promise<void> {
    if (document.visibilityState !== 'visible') return;
    const { isDark } = await import('./look');
    for (const camera of this.known.list()) {
      const element = this.elements.get(camera.name);
      if (element && isMoving(camera.judged.state)) this.known.dark(camera.name, isDark(element), Date.now());
    }
  }
}

function notify(text: string): void {
  try {
    if (typeof Notification === 'function' && Notification.permission === 'granted') new Notification(text, { tag: text });
  } catch {
    // Android shows notifications only through a service worker; the banner and the sound remain.
  }
}
