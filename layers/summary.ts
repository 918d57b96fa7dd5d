/**
 * A model as a table.
 *
 * @module
 */
import { argument } from "../core/kinds.ts";
import { aLayer, walkOptions } from "./option_kinds.ts";
import { checkOptions } from "../core/options.ts";
import { type Shape, showShape } from "../core/shape.ts";
import type { AnyLayer, Layer } from "./layer.ts";
import type { WalkOptions } from "./named.ts";
import { stageRows } from "./stage_rows.ts";

/**
 * The stages of a model as a table to print: name, kind, output shape without the batch axis, and number of parameters.
 *
 * A stage made of others is taken apart; with `depth: 1` only the outermost stages are shown, each with all its parameters. Nothing is
 * computed: shapes come from `init`.
 *
 * ```ts
 * import { layers, relu } from "../mod.ts";
 * const { conv2d, flatten, linear, serial } = layers;
 * const model = serial({ conv: conv2d({ features: 10, kernel: 5 }), act: relu, flat: flatten(), head: linear({ features: 10 }) });
 * console.log(layers.summary(model, [1, 28, 28]));
 * // stage  layer    output        parameters
 * // conv   conv2d   [10, 24, 24]         260
 * // act    relu     [10, 24, 24]           0
 * // flat   flatten  [5760]                 0
 * // head   linear   [10]              57,610
 * // total           [10]              57,870
 * ```
 *
 * @param inputShape Without the batch axis.
 * @throws {ShapeError} If the model cannot be applied to inputs of this shape.
 */
export function summary<P extends object, S extends object>(
  model: Layer<P, S>,
  inputShape: Shape,
  options: WalkOptions = {},
): string {
  const { depth = Infinity } = checkOptions(options, walkOptions, "summary");
  argument<AnyLayer>(model, aLayer, "model", "summary");
  const rows = stageRows(model, inputShape, depth);
  const cells = rows.map((
    { name, kind, output, parameters },
  ) => [name, kind, showShape(output), parameters.toLocaleString("en-US")]);
  return table([["stage", "layer", "output", "parameters"], ...cells]);
}

/** Rows of cells in columns, the last of which is of numbers. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => i === row.length - 1 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])).join("  ");
  return rows.map(line).join("\n");
}
