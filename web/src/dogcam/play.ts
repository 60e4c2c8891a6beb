/** Media elements are reused, never recreated: a camera that comes back two hundred times keeps its one element. */

export interface Played {
  track: MediaStreamTrack | null;
  /** Without a track the last picture stays; whoever keeps it must show that it is old. */
  keep?: boolean;
  /** Called just before another track takes the place of the one shown. */
  onswitch?: () => void;
}

/** A new track is waited for this long, ms, while the old one still plays. */
const PATIENCE_MS = 1_000;

/** What the element shows or plays now; null before the first track. */
export function trackOf(node: HTMLMediaElement): MediaStreamTrack | null {
  return (node.srcObject as MediaStream | null)?.getTracks()[0] ?? null;
}

/** Shows or plays a track on the element. */
export function plays(node: HTMLMediaElement, played: Played) {
  let wanted: MediaStreamTrack | null = null;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const show = () => {
    clearTimeout(waiting);
    const old = trackOf(node);
    if (old === wanted) return;
    if (old) played.onswitch?.();
    node.srcObject = wanted && new MediaStream([wanted]);
    if (wanted) void start(node);
  };
  const set = (next: Played) => {
    played = next;
    const { track, keep = false } = next;
    if (track === wanted || (!track && keep)) return;
    wanted?.removeEventListener('unmute', show);
    clearTimeout(waiting);
    wanted = track;
    if (!track || !mayWait(trackOf(node), track)) return show();
    track.addEventListener('unmute', show, { once: true });
    waiting = setTimeout(show, PATIENCE_MS);
  };
  // Coming back from another app, iPhones leave the element paused.
  const again = () => {
    if (document.visibilityState === 'visible' && node.paused && wanted) void start(node);
  };
  document.addEventListener('visibilitychange', again);
  set(played);
  return {
    update: set,
    destroy() {
      clearTimeout(waiting);
      wanted?.removeEventListener('unmute', show);
      document.removeEventListener('visibilitychange', again);
      node.srcObject = null;
    },
  };
}

/** Nothing has come on the new track yet, and the old one goes on: as when both come from two connections. */
function mayWait(old: MediaStreamTrack | null, next: MediaStreamTrack): boolean {
  return old?.readyState === 'live' && !old.muted && next.muted;
}

/** False when the browser refuses, which it does for sound without a tap. */
export async function start(node: HTMLMediaElement): Promise<boolean> {
  try {
    await node.play();
    return true;
  } catch {
    return false;
  }
}
