import { render } from 'svelte/server';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/api';
import DeleteSheet from '../../src/recordings/DeleteSheet.svelte';
import { lanesOf, type Recording, type Take } from '../../src/recordings/model';
import { Removal } from '../../src/recordings/removal.svelte';
import { clockSeconds } from '../../src/ui/values';

const START = new Date(2026, 4, 3, 14, 3, 22).getTime();

function file(id: string, kind: Recording['kind'], start: number, bytes: number): Recording {
  const common = { room: 'Den', room_sid: 'RM1', track: kind, status: 'completed', left: false, why: null, codec: null, playable: true } as const;
  return { ...common, id, kind, participant: 'Kitchen', created: start, ended: start, offset: start, duration: 5_000, bytes };
}

const [first, second] = lanesOf([file('a', 'audio', START, 1_000), file('v', 'video', START, 2_000_000), file('w', 'video', START + 60_000, 7_000_000)], 0)[0]!.takes as [Take, Take];

const refused = (status: number, code: string): Answer<null> => ({ ok: false, failure: { kind: 'refused', status, code, message: `${code}.`, ended: null } });

/** Deletes with these answers, and notes which files. */
function removal(answers: Answer<null>[] = []) {
  const deleted: string[] = [];
  const removal = new Removal(async ({ id }) => {
    deleted.push(id);
    return answers.shift() ?? { ok: true, value: null };
  });
  return { removal, deleted };
}

const sheet = (removal: Removal) => render(DeleteSheet, { props: { removal, nameOf: ({ who }: Take) => who ?? '', onchanged: () => {} } }).body;

describe('the question before a recording is deleted', () => {
  it('names what is deleted, and nothing else', async () => {
    const one = removal();
    one.removal.ask(first);
    const asked = sheet(one.removal);
    for (const word of ['Delete the recording of Kitchen?', clockSeconds(first.start), clockSeconds(first.end), '2 MB']) expect(asked).toContain(word);
    expect(asked).not.toContain(clockSeconds(second.start));
    expect(await one.removal.carryOut()).toBe(true);
    expect([one.deleted, one.removal.asked]).toEqual([['a', 'v'], null]);
    expect(sheet(one.removal)).not.toContain('Kitchen');
  });

  it('deletes nothing after it was cancelled', async () => {
    const one = removal();
    one.removal.ask(second);
    one.removal.cancel();
    expect([await one.removal.carryOut(), one.deleted]).toEqual([false, []]);
  });

  it('stays, with what went wrong, until all of it is gone', async () => {
    const one = removal([{ ok: true, value: null }, refused(503, 'busy'), refused(404, 'not_found')]);
    one.removal.ask(first);
    expect(await one.removal.carryOut()).toBe(false);
    expect([one.removal.asked?.key, one.removal.trouble, one.removal.busy]).toEqual([first.key, 'busy.', false]);
    expect(sheet(one.removal)).toContain(clockSeconds(first.start));
    expect(await one.removal.carryOut(), 'what is gone already is gone').toBe(true);
    expect([one.deleted, one.removal.trouble]).toEqual([['a', 'v', 'a', 'v'], '']);
  });

  it('says that what is being recorded is to be stopped first', async () => {
    const one = removal([refused(409, 'recording_running')]);
    one.removal.ask(second);
    expect([await one.removal.carryOut(), one.removal.trouble]).toEqual([false, 'This is being recorded. Stop it, then delete it.']);
  });

  it('asks of nothing else while it is being deleted', async () => {
    let answer = (_: Answer<null>) => {};
    const one = new Removal(() => new Promise((done) => (answer = done)));
    one.ask(second);
    const gone = one.carryOut();
    one.ask(first);
    one.cancel();
    expect([one.asked?.key, await one.carryOut()]).toEqual([second.key, false]);
    answer({ ok: true, value: null });
    expect([await gone, one.asked]).toEqual([true, null]);
  });
});
