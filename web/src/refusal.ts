/** Why the server did not let somebody in, in words (ux: every failure says what happened and what to do). */
import type { Failure } from './api';
import { needsKey } from './api';
import { gate } from './text/common';
import { moment } from './ui/values';

export function refusalWords(why: Failure): string {
  if (why.kind === 'unreachable') return gate.unreachable;
  if (why.kind === 'garbled') return gate.trouble;
  if (why.code === 'no_session') return gate.noSession;
  if (why.code === 'key_ended' && why.ended !== null) return gate.ended(moment(why.ended));
  if (why.status === 429) return gate.tooMany;
  return needsKey(why) ? gate.wrongKey : why.message || gate.trouble;
}
