/** Network quality in three grades. The server's levels go from 0 (broken) to 5 (best). Pure. */

export type Grade = 'good' | 'fair' | 'poor';

const FAIR = 3;

export function gradeOf(level: number): Grade {
  if (level > FAIR) return 'good';
  return level === FAIR ? 'fair' : 'poor';
}
