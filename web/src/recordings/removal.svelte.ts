/** Deleting a take. What is asked about stays the same until it is answered, whatever is shown behind the question meanwhile. */
import type { Answer } from '../api';
import { refusalWords } from '../refusal';
import { recordings as words } from '../text/recordings';
import type { Recording, Take } from './model';

export class Removal {
  /** What is asked about; null: nothing is. */
  asked: Take | null = $state.raw(null);
  busy = $state(false);
  trouble = $state('');

  constructor(private readonly forget: (file: Recording) => Promise<Answer<null>>) {}

  ask(take: Take): void {
    if (this.busy) return;
    this.asked = take;
    this.trouble = '';
  }

  /** What has begun to be deleted is told of to its end. */
  cancel(): void {
    if (!this.busy) this.asked = null;
  }

  /** Deletes what was asked about; true if nothing of it is left. */
  async carryOut(): Promise<boolean> {
    if (!this.asked || this.busy) return false;
    this.busy = true;
    this.trouble = '';
    for (const { file } of this.asked.clips) {
      this.trouble = troubleOf(await this.forget(file));
      if (this.trouble) break;
    }
    this.busy = false;
    if (!this.trouble) this.asked = null;
    return !this.trouble;
  }
}

/** Empty if the file is gone now. */
function troubleOf(answer: Answer<null>): string {
  if (answer.ok) return '';
  const { failure } = answer;
  if (failure.kind === 'refused' && failure.status === 404) return '';
  return failure.kind === 'refused' && failure.code === 'recording_running' ? words.deleteRunning : refusalWords(failure);
}
