/** Sizes, days and what a film is of as people read them, in the device's locale. */
import { films } from '../text/films';
import { clockSeconds, duration, moment } from '../ui/values';
import type { Film } from './film';
import { dayOf } from './model';

/** "12 MB": three digits at most. */
export function size(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const options = { style: 'unit', unit: units[power]!, unitDisplay: 'short', maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat(undefined, options).format(bytes / 1000 ** power);
}

/** "Sunday, 3 May", and the year where it is another one. */
export function dayName(ms: number, now: number): string {
  const isThisYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
  const year = isThisYear ? {} : ({ year: 'numeric' } as const);
  return new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', ...year }).format(ms);
}

/** Of when a film is. */
export function filmTime({ asked, created }: Film, now: number): string {
  const { from, to } = asked;
  if (from == null || to == null) return films.whole(moment(created));
  const until = dayOf(to) === dayOf(from) ? clockSeconds(to) : `${dayName(to, now)}, ${clockSeconds(to)}`;
  return films.span(dayName(from, now), clockSeconds(from), until);
}

/** "1:02:03 · 12 MB" */
export function filmLength(film: Film): string {
  return films.length(duration((film.duration ?? 0) / 1000), size(film.bytes ?? 0));
}
