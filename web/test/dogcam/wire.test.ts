import { describe, expect, it } from 'vitest';
import { ASK, parse, read, say } from '../../src/dogcam/wire';

const OWN = 'PA0a';
const SENDER = 'PA0b';

describe('the texts of the data track', () => {
  it.each([
    [`mute ${OWN}`, { kind: 'set', muted: true }],
    [`unmute ${OWN}`, { kind: 'set', muted: false }],
    [`mute ${SENDER}`, { kind: 'announced', muted: true }],
    [`unmute ${SENDER}`, { kind: 'announced', muted: false }],
    ['mute PA0c', { kind: 'nothing' }],
    ['sendState', { kind: 'asked' }],
    ['state', { kind: 'asked' }],
    ['', { kind: 'nothing' }],
    ['mute', { kind: 'nothing' }],
    [`Mute ${OWN}`, { kind: 'nothing' }],
    [`mute  ${OWN}`, { kind: 'nothing' }],
    [`mute ${OWN} now`, { kind: 'nothing' }],
    [`mute ${'A'.repeat(200)}`, { kind: 'nothing' }],
    [new ArrayBuffer(4), { kind: 'nothing' }],
    [null, { kind: 'nothing' }],
  ])('%j', (text, meaning) => {
    expect(read(text, SENDER, OWN)).toEqual(meaning);
  });

  it('says only what it can read', () => {
    for (const muted of [true, false]) expect(read(say(muted, OWN), SENDER, OWN)).toEqual({ kind: 'set', muted });
    expect(parse(ASK)).toEqual({ kind: 'sendState' });
  });
});
