/** Media elements are reused, never recreated: a camera that comes back two hundred times keeps its one element. */

/** Shows or plays `track` on the element. Without a track the last picture stays. */
export function plays(node: HTMLMediaElement, track: MediaStreamTrack | null) {
  let shown: MediaStreamTrack | null = null;
  const set = (next: MediaStreamTrack | null) => {
    if (!next || next === shown) return;
    shown = next;
    node.srcObject = new MediaStream([next]);
    void start(node);
  };
  // Coming back from another app, iPhones leave the element paused.
  const again = () => {
    if (document.visibilityState === 'visible' && node.paused) void start(node);
  };
  document.addEventListener('visibilitychange', again);
  set(track);
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
