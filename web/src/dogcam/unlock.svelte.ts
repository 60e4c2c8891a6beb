/** Browsers play sound only after a tap: this knows whether there was one on this page. */
import { audioContext } from './device';

class Unlock {
  done = $state(false);

  constructor() {
    for (const event of ['pointerup', 'keydown', 'click']) window.addEventListener(event, () => this.tapped(), { capture: true, passive: true });
  }

  private tapped(): void {
    void audioContext()?.resume();
    this.done = true;
  }
}

export const unlock = new Unlock();
