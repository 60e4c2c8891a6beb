import { dogcam } from '../text/dogcam';

/** Lock screens name the cameras that are heard, and stop or play their sound; the `first` one, if none is heard. */
export function describeSound(heard: string[], first: string[], hear: (names: string[]) => void) {
  if (typeof MediaMetadata !== 'function') return;
  const session = navigator.mediaSession;
  session.metadata = heard.length ? new MediaMetadata({ title: heard.join(', '), artist: dogcam.title }) : null;
  session.playbackState = heard.length ? 'playing' : 'none';
  session.setActionHandler('pause', () => hear([]));
  session.setActionHandler('play', () => hear(heard.length ? heard : first));
}
