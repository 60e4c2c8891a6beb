/** What the page asks the server. */
import { api, type Answer } from '../api';
import type { Film, FilmAsk } from './film';
import type { FilmCalls, FilmPage } from './films.svelte';
import type { Clip, Recording } from './model';
import type { Ask } from './playback';

export interface Page {
  recordings: Recording[];
  next: number | null;
  space: { used: number; free: number | null } | null;
}

/** So many pages of the list at most are put together for one day: 20 times 100 files. */
const DAY_PAGES_MAX = 20;
/** An address is good for this long at least, at most, and this much longer than its file plays, in s. */
const GOOD_MIN_S = 900;
const GOOD_MAX_S = 86_400;
const SPARE_S = 900;

export interface Wanted {
  room?: string;
  from?: number;
  before?: number;
  after?: number;
}

export function list(wanted: Wanted): Promise<Answer<Page>> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) query.set(name, String(value));
  return api.ask('GET', `/recordings?${query}`);
}

/** All files that began between these moments, of this room or, without one, of all; where `next` is not null, only the newest of them. */
export async function listAll(from: number, before: number, room: string): Promise<Answer<Page>> {
  const files: Recording[] = [];
  let after: number | null = null;
  for (let page = 0; page < DAY_PAGES_MAX; page += 1) {
    const answer: Answer<Page> = await list({ ...(room ? { room } : {}), from, before, ...(after === null ? {} : { after }) });
    if (!answer.ok) return answer;
    files.push(...answer.value.recordings);
    after = answer.value.next;
    if (after === null) return { ok: true, value: { ...answer.value, recordings: files } };
  }
  return { ok: true, value: { recordings: files, next: after, space: null } };
}

export function forget(file: Recording): Promise<Answer<null>> {
  return api.ask('DELETE', pathOf(file));
}

export const filmCalls: FilmCalls = {
  list: (room: string, after: number | null): Promise<Answer<FilmPage>> => {
    const query = new URLSearchParams({ ...(room ? { room } : {}), ...(after === null ? {} : { after: String(after) }) });
    return api.ask('GET', `/compositions?${query}`);
  },
  find: (id: string): Promise<Answer<Film>> => api.ask('GET', `/compositions/${encodeURIComponent(id)}`),
  make: (ask: FilmAsk): Promise<Answer<Film>> => api.ask('POST', '/compositions', ask),
  forget: (film: Film): Promise<Answer<null>> => api.ask('DELETE', pathOf(film)),
};

/** Films are compositions, and their ids say so. */
function pathOf({ id }: { id: string }): string {
  return `/${id.startsWith('CJ') ? 'compositions' : 'recordings'}/${id}`;
}

/** Where a file is downloaded from: the session is asked each time. */
export function downloadPath(file: { id: string }): string {
  return `/kennel/v1${pathOf(file)}/media`;
}

/** An address that lasts longer than the file plays, at least at its own speed. */
export const askAddress: Ask = async ({ file }: Clip) => {
  const seconds = Math.min(GOOD_MAX_S, Math.max(GOOD_MIN_S, Math.ceil((file.duration ?? 0) / 1000) + SPARE_S));
  const asked = Date.now();
  const answer = await api.ask<{ url: string; ends: number }>('POST', `${pathOf(file)}/link`, { seconds });
  if (!answer.ok) return answer;
  // On this page's own origin, whatever name the server knows itself by; and by this device's clock, whatever the server's says.
  const { pathname, search } = new URL(answer.value.url, location.href);
  return { ok: true, value: { url: pathname + search, ends: asked + seconds * 1000 } };
};
