/**
 * Where the tiles go: the arrangement that shows the most video. Pure; never crops, overlaps or scrolls.
 * Lengths are CSS pixels, a ratio is width / height of a tile as it is seen (a turned tile's is inverted).
 */

export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** How an arrangement was made: cut into rows of so many tiles, or equal cells in columns. */
export type Plan = { rows: readonly number[] } | { columns: number };

export interface Arrangement {
  rects: Rect[];
  plan: Plan;
}

/** Before the first frame a tile counts as 4:3. */
export const FIRST_RATIO = 4 / 3;
/** Up to this many tiles every way to cut them into rows is tried. */
const EVERY_CUT_UP_TO = 8;
/** An old arrangement stays unless the new one shows this much more. */
const BETTER = 1.05;
/** The smallest tile has at least this share of the mean tile's area. */
const SMALLEST_SHARE = 0.5;
/** Areas this close (share) are a tie, which fewer rows win. */
const TIE = 1e-6;

/** Fits `ratios.length` tiles, in order, into `w` x `h`. `old` is the plan on screen; it stays while it is nearly as good. */
export function arrange(w: number, h: number, gap: number, ratios: readonly number[], old?: Plan): Arrangement {
  if (ratios.length === 0 || w <= 0 || h <= 0) return { rects: ratios.map(() => ({ x: 0, y: 0, w: 0, h: 0 })), plan: { rows: [] } };
  const safe = ratios.map((ratio) => (Number.isFinite(ratio) && ratio > 0 ? ratio : FIRST_RATIO));
  const best = pick(plans(safe.length).map((plan) => candidate(plan, w, h, gap, safe)));
  const kept = old && planSize(old, safe.length) === safe.length ? candidate(old, w, h, gap, safe) : null;
  const stays = kept && (kept.even || !best.even) && kept.area * BETTER >= best.area;
  const { rects, plan } = stays ? kept : best;
  return { rects, plan };
}

interface Candidate extends Arrangement {
  area: number;
  smallest: number;
  rowCount: number;
  /** The smallest tile is not too small beside the others. */
  even: boolean;
}

function pick(candidates: Candidate[]): Candidate {
  const even = candidates.filter((one) => one.even);
  const better = even.length
    ? (a: Candidate, b: Candidate) => compare(a.area, b.area) || b.rowCount - a.rowCount
    : (a: Candidate, b: Candidate) => compare(a.smallest, b.smallest) || b.rowCount - a.rowCount;
  return (even.length ? even : candidates).reduce((best, one) => (better(one, best) > 0 ? one : best));
}

function compare(a: number, b: number): number {
  return Math.abs(a - b) <= TIE * Math.max(a, b) ? 0 : a - b;
}

function candidate(plan: Plan, w: number, h: number, gap: number, ratios: readonly number[]): Candidate {
  const rects = 'rows' in plan ? inRows(plan.rows, w, h, gap, ratios) : inColumns(plan.columns, w, h, gap, ratios);
  const areas = rects.map((rect) => rect.w * rect.h);
  const area = areas.reduce((sum, one) => sum + one, 0);
  const smallest = Math.min(...areas);
  const rowCount = 'rows' in plan ? plan.rows.length : Math.ceil(ratios.length / plan.columns);
  return { rects, plan, area, smallest, rowCount, even: smallest >= (SMALLEST_SHARE * area) / areas.length };
}

/** Each row as high as its width allows, all capped by one height so that they fit; rows and block centred. */
function inRows(sizes: readonly number[], w: number, h: number, gap: number, ratios: readonly number[]): Rect[] {
  const rows = split(ratios, sizes);
  const own = rows.map((row) => Math.max(0, (w - gap * (row.length - 1)) / sum(row)));
  const room = Math.max(0, h - gap * (rows.length - 1));
  const cap = capFor(own, room);
  const heights = own.map((height) => Math.min(height, cap));
  let y = (h - sum(heights) - gap * (rows.length - 1)) / 2;
  return rows.flatMap((row, index) => {
    const height = heights[index]!;
    const rects = placeRow(row.map((ratio) => ratio * height), w, gap, y, height);
    y += height + gap;
    return rects;
  });
}

function placeRow(widths: number[], w: number, gap: number, y: number, h: number): Rect[] {
  let x = (w - sum(widths) - gap * (widths.length - 1)) / 2;
  return widths.map((width) => {
    const rect = { x, y, w: width, h };
    x += width + gap;
    return rect;
  });
}

/** The height that, as a cap, makes the heights sum up to `room`; infinite when they fit as they are. */
function capFor(heights: number[], room: number): number {
  const sorted = [...heights].sort((a, b) => a - b);
  let left = room;
  for (const [index, height] of sorted.entries()) {
    const share = left / (sorted.length - index);
    if (height > share) return share;
    left -= height;
  }
  return Infinity;
}

/** Equal cells, the picture fitted inside each; the last row centred. */
function inColumns(columns: number, w: number, h: number, gap: number, ratios: readonly number[]): Rect[] {
  const rows = Math.ceil(ratios.length / columns);
  const cellW = Math.max(0, (w - gap * (columns - 1)) / columns);
  const cellH = Math.max(0, (h - gap * (rows - 1)) / rows);
  return ratios.map((ratio, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? ratios.length - row * columns : columns;
    const left = (w - inRow * cellW - (inRow - 1) * gap) / 2 + (index % columns) * (cellW + gap);
    const width = Math.min(cellW, cellH * ratio);
    const height = width / ratio;
    return { x: left + (cellW - width) / 2, y: row * (cellH + gap) + (cellH - height) / 2, w: width, h: height };
  });
}

const planCache = new Map<number, Plan[]>();

function plans(count: number): Plan[] {
  const known = planCache.get(count);
  if (known) return known;
  const cuts = count <= EVERY_CUT_UP_TO ? everyCut(count) : evenCuts(count);
  const columns = Array.from({ length: count }, (_, index) => ({ columns: index + 1 }));
  const made: Plan[] = [...cuts.map((rows) => ({ rows })), ...columns];
  planCache.set(count, made);
  return made;
}

/** All ordered ways to write `count` as a sum: 2^(count-1). */
function everyCut(count: number): number[][] {
  if (count === 0) return [[]];
  return Array.from({ length: count }, (_, index) => index + 1).flatMap((first) =>
    everyCut(count - first).map((rest) => [first, ...rest]),
  );
}

/** For each number of rows, every order of rows of the mean size rounded down and up. */
function evenCuts(count: number): number[][] {
  return Array.from({ length: count }, (_, index) => index + 1).flatMap((rows) => {
    const low = Math.floor(count / rows);
    return choices(rows, count - low * rows).map((longer) => longer.map((one) => low + one));
  });
}

/** All lists of `length` zeros and ones with `ones` ones. */
function choices(length: number, ones: number): number[][] {
  if (ones < 0 || ones > length) return [];
  if (length === 0) return [[]];
  return [1, 0].flatMap((first) => choices(length - 1, ones - first).map((rest) => [first, ...rest]));
}

function planSize(plan: Plan, count: number): number {
  return 'rows' in plan ? sum(plan.rows) : plan.columns <= count ? count : 0;
}

function split(ratios: readonly number[], sizes: readonly number[]): number[][] {
  let from = 0;
  return sizes.map((size) => ratios.slice(from, (from += size)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
