import { describe, expect, it } from 'vitest';
import { parseRoomAddress, randomUser, roomPath } from '../../src/room/address';
import { askOf, changed, everybody, inHeldOrder, inOrder, include, listed, partsOf, screenOf, sending, shownName, without, withEach, type Outcome } from '../../src/room/people';

const told = (id: string, more: object = {}) => ({ id, name: id, type: 'member', ...more });
const names = (people: { id: string }[]) => people.map((one) => one.id).join(' ');

describe('the people in a room', () => {
  it('are listed with oneself first, then hands, then who speaks', () => {
    let people = everybody(['ann', 'bo', 'cy', 'di', 'ed'].map((id) => told(id)));
    people = changed(people, { id: 'di', handraised: true });
    people = changed(people, { id: 'bo', handraised: true });
    people = changed(people, { id: 'ed', talking: true });
    expect(names(inOrder(people, 'cy'))).toBe('cy di bo ed ann');
    people = changed(people, { id: 'di', handraised: false });
    expect(names(inOrder(people, 'cy'))).toBe('cy bo ed ann di');
  });

  it('stay where they were while a pointer is on them', () => {
    const people = inOrder(everybody(['ann', 'bo', 'cy', 'di'].map((id) => told(id, { talking: id === 'cy' }))), 'ann');
    expect(names(people)).toBe('ann cy bo di');
    expect(names(inHeldOrder(people, ['ann', 'bo', 'gone', 'cy']))).toBe('ann bo cy di');
    expect(names(inHeldOrder(people, []))).toBe('ann cy bo di');
  });

  it('keep what a change does not name', () => {
    const people = changed(everybody([told('ann', { audio_muted: true })]), { id: 'ann', video_muted: true });
    expect(people[0]).toMatchObject({ name: 'ann', audioMuted: true, videoMuted: true });
    expect(changed(people, { id: 'nobody', talking: true })).toBe(people);
  });

  it('have the part that the server gave them, and no other', () => {
    const people = everybody([told('ann', { meta: { role: 'moderator' } }), told('bo', { meta: { role: 'king' } }), told('cy')]);
    expect(people.map((one) => one.role)).toEqual(['moderator', '', '']);
    expect(changed(people, { id: 'ann', audio_muted: true })[0]!.role).toBe('moderator');
  });

  it('are muted with what belongs to them, and a screen is no camera', () => {
    const part = (id: string, type: string, parent_id: string, more = {}) => told(id, { type, parent_id, ...more });
    const people = everybody([
      told('ann'), part('ann screen', 'screen', 'ann'), told('bo', { audio_muted: true }),
      part('bo screen', 'screen', 'bo', { video_muted: true }), part('bo mic', 'device', 'bo'), told('cy', { video_muted: true }),
    ]);
    expect(names(partsOf(people, 'bo'))).toBe('bo screen bo mic');
    expect(names(sending(people, 'ann', 'audio'))).toBe('bo screen bo mic cy');
    expect(names(sending(people, 'ann', 'video'))).toBe('bo bo mic');
  });

  it('are told apart by what came of muting each', async () => {
    const people = everybody(['ann', 'bo', 'cy', 'di'].map((id) => told(id)));
    const outcomes: Record<string, Outcome> = { ann: 'done', bo: 'failed', cy: 'gone', di: 'refused' };
    const all = await withEach(people, async (one) => outcomes[one.id]!);
    expect([listed(all.done), listed(all.not), all.refused]).toEqual(['ann', 'bo, di', true]);
    const none = await withEach(people.slice(1, 3), async (one) => outcomes[one.id]!);
    expect([none.done, listed(none.not), none.refused]).toEqual([[], 'bo', false]);
  });

  it('are asked only what is a question', () => {
    const ask = { what: 'mic', by: 'Ann', id: '1' };
    expect(askOf(told('bo', { meta: { ask } }))).toEqual(ask);
    for (const meta of [undefined, {}, { ask: null }, { ask: 'mic' }, { ask: { ...ask, what: 'door' } }, { ask: { ...ask, by: 1 } }]) {
      expect(askOf(told('bo', { meta }))).toBeNull();
    }
  });

  it('take their screens along', () => {
    let people = include(everybody([told('ann'), told('bo')]), told('s1', { type: 'screen', parent_id: 'ann' }));
    expect(names(inOrder(people, 'bo'))).toBe('bo ann');
    expect(screenOf(people, 'ann')?.id).toBe('s1');
    people = without(people, 'ann');
    expect(names([...people])).toBe('bo');
  });

  it('of equal names are told apart', () => {
    const people = everybody([told('id-1234', { name: 'Ann' }), told('id-5678', { name: 'Ann' }), told('b', { name: 'Bo' })]);
    expect(people.map((one) => shownName(people, one))).toEqual(['Ann (1234)', 'Ann (5678)', 'Bo']);
  });
});

describe('the address of a room', () => {
  it.each([
    ['/room', '?room=A&user=B', { moderator: true, room: 'A', user: 'B' }],
    ['/room', '?room=A?user=B', { moderator: true, room: 'A', user: 'B' }],
    ['/guest', '', { moderator: false, room: 'Main_Office', user: '' }],
    ['/guest/', '?user=%20Ann%20', { moderator: false, room: 'Main_Office', user: 'Ann' }],
  ])('%s%s', (path, search, expected) => {
    expect(parseRoomAddress(path, search, null)).toEqual(expected);
  });

  it('falls back to the room of the link', () => {
    expect(parseRoomAddress('/guest', '', 'Barn').room).toBe('Barn');
    expect(roomPath(false, 'A b')).toBe('/guest?room=A+b');
  });

  it('has a name for who gives none', () => {
    expect([randomUser(0), randomUser(0.999)]).toEqual(['user_10', 'user_99']);
  });
});
