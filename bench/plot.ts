// Line charts as SVG, the same bytes for the same numbers.

/** Values at the places of `x`; undefined where there is none. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

export interface Axis {
  readonly label: string;
  readonly ticks: readonly number[];
  readonly log: boolean;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 400, 60, 170, 40, 50];
const COLOURS = ["#c0392b", "#e67e22", "#2980b9", "#27ae60", "#8e44ad", "#34495e"];

/** A chart; what lies beyond the first and the last tick is drawn at the edge. */
export function plot(title: string, places: readonly number[], x: Axis, y: Axis, lines: readonly Line[]): string {
  const px = scale(x, LEFT, WIDTH - RIGHT);
  const py = scale(y, HEIGHT - BOTTOM, TOP);
  const grid = y.ticks.map(
    (tick) =>
      `<path d="M${LEFT} ${py(tick).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>${text(LEFT - 8, py(tick) + 4, String(tick), "end")}`,
  );
  const marks = x.ticks.map((tick) => text(px(tick), HEIGHT - BOTTOM + 18, String(tick), "middle"));
  const drawn = lines.map(({ name, values }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const points = values.flatMap((value, at) =>
      value === undefined ? [] : [`${px(places[at]!).toFixed(1)},${py(value).toFixed(1)}`],
    );
    const line = `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    return `${line}${text(WIDTH - RIGHT + 12, TOP + 10 + 20 * i, name, "start", colour)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="100%" height="100%" fill="white"/>
${text(LEFT, 20, title, "start")}
${grid.join("\n")}
${marks.join("\n")}
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x.label, "middle")}
${drawn.join("\n")}
</svg>
`;
}

function scale({ ticks, log }: Axis, from: number, to: number): (value: number) => number {
  const [least, most] = [ticks[0]!, ticks.at(-1)!];
  const at = (value: number) => (log ? Math.log(value) : value);
  return (value) => {
    const within = Math.min(most, Math.max(least, value));
    return from + ((at(within) - at(least)) / (at(most) - at(least))) * (to - from);
  };
}

function text(x: number, y: number, words: string, anchor: "start" | "middle" | "end", colour = "#222"): string {
  return `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`;
}
