/** When something began, as short as it stays clear. Times in ms since 1970 UTC, in the device's own zone. */
import { clock } from '../ui/values';

/** "14:03" today, "3 May, 14:03" on any other day. */
export function since(ms: number, now: number = Date.now()): string {
  return new Date(ms).toDateString() === new Date(now).toDateString() ? clock(ms) : dayAndClock(ms);
}

/** "3 May, 14:03" */
export function dayAndClock(ms: number): string {
  const form = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
  return new Intl.DateTimeFormat(undefined, form).format(ms);
}
