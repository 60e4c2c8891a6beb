/** What the pages need to know of one other participant, read off the SDK's objects. */
import type { RemoteParticipant, RemoteTrackPublication } from 'twilio-video';

/** Name of a watcher's talk-back track. */
export const TALK = 'talk';

export interface Media {
  sid: string;
  media: MediaStreamTrack;
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
}

/** `announced`: what its data track or its track state said last about its microphone. */
export function peerOf(participant: RemoteParticipant, announced: boolean | undefined, joined: number): Peer {
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
  };
}

function mediaOf(publication: RemoteTrackPublication | undefined): Media | null {
  const track = publication?.track;
  if (!publication || !track || track.kind === 'data') return null;
  // Null for a short time in the SDK while a track is switched off.
  return track.mediaStreamTrack ? { sid: publication.trackSid, media: track.mediaStreamTrack } : null;
}
