/** Kennel's own icons on a 24 grid, drawn as strokes of 2 px. `Icon.svelte` adds the slash of the off state. Every page has these: what few need is in icons-apart.ts. */
export const ICONS = {
  mic: ['M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M6 11a6 6 0 0 0 12 0', 'M12 17v4'],
  camera: ['M3 7h11v10H3z', 'M14 11l7-4v10l-7-4z'],
  flip: ['M4 9a8 8 0 0 1 14-3l2 2', 'M20 4v4h-4', 'M20 15a8 8 0 0 1-14 3l-2-2', 'M4 20v-4h4'],
  turn: ['M8 8H4V4', 'M4 8a8.5 8.5 0 1 1-.4 6'],
  dim: ['M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z'],
  stop: ['M6 6h12v12H6z'],
  leave: ['M14 4H5v16h9', 'M10 12h11', 'M17 8l4 4-4 4'],
  eye: ['M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7z', 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z'],
  screen: ['M3 4h18v12H3z', 'M8 20h8', 'M12 16v4'],
  sound: ['M4 9h4l5-4v14l-5-4H4z', 'M16 9a4 4 0 0 1 0 6', 'M18.5 6a8 8 0 0 1 0 12'],
  full: ['M4 9V4h5', 'M20 9V4h-5', 'M4 15v5h5', 'M20 15v5h-5'],
  unfull: ['M9 4v5H4', 'M15 4v5h5', 'M9 20v-5H4', 'M15 20v-5h5'],
  more: ['M5 12h.01', 'M12 12h.01', 'M19 12h.01'],
  plus: ['M12 5v14', 'M5 12h14'],
  minus: ['M5 12h14'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  back: ['M15 5l-7 7 7 7'],
  warn: ['M12 3l10 18H2z', 'M12 10v5', 'M12 18h.01'],
  battery: ['M3 8h15v8H3z', 'M21 11v2'],
  bolt: ['M13 3L5 14h6l-1 7 8-11h-6z'],
  lock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 7 0v3'],
  gear: ['M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z', 'M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M18.4 5.6l-2.2 2.2M7.8 16.2l-2.2 2.2'],
  person: ['M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', 'M4 21a8 8 0 0 1 16 0'],
} as const satisfies Record<string, readonly string[]>;

/** One of these, or paths of one's own. */
export type IconName = keyof typeof ICONS | readonly string[];
