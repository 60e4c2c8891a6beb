/** Getting in: the key from the address, the session from the server. */
import { type Answer, type Api, type Session } from './api';

/** The key in what somebody pasted: a whole link, `#k=…`, or the bare key. Empty when there is none. */
export function keyIn(text: string): string {
  const trimmed = text.trim();
  const marked = /[#&?](?:k|key)=([^&#\s]+)/.exec(trimmed);
  if (marked) return decodeSafely(marked[1]!);
  return /^[A-Za-z0-9_-]{8,256}$/.test(trimmed) ? trimmed : '';
}

/** Takes the key out of the address bar, so that it is neither bookmarked nor shown; '' when there was none. */
export function takeKey(
  at: { hash: string; pathname: string; search: string } = location,
  wipe: (address: string) => void = (address) => history.replaceState(history.state, '', address),
): string {
  // Read first: `location` changes under our hands when it is wiped.
  const { hash } = at;
  if (!/^#k=/.test(hash)) return '';
  wipe(at.pathname + at.search);
  return keyIn(hash);
}

/** Signs in with `key`, or with the cookie when it is empty. */
export function openSession(api: Api, key: string): Promise<Answer<Session>> {
  return key ? api.signIn(key) : api.session();
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
