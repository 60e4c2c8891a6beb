/** Opening cameras and microphones, and what their refusals mean. No page: `media` is `navigator.mediaDevices` or a fake. */
import type { Quality } from '../store';

export type CaptureFailure = 'insecure' | 'denied' | 'none' | 'busy' | 'other';
export type Facing = 'front' | 'back' | 'unknown';

export interface Wish {
  /** '' for none in particular. */
  deviceId: string;
  facing: 'front' | 'back';
  quality: Quality;
}

export type Opened =
  | { ok: true; video: MediaStreamTrack; audio: MediaStreamTrack | null; audioFailure: CaptureFailure | null }
  | { ok: false; failure: CaptureFailure };

/** The parts of `navigator.mediaDevices` that are used. */
export type Media = Pick<MediaDevices, 'getUserMedia' | 'enumerateDevices'>;

/** A camera in use is tried again twice, 1 s apart. */
const BUSY_TRIES = 2;
const BUSY_WAIT_MS = 1_000;

const SIZES: Record<Quality, { width: number; height: number; frameRate: number }> = {
  low: { width: 640, height: 480, frameRate: 15 },
  normal: { width: 1280, height: 720, frameRate: 30 },
  high: { width: 1920, height: 1080, frameRate: 30 },
};

export const SOUND: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** While nobody watches: less heat, less power. */
export const LOW_POWER: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { max: 15 } };

export function pictureOf(wish: Wish): MediaTrackConstraints {
  const { width, height, frameRate } = SIZES[wish.quality];
  const size = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: frameRate } };
  // Wishes, not demands: a stored camera that is gone gives way to the default one without a word.
  if (wish.deviceId) return { ...size, deviceId: { ideal: wish.deviceId } };
  return { ...size, facingMode: { ideal: wish.facing === 'front' ? 'user' : 'environment' } };
}

/** What a NotAllowedError and its kin mean to a person (W3C Media Capture and Streams, section 10.2). */
export function failureOf(error: unknown): CaptureFailure {
  switch ((error as { name?: string } | null)?.name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return 'none';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy';
    default:
      return 'other';
  }
}

/** Camera and microphone in one question; goes on with the picture alone where only the microphone fails. */
export async function openBoth(media: Media | undefined, wish: Wish): Promise<Opened> {
  if (!media) return { ok: false, failure: 'insecure' };
  try {
    const stream = await media.getUserMedia({ video: pictureOf(wish), audio: SOUND });
    return { ok: true, video: stream.getVideoTracks()[0]!, audio: stream.getAudioTracks()[0] ?? null, audioFailure: null };
  } catch (error) {
    const picture = await openPicture(media, wish);
    if (!picture.ok) return picture;
    const sound = failureOf(error) === 'busy' ? await openSound(media) : null;
    return { ok: true, video: picture.track, audio: sound?.ok ? sound.track : null, audioFailure: sound?.ok ? null : failureOf(error) };
  }
}

export type OpenedTrack = { ok: true; track: MediaStreamTrack } | { ok: false; failure: CaptureFailure };

export async function openPicture(media: Media | undefined, wish: Wish, exact = false): Promise<OpenedTrack> {
  if (!media) return { ok: false, failure: 'insecure' };
  const wanted = pictureOf(wish);
  const video = exact && wish.deviceId ? { ...wanted, deviceId: { exact: wish.deviceId } } : wanted;
  for (let tries = 0; ; tries += 1) {
    try {
      // The last try asks for nothing in particular: some drivers fail on sizes, not on being busy.
      const stream = await media.getUserMedia({ video: tries < BUSY_TRIES || exact ? video : true });
      return { ok: true, track: stream.getVideoTracks()[0]! };
    } catch (error) {
      const failure = failureOf(error);
      if (failure !== 'busy' || tries >= BUSY_TRIES) return { ok: false, failure };
      await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
    }
  }
}

export async function openSound(media: Media | undefined): Promise<OpenedTrack> {
  if (!media) return { ok: false, failure: 'insecure' };
  try {
    const stream = await media.getUserMedia({ audio: SOUND });
    return { ok: true, track: stream.getAudioTracks()[0]! };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

export async function listCameras(media: Media | undefined): Promise<MediaDeviceInfo[]> {
  try {
    return ((await media?.enumerateDevices()) ?? []).filter((device) => device.kind === 'videoinput');
  } catch {
    return [];
  }
}

/** The camera after `current`, round and round. */
export function nextCamera<T extends { deviceId: string }>(devices: readonly T[], current: string): T | null {
  if (devices.length < 2) return null;
  const at = devices.findIndex((device) => device.deviceId === current);
  return devices[(at + 1) % devices.length] ?? null;
}

export function facingOf(track: Pick<MediaStreamTrack, 'label' | 'getSettings'>): Facing {
  const mode = track.getSettings().facingMode;
  if (mode === 'user') return 'front';
  if (mode === 'environment') return 'back';
  if (/\b(front|user|selfie)\b/i.test(track.label)) return 'front';
  return /\b(back|rear|environment)\b/i.test(track.label) ? 'back' : 'unknown';
}
