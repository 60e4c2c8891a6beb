/** Why a join did not work, or why a room ended, from the codes of the server and the SDK. Pure. */
import type { Failure } from '../api';

export type Trouble =
  | { kind: 'server' }
  | { kind: 'full' }
  | { kind: 'taken'; name: string }
  | { kind: 'displaced' }
  | { kind: 'link'; ended: number | null }
  | { kind: 'token' }
  | { kind: 'room-ended' }
  | { kind: 'removed' }
  | { kind: 'media' }
  | { kind: 'name' }
  | { kind: 'not-allowed' }
  | { kind: 'too-many-tries' }
  | { kind: 'unsupported' }
  | { kind: 'other'; code: string };

/** What to do about it: try again after `seconds` (null: 1, 2, 4 … 30), or wait for a person. */
export type Plan = { kind: 'again'; seconds: number | null } | { kind: 'wait' };

/** A full room is tried again each 20 s. */
const FULL_RETRY_S = 20;
const TRIES_RETRY_S = 60;
/** A seat that nobody sits on is given up after 30 s. */
const SEAT_RETRY_S = 10;

/** `lost`: it was live before, so what has the name is most likely its own seat, which frees itself. */
export function planFor(trouble: Trouble, lost: boolean): Plan {
  switch (trouble.kind) {
    case 'taken':
      return lost ? { kind: 'again', seconds: SEAT_RETRY_S } : { kind: 'wait' };
    case 'server':
    case 'media':
    case 'other':
      return { kind: 'again', seconds: null };
    case 'full':
      return { kind: 'again', seconds: FULL_RETRY_S };
    case 'too-many-tries':
      return { kind: 'again', seconds: TRIES_RETRY_S };
    default:
      return { kind: 'wait' };
  }
}

/** From a call of Kennel's own API. */
export function fromFailure(failure: Failure, name: string): Trouble {
  if (failure.kind === 'unreachable') return { kind: 'server' };
  if (failure.kind === 'garbled') return { kind: 'other', code: String(failure.status) };
  if (failure.code === 'name_taken') return { kind: 'taken', name };
  if (failure.code === 'name_invalid') return { kind: 'name' };
  if (failure.status === 401) return { kind: 'link', ended: failure.ended };
  if (failure.status === 403) return { kind: 'not-allowed' };
  if (failure.status === 429) return { kind: 'too-many-tries' };
  return { kind: 'other', code: failure.code };
}

/** From an error of the SDK: a rejected connect() or the reason of `disconnected`. Codes as Twilio documents them. */
export function fromError(error: unknown): Trouble {
  const code = codeOf(error);
  if (code === null) return { kind: 'server' };
  if (code === 53105) return { kind: 'full' };
  if (code === 53205) return { kind: 'displaced' };
  if (code === 53118) return { kind: 'room-ended' };
  if (code === 53405 || code === 53407) return { kind: 'media' };
  if (code >= 20101 && code <= 20107) return { kind: 'token' };
  if (code >= 53200 && code <= 53202) return { kind: 'name' };
  // 53000, 53001, 53006 … : the signalling did not work; 53204: the server does not know us any more.
  if ((code >= 53000 && code <= 53099) || code === 53204) return { kind: 'server' };
  return { kind: 'other', code: String(code) };
}

function codeOf(error: unknown): number | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : null;
}
