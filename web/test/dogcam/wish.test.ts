import { describe, expect, it } from 'vitest';
import { gradeOf } from '../../src/dogcam/quality';
import { LEAST, wish } from '../../src/dogcam/wish';

describe('the size a picture is asked for', () => {
  it.each([
    [{ width: 640, height: 360 }, 1, true, { width: 640, height: 368 }],
    [{ width: 300.5, height: 169 }, 2, false, { width: 608, height: 352 }],
    [null, 2, true, LEAST],
    [{ width: 0, height: 0 }, 1, true, LEAST],
    [null, 2, false, null],
    [{ width: 0, height: 0 }, 1, false, null],
  ])('%j at %d, alarm %j: %j', (box, ratio, alarmOn, wanted) => expect(wish(box, ratio, alarmOn)).toEqual(wanted));
});

describe('the grade of a connection', () => {
  it('has three steps', () => expect([0, 1, 2, 3, 4, 5].map(gradeOf)).toEqual(['poor', 'poor', 'poor', 'fair', 'good', 'good']));
});
