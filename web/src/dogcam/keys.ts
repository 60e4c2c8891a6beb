/** Single keys of the watch page. Pure. */

export type KeyAction =
  | { kind: 'zoom'; index: number }
  | { kind: 'back' | 'sound' | 'talk' | 'snapshot' | 'turn' | 'full' | 'help' };

const LETTERS: Record<string, KeyAction> = {
  '0': { kind: 'back' },
  m: { kind: 'sound' },
  t: { kind: 'talk' },
  s: { kind: 'snapshot' },
  r: { kind: 'turn' },
  f: { kind: 'full' },
  '?': { kind: 'help' },
};

/** Null for keys with no meaning, with Ctrl, Alt or Meta, repeated, or while somebody types or a sheet is open. */
export function keyAction(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'repeat' | 'target'>): KeyAction | null {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target)) return null;
  if (/^[1-9]$/.test(event.key)) return { kind: 'zoom', index: Number(event.key) - 1 };
  return LETTERS[event.key.toLowerCase()] ?? null;
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as { closest?: (selector: string) => unknown } | null;
  return Boolean(element?.closest?.('input, textarea, select, [contenteditable], dialog'));
}
