/** The @signalwire/js package, in a chunk of its own, and the few parts of it that the pages use. */
import type { Told } from './people';

export interface RoomSession {
  memberId?: string;
  permissions?: string[];
  on(event: string, handler: (detail: any) => void): void;
  join(): Promise<unknown>;
  leave(): Promise<void>;
  audioMute(who?: { memberId: string }): Promise<void>;
  audioUnmute(who?: { memberId: string }): Promise<void>;
  videoMute(who?: { memberId: string }): Promise<void>;
  videoUnmute(who?: { memberId: string }): Promise<void>;
  setRaisedHand(wish: { raised: boolean; memberId?: string }): Promise<void>;
  updateMemberMeta(wish: { memberId: string; meta: object }): Promise<void>;
  removeMember(who: { memberId: string }): Promise<void>;
  getMembers(): Promise<{ members: Told[] }>;
  getLayouts(): Promise<{ layouts: string[] }>;
  setLayout(wish: { name: string }): Promise<void>;
  lock(): Promise<void>;
  unlock(): Promise<void>;
  hideVideoMuted(): Promise<void>;
  showVideoMuted(): Promise<void>;
  startRecording(): Promise<MixRecording>;
  getRecordings(): Promise<{ recordings: MixRecording[] }>;
  startScreenShare(wish: { audio: boolean; video: boolean }): Promise<{ leave(): Promise<void>; on(event: string, handler: () => void): void }>;
  /** Why the server ended the call (ITU-T Q.850); not set while it goes on. */
  causeCode?: string;
  peer?: { instance?: RTCPeerConnection };
  /** Plays the room. */
  audioEl?: HTMLAudioElement;
  updateSpeaker(wish: { deviceId: string }): Promise<void>;
  updateCamera(wish: MediaTrackConstraints): Promise<void>;
  updateMicrophone(wish: MediaTrackConstraints): Promise<void>;
}

/** A recording of the mixed picture. */
export interface MixRecording {
  stop(): Promise<void>;
}

export interface SessionOptions {
  token: string;
  host: string;
  rootElement: HTMLElement;
  audio: boolean | MediaTrackConstraints;
  video: boolean | MediaTrackConstraints;
  mirrorLocalVideoOverlay: boolean;
}

/** Where somebody stands in the mixed picture, in percent of it. */
export interface Layer {
  member_id?: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export async function loadSdk(): Promise<{ RoomSession: new (options: SessionOptions) => RoomSession }> {
  const { Video } = await import('@signalwire/js');
  return Video as unknown as { RoomSession: new (options: SessionOptions) => RoomSession };
}
