import type { Layer } from './sdk';

/** Lays a still card over a place in the mixed picture, or takes it away: seen there, the own shared screen would hold itself, and in it itself again. */
export function cover(root: HTMLElement, place: Layer | undefined, text: string): void {
  const picture = root.querySelector('.paddingWrapper');
  const before = root.querySelector('.own-screen');
  if (!picture || !place) {
    before?.remove();
    return;
  }
  const card = (before ?? document.createElement('div')) as HTMLElement;
  card.className = 'own-screen';
  card.textContent = text;
  for (const [side, share] of [['left', place.x], ['top', place.y], ['width', place.width], ['height', place.height]] as const) card.style[side] = `${share}%`;
  if (card.parentElement !== picture) picture.append(card);
}
