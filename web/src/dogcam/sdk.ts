/** The twilio-video package, in a chunk of its own, and the few parts of it that the pages use. */
import type { ConnectOptions, LocalTrack, Room } from 'twilio-video';
import type * as TwilioVideo from 'twilio-video';

export interface Sdk {
  isSupported: boolean;
  connect(token: string, options: SdkOptions): PromiseLike<Room> & { cancel?: () => void };
  LocalDataTrack: typeof TwilioVideo.LocalDataTrack;
  LocalVideoTrack: typeof TwilioVideo.LocalVideoTrack;
  LocalAudioTrack: typeof TwilioVideo.LocalAudioTrack;
}

/** `wsServer` and `wsServerInsights` are read by the SDK but missing from its types. */
export type SdkOptions = ConnectOptions & { wsServer: string; wsServerInsights: string; tracks: LocalTrack[] };

/** The package's browser bundle registers itself on the window; it exports nothing. */
export async function loadSdk(): Promise<Sdk> {
  await withoutEval(() => import('twilio-video/dist/twilio-video.min.js'));
  return (globalThis as unknown as { Twilio: { Video: Sdk } }).Twilio.Video;
}

/**
 * While it loads, the package makes a function from text (its way to import the vendor's noise filters, which Kennel has not), and
 * the pages' policy forbids that. Meanwhile such functions are made to refuse when called instead of when made.
 */
async function withoutEval<T>(load: () => Promise<T>): Promise<T> {
  const real = globalThis.Function;
  const refusing = () => () => Promise.reject(new Error('Kennel loads no plug-ins'));
  globalThis.Function = new Proxy(real, { apply: refusing, construct: refusing });
  try {
    return await load();
  } finally {
    globalThis.Function = real;
  }
}
