/** Media elements are reused, never recreated: a camera that comes back two hundred times keeps its one element. */

export interface Played {
  track: MediaStreamTrack | null;
  /** Without a track the last picture stays; whoever keeps it must show that it is old. */
  keep?: boolean;
}

/** Shows or plays a track on the element. */
export function plays(node: HTMLMediaElement, played: Played) {
  let shown: MediaStreamTrack | null = null;
  const set = ({ track, keep = false }: Played) => {
    if (track === shown || (!track && keep)) return;
    shown = track;
    node.srcObject = track && new MediaStream([track]);
    if (track) void start(node);
  };
  // Coming back from another app, iPhones leave the element paused.
  const again = () => {
    if (document.visibilityState === 'visible' && node.paused && shown) void start(node);
  };
  document.addEventListener('visibilitychange', again);
  set(played);
  return {
    update: set,
    destroy() {
      document.removeEventListener('visibilitychange', again);
      node.srcObject = null;
    },
  };
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
