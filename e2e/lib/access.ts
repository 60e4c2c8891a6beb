import axe from 'axe-core';
import type { Visitor } from './dogcam.ts';

/** What axe calls serious or critical, as "rule: where". */
export async function findings(visitor: Visitor): Promise<string[]> {
  // Evaluated, not added as a script: the page's policy would refuse it.
  await visitor.page.evaluate(axe.source);
  const result = await visitor.page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }));
  return result.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`);
}
