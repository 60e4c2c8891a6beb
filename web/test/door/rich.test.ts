import { expect, it } from 'vitest';
import { parts } from '../../src/door/rich';
import { stepsFor } from '../../src/door/steps';
import { SYSTEMS } from '../../src/door/system';
import { door } from '../../src/text/en';

it.each([
  ['Tap *Allow*.', ['Tap ', '*Allow', '.']],
  ['*Allow*', ['*Allow']],
  ['Tap Allow.', ['Tap Allow.']],
  ['Tap *Allow.', ['Tap ', 'Allow.']],
  ['', []],
])('cuts %j at its stars', (sentence, expected) => {
  expect(parts(sentence).map((part) => (part.strong ? '*' : '') + part.text)).toEqual(expected);
});

it.each(SYSTEMS)('%s: every step has its sentence, with its stars in pairs, and one button in all', (system) => {
  const steps = stepsFor(system);
  for (const step of steps) {
    const sentence = door.steps[step.sentence]('192.168.1.20');
    expect(sentence.split('*').length % 2).toBe(1);
  }
  expect(steps.filter((step) => step.button !== undefined)).toHaveLength(1);
});

it('names the host that the browser will name', () => {
  expect(door.steps.passChromeWarning('192.168.1.20')).toContain('*Proceed to 192.168.1.20*');
});
