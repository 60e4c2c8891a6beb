/** When something began, as short as it stays clear. Times in ms since 1970 UTC, in the device's own zone. */
import { clock, moment } from '../ui/values';

/** "14:03" today, "3 May, 14:03" on any other day. */
export function since(ms: number, now: number = Date.now()): string {
  return new Date(ms).toDateString() === new Date(now).toDateString() ? clock(ms) : moment(ms);
}
