/** Begins and ends the recording of a room, for the pages whose room it is. */
import { api, type Answer } from '../api';
import { refusalWords } from '../refusal';
import { record as words } from '../text/record';

/** Null, or what to tell whoever asked for it. */
export async function setRecording(room: string, on: boolean): Promise<string | null> {
  const answer: Answer<unknown> = await api.ask('POST', `/rooms/${encodeURIComponent(room)}/record`, { on });
  if (answer.ok) return null;
  const { failure } = answer;
  return failure.kind === 'refused' && failure.code === 'not_found' ? words.nobody : refusalWords(failure);
}

/** What recording waits for that is on where nothing is written: room on the disk, or whatever lets it begin. */
export type Waits = 'disk' | 'begin' | null;

/** What recording waits for; undefined if the server does not say. */
export async function waitsFor(room: string): Promise<Waits | undefined> {
  const answer: Answer<{ on: boolean; recording: boolean; waiting: boolean }> = await api.ask('GET', `/rooms/${encodeURIComponent(room)}/record`);
  if (!answer.ok) return undefined;
  const { on, recording, waiting } = answer.value;
  if (waiting) return 'disk';
  return on && !recording ? 'begin' : null;
}

/** Whether anything of the room is being written; null if the server does not say. */
export async function isWritten(room: string): Promise<boolean | null> {
  const answer: Answer<{ recordings: { status: string; left?: boolean }[] }> = await api.ask('GET', `/recordings?${new URLSearchParams({ room })}`);
  return answer.ok ? answer.value.recordings.some(({ status, left }) => status === 'processing' && !left) : null;
}
