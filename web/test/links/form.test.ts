import { describe, expect, it } from 'vitest';
import type { Key } from '../../src/api';
import { askOf, emptyDraft, inOrder, shareable, type Draft } from '../../src/links/form';

const draft = (more: Partial<Draft> = {}): Draft => ({ ...emptyDraft(), label: 'Grandma', ...more });

describe('the request for a link', () => {
  it('is for watching, seven days, every room, unless asked otherwise', () => {
    expect(askOf(draft())).toEqual({
      ask: { label: 'Grandma', rights: ['watch'], room: null, ends_in_s: 604_800 },
    });
  });

  it.each([
    ['hour', 3600],
    ['day', 86_400],
    ['never', null],
  ] as const)('ends: %s is %s seconds', (ends, seconds) => {
    expect(askOf(draft({ ends }))).toMatchObject({ ask: { ends_in_s: seconds } });
  });

  it('carries both rights and a room, without spaces around', () => {
    expect(askOf(draft({ label: ' Old phone ', camera: true, room: ' Stable ' }))).toMatchObject({
      ask: { label: 'Old phone', rights: ['watch', 'camera'], room: 'Stable' },
    });
  });

  it.each([
    ['no label', { label: '  ' }, 'label'],
    ['a label too long', { label: 'x'.repeat(129) }, 'label'],
    ['a control character', { label: 'a\u0007b' }, 'label'],
    ['no right', { watch: false }, 'rights'],
    ['a room too long', { room: '🐕'.repeat(129) }, 'room'],
  ])('%s is refused', (_, more, fault) => {
    expect(askOf(draft(more))).toEqual({ fault });
  });

  it('counts letters, not halves of them', () => {
    expect(askOf(draft({ label: '🐕'.repeat(128) }))).toHaveProperty('ask');
  });
});

describe('the link to give away', () => {
  it('is on the address that phones reach', () => {
    expect(shareable('/dogcam#k=A', 'http://192.168.1.20:8080', 'http://localhost:8080')).toBe(
      'http://192.168.1.20:8080/dogcam#k=A',
    );
    expect(shareable('/dogcam#k=A', 'http://192.168.1.20:8080/', '')).toBe('http://192.168.1.20:8080/dogcam#k=A');
  });

  it('falls back to this page’s own', () => {
    expect(shareable('/dogcam#k=A', null, 'https://localhost:8443')).toBe('https://localhost:8443/dogcam#k=A');
  });
});

it('lists the newest first and the ended last', () => {
  const key = (id: string, created: number, ends: number | null): Key => ({
    id,
    label: id,
    rights: ['watch'],
    room: null,
    created,
    ends,
    last_used: null,
    sessions: 0,
  });
  const keys = [key('old', 1, null), key('ended', 9, 50), key('new', 5, 200)];
  expect(inOrder(keys, 100).map((each) => each.id)).toEqual(['new', 'old', 'ended']);
});
