import { describe, expect, it } from 'vitest';
import { arrange, type Rect } from '../src/grid/arrange';

const GAP = 4;
const COUNTS = [1, 2, 3, 5, 9, 16];

/** Share of the stage that shows video, percent, for 1, 2, 3, 5, 9 and 16 tiles; the stage is what the bars leave of the screen. */
const TABLE: [string, number, number, number, number[]][] = [
  ['390x844, 16:9', 390, 732, 16 / 9, [30, 60, 90, 64, 89, 93]],
  ['390x844, 9:16', 390, 732, 9 / 16, [95, 52, 76, 77, 91, 89]],
  ['844x390, 16:9', 780, 390, 16 / 9, [89, 56, 65, 92, 85, 84]],
  ['1280x800, 16:9', 1280, 744, 16 / 9, [97, 51, 75, 80, 96, 95]],
  ['1280x800, 4:3', 1280, 744, 4 / 3, [78, 64, 58, 92, 76, 75]],
];

const MIX = [16 / 9, 9 / 16, 4 / 3, 3 / 4, 1];
const repeat = (ratios: number[], count: number) => Array.from({ length: count }, (_, index) => ratios[index % ratios.length]!);
const area = (rects: Rect[]) => rects.reduce((sum, rect) => sum + rect.w * rect.h, 0);
const CASES = TABLE.flatMap(([, w, h, ratio]) => COUNTS.flatMap((count) => [[ratio], MIX].map((set) => ({ w, h, ratios: repeat(set, count) }))));

describe('arrange', () => {
  it.each(TABLE)('shows as much as the design promises: %s', (_name, w, h, ratio, promised) => {
    const shares = COUNTS.map((count) => (100 * area(arrange(w, h, GAP, repeat([ratio], count)).rects)) / (w * h));
    shares.forEach((share, index) => expect(share).toBeGreaterThan(promised[index]! - 2));
    shares.forEach((share, index) => expect(share).toBeLessThan(promised[index]! + 2));
  });

  it('keeps tiles inside the stage, apart, in shape and in order', () => {
    for (const { w, h, ratios } of CASES) check(arrange(w, h, GAP, ratios).rects, w, h, ratios);
  });

  it('does so on five hundred random stages too', () => {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let turn = 0; turn < 500; turn += 1) {
      const ratios = Array.from({ length: 1 + Math.floor(random() * 9) }, () => 0.4 + random() * 2);
      const [w, h] = [320 + random() * 1600, 240 + random() * 1000];
      check(arrange(w, h, GAP, ratios).rects, w, h, ratios);
    }
  });

  it('lets no tile fall below half the mean where it can', () => {
    for (const { w, h, ratios } of CASES) {
      const areas = arrange(w, h, GAP, ratios).rects.map((rect) => rect.w * rect.h);
      expect(Math.min(...areas) * ratios.length).toBeGreaterThanOrEqual(0.5 * areas.reduce((a, b) => a + b) - 1e-6);
    }
  });

  it('keeps the old arrangement until the new one is 5 % better', () => {
    const wide = repeat([16 / 9], 2);
    const below = arrange(600, 690, GAP, wide);
    expect(below.plan).toEqual({ rows: [1, 1] });
    const side = arrange(1280, 400, GAP, wide);
    const almost = arrange(700, 430, GAP, wide, below.plan);
    const fresh = arrange(700, 430, GAP, wide);
    expect(side.plan).not.toEqual(below.plan);
    expect(area(fresh.rects)).toBeLessThan(1.05 * area(almost.rects));
    expect(almost.plan).toEqual(below.plan);
    expect(arrange(1280, 400, GAP, wide, below.plan).plan).toEqual(side.plan);
  });

  it('drops an old arrangement of another number of tiles', () => {
    expect(arrange(600, 690, GAP, [1, 1, 1], { rows: [1, 1] }).rects).toHaveLength(3);
  });

  it('survives broken ratios and an empty stage', () => {
    check(arrange(400, 300, GAP, [NaN, 0, Infinity]).rects, 400, 300, [4 / 3, 4 / 3, 4 / 3]);
    expect(arrange(0, 0, GAP, [1]).rects).toEqual([{ x: 0, y: 0, w: 0, h: 0 }]);
    expect(arrange(400, 300, GAP, []).rects).toEqual([]);
  });
});

function check(rects: Rect[], w: number, h: number, ratios: number[]) {
  const slack = 1e-6;
  expect(rects).toHaveLength(ratios.length);
  const faults = rects.flatMap((rect, index) => {
    const out = rect.x < -slack || rect.y < -slack || rect.x + rect.w > w + slack || rect.y + rect.h > h + slack;
    const bent = Math.abs(rect.w / rect.h / ratios[index]! - 1) >= 0.01;
    const over = rects.slice(index + 1).some((other) => !apart(rect, other));
    return out || bent || over ? [{ index, rect, out, bent, over }] : [];
  });
  expect(faults).toEqual([]);
}

/** At least the gap between them, in one direction. */
function apart(a: Rect, b: Rect): boolean {
  const free = GAP - 1e-6;
  return a.x + a.w + free <= b.x || b.x + b.w + free <= a.x || a.y + a.h + free <= b.y || b.y + b.h + free <= a.y;
}
