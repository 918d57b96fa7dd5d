/**
 * How the ten digits are written: each in several styles, each style as the strokes of a pen.
 *
 * The plane has the digit's centre at (0, 0), its top at y = -1 and its bottom at y = 1; x grows to the right and digits are about
 * 1.2 wide. Only the points matter here: how thick, how slanted and how shaky a digit is drawn is the pen's affair.
 *
 * @module
 */

/** A point, x before y. */
export type Point = readonly [x: number, y: number];

/** One movement of the pen: through the points along a smooth curve, or straight from each to the next. */
export interface Stroke {
  readonly points: readonly Point[];
  readonly smooth: boolean;
}

/** Strokes that together are one digit. */
export type Glyph = readonly Stroke[];

/** A smooth curve through points. */
function curve(...points: readonly Point[]): Stroke {
  return { points, smooth: true };
}

/** Straight lines from point to point. */
function lines(...points: readonly Point[]): Stroke {
  return { points, smooth: false };
}

/** Points on an ellipse, from one angle to another in degrees: 0 is right, 90 is down (y points down), -90 is up. */
function arc([x, y]: Point, [rx, ry]: Point, from: number, to: number): Point[] {
  const steps = Math.max(2, Math.round(Math.abs(to - from) / 45));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = (from + (to - from) * i / steps) * Math.PI / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });
}

/** The styles of each digit: `glyphs[7]` are the sevens. */
export const glyphs: readonly (readonly Glyph[])[] = [
  [ // 0
    [curve(...arc([0, 0], [0.62, 1], -90, 270))],
    [curve(...arc([0, 0], [0.42, 1], -70, 290))],
    [curve(...arc([0, 0], [0.75, 0.85], -120, 225))], // not quite closed
    [curve(...arc([0, 0], [0.6, 1], -45, 330))],
  ],
  [ // 1
    [lines([0, -1], [0, 1])],
    [lines([-0.35, -0.6], [0.05, -1], [0.05, 1])], // with a serif
    [lines([-0.4, -0.55], [0, -1], [0, 1]), lines([-0.4, 1], [0.4, 1])], // and a foot
    [curve([0.1, -1], [0, -0.3], [-0.02, 0.3], [0.05, 1])],
  ],
  [ // 2
    [curve(...arc([0, -0.45], [0.55, 0.55], -170, 30), [-0.1, 0.5], [-0.6, 1]), lines([-0.6, 1], [0.65, 1])],
    [curve([-0.5, -0.6], [-0.1, -1], [0.45, -0.7], [0.3, -0.1], [-0.3, 0.6], [-0.6, 0.9], [-0.3, 0.75], [0.1, 0.9], [0.6, 0.95])],
    // with a loop at the foot
    [curve([-0.5, -0.55], [0, -1], [0.5, -0.6], [0.2, 0.1], [-0.3, 0.8], [-0.55, 0.75], [-0.35, 0.5], [0, 0.8], [0.65, 0.95])],
    [lines([-0.55, -0.95], [0.5, -0.95], [0.5, -0.1], [-0.55, 0.95], [0.6, 0.95])], // angular
  ],
  [ // 3
    [curve(...arc([-0.05, -0.5], [0.55, 0.5], -150, 80)), curve(...arc([-0.05, 0.48], [0.62, 0.52], -85, 150))],
    [lines([-0.5, -1], [0.5, -1], [-0.05, -0.2]), curve([-0.05, -0.2], [0.45, 0], [0.55, 0.5], [0.1, 1], [-0.5, 0.8])], // flat top
    [curve([-0.5, -0.8], [0, -1], [0.45, -0.6], [0, -0.08], [-0.1, -0.05], [0.5, 0.3], [0.4, 0.85], [-0.1, 1], [-0.55, 0.75])],
  ],
  [ // 4
    [lines([-0.4, -0.95], [-0.55, 0.2], [0.6, 0.2]), lines([0.25, -0.6], [0.2, 1])], // open
    [lines([0.3, 1], [0.3, -1], [-0.6, 0.35], [0.7, 0.35])], // closed
    [curve([-0.5, -0.9], [-0.55, -0.3], [-0.35, 0.05], [0.1, 0.05], [0.5, -0.1]), lines([0.5, -0.95], [0.4, 1])],
    [lines([0.05, -1], [-0.6, 0.3], [0.6, 0.25]), lines([0.3, -0.2], [0.25, 1])],
  ],
  [ // 5
    [
      lines([0.55, -1], [-0.4, -1], [-0.45, -0.15]),
      curve([-0.45, -0.15], [0.1, -0.3], [0.55, 0.25], [0.3, 0.85], [-0.15, 1], [-0.55, 0.8]),
    ],
    [curve([-0.35, -0.95], [-0.45, -0.2], [0, -0.25], [0.5, 0.2], [0.3, 0.85], [-0.5, 0.9]), lines([-0.35, -0.95], [0.6, -1])],
    [curve([0.55, -0.95], [-0.2, -0.95], [-0.4, -0.35], [0.1, -0.1], [0.45, 0.35], [0.15, 0.9], [-0.5, 0.95])], // in one movement
  ],
  [ // 6
    [curve([0.4, -0.95], [-0.15, -0.6], [-0.5, 0.1], [-0.45, 0.7], [0, 1], [0.5, 0.65], [0.35, 0.15], [-0.1, 0.1], [-0.48, 0.5])],
    [lines([0.15, -1], [-0.45, 0.35]), curve(...arc([0, 0.5], [0.5, 0.5], -160, 200))],
    [curve([0.1, -1], [-0.45, -0.3], [-0.5, 0.6], [0, 1], [0.4, 0.7], [0.2, 0.3], [-0.4, 0.55])],
  ],
  [ // 7
    [lines([-0.6, -0.95], [0.6, -0.95], [-0.15, 1])],
    [lines([-0.6, -0.95], [0.6, -0.95], [-0.1, 1]), lines([-0.3, 0.05], [0.55, 0.05])], // with a bar
    [lines([-0.6, -0.6], [-0.55, -0.95], [0.55, -0.95]), curve([0.55, -0.95], [0.1, -0.1], [-0.05, 0.4], [-0.1, 1])], // with a serif
    [curve([-0.6, -0.75], [-0.2, -0.95], [0.5, -0.9], [0.35, -0.3], [0, 0.3], [-0.15, 1])],
  ],
  [ // 8
    [curve(...arc([0, -0.5], [0.45, 0.48], 90, 450)), curve(...arc([0, 0.5], [0.55, 0.5], -90, 270))],
    // in one movement
    [curve([0.45, -0.8], [0, -1], [-0.45, -0.65], [0, -0.1], [0.5, 0.5], [0, 1], [-0.5, 0.55], [0, -0.05], [0.45, -0.55], [
      0.35,
      -0.9,
    ])],
    [curve([0.3, -0.95], [-0.35, -0.85], [-0.3, -0.35], [0.3, 0.2], [0.35, 0.8], [-0.25, 0.95], [-0.4, 0.5], [0.25, -0.2], [
      0.45,
      -0.8,
    ])],
  ],
  [ // 9
    [curve(...arc([-0.05, -0.45], [0.5, 0.52], 0, 360)), lines([0.45, -0.5], [0.35, 1])],
    [curve(...arc([0, -0.45], [0.5, 0.5], -20, 340)), curve([0.5, -0.5], [0.5, 0.3], [0.2, 0.9], [-0.4, 0.95])], // with a tail
    [curve([0.45, -0.75], [0, -1], [-0.45, -0.55], [-0.1, -0.05], [0.4, -0.5], [0.48, -0.8], [0.35, 0.1], [0.2, 1])],
  ],
];
