/** What the pages need to know of one other participant, read off the SDK's objects. */
import type { RemoteAudioTrack, RemoteParticipant, RemoteTrackPublication, RemoteVideoTrack } from 'twilio-video';

/** Name of a watcher's talk-back track. */
export const TALK = 'talk';

export interface Media {
  sid: string;
  media: MediaStreamTrack;
  /** It moves to another connection: this is the last of the old one, and the new one is not here yet. */
  leaving?: boolean;
}

export interface Peer {
  sid: string;
  name: string;
  /** When we first saw it, ms since 1970. */
  joined: number;
  reconnecting: boolean;
  /** The picture, once subscribed. */
  video: Media | null;
  audio: Media | null;
  talk: Media | null;
  talking: boolean;
  hasVideo: boolean;
  hasAudio: boolean;
  /** The picture is published and switched off. */
  videoOff: boolean;
  muted: boolean;
  /** The server sends no picture for now: too little bandwidth here, or we asked for none. */
  paused: boolean;
  /** The loudest in the room, where the server says so. */
  loudest: boolean;
  /** Network quality as the server judges it, 0 (broken) to 5 (best); null where it does not, as in rooms without it. */
  quality: number | null;
}

/** What a publication carried last. A publication outlives its moves from one connection to another. */
const last = new WeakMap<RemoteTrackPublication, MediaStreamTrack>();

/** `announced`: what its data track or its track state said last about its microphone; `loudest`: SID of the loudest in the room. */
export function peerOf(participant: RemoteParticipant, announced: boolean | undefined, joined: number, loudest?: string): Peer {
  const all = [...participant.tracks.values()];
  const video = all.filter((one) => one.kind === 'video');
  const audio = all.find((one) => one.kind === 'audio' && one.trackName !== TALK);
  const talk = all.find((one) => one.kind === 'audio' && one.trackName === TALK);
  // While a camera changes, both the old and the new picture may be listed: the newest counts.
  const picture = [...video].reverse().find((one) => one.track) ?? video[video.length - 1];
  return {
    sid: participant.sid,
    name: participant.identity,
    joined,
    reconnecting: participant.state === 'reconnecting',
    video: mediaOf(picture),
    audio: mediaOf(audio),
    talk: mediaOf(talk),
    talking: talk?.isTrackEnabled ?? false,
    hasVideo: video.length > 0,
    hasAudio: audio !== undefined,
    videoOff: picture !== undefined && !picture.isTrackEnabled,
    muted: audio !== undefined && (announced ?? !audio.isTrackEnabled),
    paused: (picture?.track as RemoteVideoTrack | null | undefined)?.isSwitchedOff ?? false,
    loudest: participant.sid === loudest,
    quality: participant.networkQualityLevel ?? null,
  };
}

function mediaOf(publication: RemoteTrackPublication | undefined): Media | null {
  if (!publication || publication.kind === 'data') return null;
  const sid = publication.trackSid;
  const media = (publication.track as RemoteVideoTrack | RemoteAudioTrack | null)?.mediaStreamTrack;
  if (media) {
    last.set(publication, media);
    return { sid, media };
  }
  const old = last.get(publication);
  return old ? { sid, media: old, leaving: true } : null;
}
