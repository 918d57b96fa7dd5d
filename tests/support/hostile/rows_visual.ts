/**
 * Charts, pictures and logs.
 *
 * @module
 */
import { zeros } from "../../../mod.ts";
import { row, type Rows } from "./rows.ts";
import { flag, made, needed, options, text, word } from "./values.ts";

const whole = made(() => 200);
const columns = made(() => 8, "2^31", "2^53", "Infinity");
const texts = text("t");
const chart = { title: texts, xLabel: texts, yLabel: texts, width: whole, height: whole };
const series = made(() => ({ loss: [3, 2, 1] }));
const images = made(() => zeros([2, 1, 4, 4]));
const range = made(() => [0, 1]);
const labels = made(() => ["a", "b"], "Float32Array");
const small = made(() => 2);
const lines = needed({ series }, { ...chart, x: made(() => [1, 2, 3]), yScale: word("linear") });
const bars = needed({ series, names: made(() => ["a", "b", "c"]) }, { ...chart, scale: word("linear") });

export const visualRows: Rows = {
  "visual.lineChart": row(lines),
  "visual.barChart": row(bars),
  "visual.showLineChart": row(
    needed({ series }, { ...chart, x: made(() => [1, 2, 3]), yScale: word("linear"), color: flag(false) }),
  ),
  "visual.showBarChart": row(
    needed({ series, names: made(() => ["a", "b", "c"]) }, { ...chart, scale: word("linear"), color: flag(false) }),
  ),
  "visual.histogram": row(
    needed({ values: made(() => [1, 2, 3], "[0.5]", "[-1]", "Float32Array") }, { ...chart, bins: made(() => 3) }),
  ),
  "visual.imageGrid": row(
    images,
    options({ columns, scale: small, padding: made(() => 1, "-0"), background: made(() => 1, "-0", "0.5"), range }),
  ),
  "visual.display": row(
    made(() => ({ weight: zeros([2]) }), "disposed"),
    options({ inputShape: made(() => undefined), depth: made(() => undefined) }),
  ),
  "visual.imageFigure": row(images, options({ columns, scale: small, labels, title: texts, range })),
  "visual.showImages": row(images, options({ columns, width: columns, labels, color: flag(false), range })),
  "visual.summaryWriter": row(texts),
};
