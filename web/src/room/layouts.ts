/** Small pictures of the layouts, on a canvas of 160 by 90. Only to choose by: how people really stand is the server's to say. */

export interface Cell {
  x: number;
  y: number;
  width: number;
  height: number;
}

const WIDTH = 160;
const HEIGHT = 90;
const GAP = 4;

export function cellsOf(name: string): Cell[] {
  const fixed = /^(\d+)x(\d+)$/.exec(name);
  if (fixed) return grid(Number(fixed[1]), Number(fixed[2]), { x: 0, y: 0, width: WIDTH, height: HEIGHT });
  switch (name) {
    case 'highlight-1-responsive':
    case 'screen-share':
      return [inset({ x: 0, y: 0, width: 120, height: HEIGHT }), ...grid(1, 3, { x: 120, y: 0, width: 40, height: HEIGHT })];
    case '5up':
      return [inset({ x: 0, y: 0, width: 106, height: 60 }), ...grid(1, 2, { x: 106, y: 0, width: 54, height: 60 }), ...grid(3, 1, { x: 0, y: 60, width: WIDTH, height: 30 }).slice(0, 2)];
    case 'full-screen':
      return grid(1, 1, { x: 0, y: 0, width: WIDTH, height: HEIGHT });
    case 'grid-responsive-mobile':
      return grid(2, 3, { x: 50, y: 0, width: 60, height: HEIGHT });
    default:
      return grid(3, 2, { x: 0, y: 0, width: WIDTH, height: HEIGHT });
  }
}

function grid(columns: number, rows: number, area: Cell): Cell[] {
  const [width, height] = [area.width / columns, area.height / rows];
  return Array.from({ length: columns * rows }, (_, at) =>
    inset({ x: area.x + (at % columns) * width, y: area.y + Math.floor(at / columns) * height, width, height }),
  );
}

function inset(cell: Cell): Cell {
  const gap = Math.min(GAP, cell.width / 4, cell.height / 4);
  return { x: cell.x + gap / 2, y: cell.y + gap / 2, width: cell.width - gap, height: cell.height - gap };
}
