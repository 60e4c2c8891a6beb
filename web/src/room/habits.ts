/** What browsers and people do out of habit. */

/** Calls when Back is pressed, which then goes no further: what is open has an entry of its own in the history. Returns how to take that away again. */
export function onBack(close: () => void): () => void {
  history.pushState({ sheet: true }, '');
  window.addEventListener('popstate', close);
  return () => {
    window.removeEventListener('popstate', close);
    if (history.state?.sheet) history.back();
  };
}

/** Tells when nobody has touched anything for `ms`, and when somebody does again. Returns how to stop. */
export function watchIdle(ms: number, tell: (idle: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wake = () => {
    tell(false);
    clearTimeout(timer);
    timer = setTimeout(() => tell(true), ms);
  };
  const signs = ['pointermove', 'pointerdown', 'keydown'] as const;
  for (const sign of signs) window.addEventListener(sign, wake);
  wake();
  return () => {
    for (const sign of signs) window.removeEventListener(sign, wake);
    clearTimeout(timer);
    tell(false);
  };
}

/** Whether a key was pressed since anything was touched. */
let keys = false;
if (typeof window !== 'undefined') {
  window.addEventListener('keydown', () => (keys = true), true);
  window.addEventListener('pointerdown', () => (keys = false), true);
}

/** Whether an element has the focus by way of the keyboard. Where the browser cannot tell (Safari before 15.4): whether keys were used last. */
export function isFocusedByKeys(element: Element): boolean {
  try {
    return element.matches(':focus-visible');
  } catch {
    return keys;
  }
}

/** Takes the focus from what was clicked: controls that step back when nobody needs them would stay with it. */
export function dropClicked(): void {
  const { activeElement } = document;
  if (activeElement instanceof HTMLElement && !isFocusedByKeys(activeElement)) activeElement.blur();
}
