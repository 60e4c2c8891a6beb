/**
 * Plays a take: a picture and a sound that were recorded apart, in step. Knows no page: the two elements, the addresses and the clock come
 * from outside, and `tick` is called many times a second.
 */
import type { Failure } from '../api';
import { clipAt, pictureSoon, type Clip, type Take } from './model';

/** As much of an `HTMLMediaElement` as is used. */
export interface Media {
  src: string;
  currentTime: number;
  playbackRate: number;
  muted: boolean;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly readyState: number;
  readonly error: { readonly code: number } | null;
  play(): Promise<void>;
  pause(): void;
  load(): void;
  removeAttribute(name: string): void;
}

/** An address of a file, and until when it is good, ms since 1970. */
export interface Address {
  url: string;
  ends: number;
}

export type Ask = (clip: Clip) => Promise<{ ok: true; value: Address } | { ok: false; failure: Failure }>;

/** Why nothing is played: the server did not give the file, or the browser cannot play it. */
export type Trouble = { kind: 'refused'; failure: Failure } | { kind: 'unplayable'; codec: string };

export type Phase = 'paused' | 'loading' | 'playing' | 'ended';

/** Picture and sound that are this far apart are brought together by seeking; nearer ones by speed, in ms. */
const JUMP_MS = 400;
/** Nearer than this they are in step, in ms. */
const STEP_MS = 25;
/** At most so much faster or slower, as a share: nobody sees it. */
const BEND = 0.15;
/** An address counts as ended this long before it does, in ms. */
const AHEAD_MS = 5_000;
/** `HTMLMediaElement.HAVE_FUTURE_DATA` and `HAVE_METADATA`. */
const READY = 3;
const KNOWN = 1;
/** A picture that begins so soon is shown before, standing still, in ms. */
const SOON_MS = 1_000;
/** `MediaError.MEDIA_ERR_DECODE`. */
const UNDECODABLE = 3;

/** One of the two elements and what is in it. */
class Deck {
  clip: Clip | null = null;
  trouble: Trouble | null = null;
  private ends = 0;
  private turn = 0;
  private target: number | null = null;
  private waits = false;
  private retried = false;
  private isQuiet = false;

  constructor(
    readonly media: Media,
    readonly kind: 'picture' | 'sound',
    private readonly ask: Ask,
    private readonly now: () => number,
    /** The browser does not play it unless it is asked by a tap. */
    private readonly blocked: () => void,
  ) {}

  /** Nothing is to be heard, whatever it is. */
  set quiet(quiet: boolean) {
    this.isQuiet = quiet;
    this.hush();
  }

  /** Holds this file from here on, at this moment of the shared clock. */
  take(clip: Clip | null, time: number): void {
    if (clip?.file.id === this.clip?.file.id) return;
    this.clip = clip;
    this.trouble = null;
    this.retried = false;
    if (clip) void this.open(clip, time);
    else this.empty();
  }

  /** The file's moment on the shared clock; null while it is not known. */
  get time(): number | null {
    const settled = this.clip && !this.waits && this.target === null && this.media.readyState >= KNOWN;
    return settled ? this.clip!.start + this.media.currentTime * 1000 : null;
  }

  get ready(): boolean {
    return this.time !== null && !this.media.seeking && (this.media.readyState >= READY || this.media.ended);
  }

  seek(time: number): void {
    if (!this.clip || this.trouble) return;
    if (!this.waits && this.isStale) return void this.open(this.clip, time);
    this.target = time;
    this.settle();
  }

  /** Seeks as soon as the element knows how, and finds out what went wrong. */
  settle(): void {
    const { media, clip, target } = this;
    if (!clip || this.waits || this.trouble) return;
    if (media.error) return this.mend(clip);
    if (target === null || media.readyState < KNOWN) return;
    this.target = null;
    media.currentTime = Math.max(0, target - clip.start) / 1000;
  }

  play(rate: number): void {
    if (this.media.playbackRate !== rate) this.media.playbackRate = rate;
    if (this.media.paused && !this.media.ended) {
      this.media.play().catch((error: { name?: unknown } | null) => error?.name === 'NotAllowedError' && this.blocked());
    }
  }

  pause(): void {
    if (!this.media.paused) this.media.pause();
  }

  /** Its address ends, or did. */
  private get isStale(): boolean {
    return this.ends - AHEAD_MS < this.now();
  }

  /** After a pause: asks for an address again where one ended meanwhile. */
  refresh(): void {
    if (this.clip && !this.waits && !this.trouble && this.isStale) void this.open(this.clip, this.time ?? this.clip.start);
  }

  /** Once more what did not work, from this moment of the shared clock: the other may have gone on. */
  again(time: number): void {
    const { clip } = this;
    if (!clip || !this.trouble) return;
    this.trouble = null;
    this.retried = false;
    void this.open(clip, time);
  }

  empty(): void {
    this.turn += 1;
    this.clip = null;
    this.target = null;
    this.waits = false;
    this.ends = 0;
    if (!this.media.src) return;
    this.media.pause();
    this.media.removeAttribute('src');
    this.media.load();
  }

  private async open(clip: Clip, time: number): Promise<void> {
    const turn = (this.turn += 1);
    this.target = time;
    this.waits = true;
    const answer = await this.ask(clip);
    if (turn !== this.turn) return;
    this.waits = false;
    if (!answer.ok) {
      this.trouble = { kind: 'refused', failure: answer.failure };
      return;
    }
    this.ends = answer.value.ends;
    this.media.src = answer.value.url;
    this.hush();
    this.media.load();
    this.settle();
  }

  /** By muting: on an iPhone or iPad a volume of 0 changes nothing. */
  private hush(): void {
    this.media.muted = this.isQuiet || (this.kind === 'picture' && this.clip?.file.kind !== 'mix');
  }

  /** What the network broke, or an address that ended, is asked for once more; what the browser cannot play is not. */
  private mend(clip: Clip): void {
    const time = this.target ?? clip.start + this.media.currentTime * 1000;
    if (this.retried || this.media.error?.code === UNDECODABLE) this.trouble = { kind: 'unplayable', codec: clip.file.codec ?? '' };
    else {
      this.retried = true;
      void this.open(clip, time);
    }
  }

  /** It plays: what breaks from now on is another breakage. */
  wentWell(): void {
    this.retried = false;
  }
}

export class Playback {
  phase: Phase = 'paused';
  /** ms from the take's start. */
  position = 0;
  /** How fast, 1 is as it was. */
  rate = 1;
  take: Take | null = null;
  /** It was to play, and the browser wants to be asked by a tap first. */
  blocked = false;
  private readonly picture: Deck;
  private readonly sound: Deck;
  private wanted = false;
  private ticked: number;

  constructor(
    picture: Media,
    sound: Media,
    ask: Ask,
    private readonly now: () => number,
    /** The take is over. */
    private readonly over: () => void = () => {},
  ) {
    this.picture = new Deck(picture, 'picture', ask, now, () => this.wait());
    this.sound = new Deck(sound, 'sound', ask, now, () => this.wait());
    this.ticked = now();
  }

  get length(): number {
    return this.take ? this.take.end - this.take.start : 0;
  }

  /** How far the sound is ahead of the picture, in ms; null unless both play. */
  get drift(): number | null {
    const [picture, sound] = [this.picture.time, this.sound.time];
    return this.phase === 'playing' && picture !== null && sound !== null ? sound - picture : null;
  }

  /** Why picture or sound is not played. */
  trouble(kind: 'picture' | 'sound'): Trouble | null {
    return this[kind].trouble;
  }

  set quiet(quiet: boolean) {
    for (const deck of this.decks) deck.quiet = quiet;
  }

  get hasPicture(): boolean {
    return this.picture.clip !== null;
  }

  /** Shows this take from here, in ms from its start; null: none. The same take that has grown is taken over as it is. */
  show(take: Take | null, at = 0): void {
    const same = take !== null && take.key === this.take?.key;
    this.take = take;
    if (same) return;
    this.wanted = this.blocked = false;
    for (const deck of this.decks) deck.empty();
    this.position = 0;
    this.phase = 'paused';
    if (take) this.seek(at);
  }

  play(): void {
    if (!this.take) return;
    if (this.phase === 'ended') this.seek(0);
    this.wanted = true;
    this.blocked = false;
    for (const deck of this.decks) deck.refresh();
    this.tick();
  }

  pause(): void {
    this.wanted = false;
    this.tick();
  }

  get playing(): boolean {
    return this.wanted;
  }

  seek(at: number): void {
    if (!this.take) return;
    this.position = Math.min(Math.max(0, at), Math.max(0, this.length - 1));
    if (this.phase === 'ended') this.phase = 'paused';
    this.load();
    const time = this.take.start + this.position;
    for (const deck of this.decks) deck.seek(time);
    this.tick();
  }

  /** Once more what did not work. */
  again(): void {
    if (!this.take) return;
    for (const deck of this.decks) deck.again(this.take.start + this.position);
  }

  /** Looks at both elements and sets them right. */
  tick(): void {
    const elapsed = this.now() - this.ticked;
    this.ticked += elapsed;
    if (!this.take) return;
    for (const deck of this.decks) deck.settle();
    const held = this.decks.filter((deck) => deck.clip);
    const decks = held.filter((deck) => !deck.trouble);
    if (held.length > 0 && decks.length === 0) this.wanted = false;
    if (!this.wanted || !decks.every((deck) => deck.ready)) {
      for (const deck of this.decks) deck.pause();
      if (this.phase !== 'ended') this.phase = this.wanted ? 'loading' : 'paused';
      return;
    }
    this.advance(decks, elapsed);
    if (this.position >= this.length) return this.end();
    this.load();
    this.keepStep(decks);
  }

  private wait(): void {
    if (!this.wanted) return;
    this.wanted = false;
    this.blocked = true;
    this.tick();
  }

  private get decks(): Deck[] {
    return [this.picture, this.sound];
  }

  /** The sound leads: the ear notices what the eye does not. Where nothing plays, the clock does. */
  private advance(decks: readonly Deck[], elapsed: number): void {
    const take = this.take!;
    const leads = [this.sound, this.picture].find((deck) => decks.includes(deck) && !deck.media.ended && !this.isEarly(deck));
    const time = this.phase === 'playing' ? leads?.time : null;
    if (time != null) this.position = Math.max(0, time - take.start);
    else if (this.phase === 'playing') this.position += elapsed * this.rate;
    // A file may be shorter than was told.
    const held = decks.length > 0 && decks.every((deck) => deck.media.ended);
    if (held) this.position = Math.max(this.position, ...decks.map((deck) => deck.clip!.end - take.start));
    this.phase = 'playing';
  }

  private keepStep(decks: readonly Deck[]): void {
    const leads = decks.includes(this.sound) && !this.sound.media.ended ? this.sound : null;
    for (const deck of decks.filter((deck) => deck.ready)) {
      deck.wentWell();
      if (this.isEarly(deck)) {
        deck.pause();
        continue;
      }
      const ahead = leads && deck !== leads && !deck.media.ended ? (deck.time ?? 0) - (leads.time ?? 0) : 0;
      if (Math.abs(ahead) > JUMP_MS) deck.seek(leads!.time!);
      const bend = Math.abs(ahead) > STEP_MS ? Math.max(-BEND, Math.min(BEND, -ahead / 500)) : 0;
      deck.play(this.rate * (1 + bend));
    }
  }

  /** It is shown before it begins. */
  private isEarly(deck: Deck): boolean {
    return deck.clip !== null && deck.clip.start > this.take!.start + this.position;
  }

  /** Puts into the elements what is there at this moment. */
  private load(): void {
    const take = this.take!;
    const time = take.start + this.position;
    this.picture.take(pictureSoon(take, this.position, SOON_MS), time);
    this.sound.take(clipAt(take, 'sound', this.position), time);
  }

  private end(): void {
    this.wanted = false;
    this.position = this.length;
    this.phase = 'ended';
    for (const deck of this.decks) deck.pause();
    this.over();
  }
}
