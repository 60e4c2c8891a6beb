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
  await import('twilio-video/dist/twilio-video.min.js');
  return (globalThis as unknown as { Twilio: { Video: Sdk } }).Twilio.Video;
}
