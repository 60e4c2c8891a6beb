/** What the home page shows of each camera, in the order in which it is wanted. */
import type { LiveCamera } from '../live';

/** Below this share of the battery, and not charging, a camera will soon be gone (ux.md 2.2). */
export const LOW_BATTERY = 0.15;

export interface Card {
  /** One per camera: two rooms may each have a Kitchen. */
  id: string;
  name: string;
  /** The room, only if the cameras shown are in more than one. */
  room: string | null;
  state: LiveCamera['state'];
  /** ms since 1970 UTC. */
  since: number;
  /** Whole percent; null when the camera does not tell. */
  battery: number | null;
  charging: boolean;
  lowBattery: boolean;
  watchers: string[];
  /** Where a click leads: this camera, zoomed. */
  href: string;
}

const ORDER: Record<LiveCamera['state'], number> = { live: 0, gone: 1, stopped: 2 };

/** Live ones first, then those that went without a word, then the stopped; by name within. */
export function cardsOf(cameras: readonly LiveCamera[]): Card[] {
  const rooms = new Set(cameras.map((camera) => camera.room));
  return cameras
    .map((camera) => cardOf(camera, rooms.size > 1))
    .sort((a, b) => ORDER[a.state] - ORDER[b.state] || a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

/** The cameras whose state is another than before: what a screen reader is told. The first list is no news. */
export function changed(before: readonly LiveCamera[] | null, after: readonly LiveCamera[]): LiveCamera[] {
  if (before === null) return [];
  const states = new Map(before.map((camera) => [idOf(camera), camera.state]));
  return after.filter((camera) => states.get(idOf(camera)) !== camera.state);
}

function idOf(camera: LiveCamera): string {
  return `${camera.room}\n${camera.name}`;
}

function cardOf(camera: LiveCamera, showRoom: boolean): Card {
  const live = camera.state === 'live';
  const level = live ? (camera.status?.battery ?? null) : null;
  const charging = live && camera.status?.charging === true;
  return {
    id: idOf(camera),
    name: camera.name,
    room: showRoom ? camera.room : null,
    state: camera.state,
    since: camera.since,
    battery: level === null ? null : Math.round(level * 100),
    charging,
    lowBattery: level !== null && level < LOW_BATTERY && !charging,
    watchers: live ? camera.watchers : [],
    href: watchAddress(camera.room, camera.name),
  };
}

/** The dog cam page, watching; `camera` zooms one. */
export function watchAddress(room: string | null, camera: string | null = null): string {
  return address({ room, camera });
}

/** The dog cam page as a camera; with a `name` it starts without asking where the browser allows it. */
export function cameraAddress(room: string | null, name: string | null = null): string {
  return address({ as: 'camera', room, name, start: name === null ? null : '1' });
}

function address(values: Record<string, string | null>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== null) query.set(key, value);
  const text = query.toString();
  return text === '' ? '/dogcam' : `/dogcam?${text}`;
}

/** What this device can do from here; `again` is being the camera it was last time. */
export type Choice = 'again' | 'camera' | 'watch';

export interface Situation {
  mayCamera: boolean;
  mayWatch: boolean;
  /** A phone or tablet: likelier to become a camera. */
  handheld: boolean;
  /** What this device did last time. */
  role: 'camera' | 'watch' | null;
  cameraName: string;
}

/** The choices allowed, the likeliest first: what it was, else camera on phones and watching on computers. */
export function choicesFor(situation: Situation): Choice[] {
  const { mayCamera, mayWatch, handheld, role, cameraName } = situation;
  const cameraFirst = role === null ? handheld : role === 'camera';
  const both: Choice[] = cameraFirst ? ['camera', 'watch'] : ['watch', 'camera'];
  const allowed = both.filter((choice) => (choice === 'camera' ? mayCamera : mayWatch));
  return mayCamera && role === 'camera' && cameraName !== '' ? ['again', ...allowed] : allowed;
}
