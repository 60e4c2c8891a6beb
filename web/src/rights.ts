/** What a session may do; the server decides again at each call, this only keeps useless choices off the screen. */
import type { Right, Session } from './api';

/** `owner` implies the others. */
export function may(session: Pick<Session, 'rights'>, right: Right): boolean {
  return session.rights.includes(right) || session.rights.includes('owner');
}
