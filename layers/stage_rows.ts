/**
 * What is known of each stage of a model: the rows of its summary, as text or in a notebook.
 *
 * @module
 */
import { key } from "../core/random.ts";
import { checkShape, type Shape } from "../core/shape.ts";
import type { AnyLayer } from "./layer.ts";
import { namedParameters, namedStages } from "./named.ts";

/** A stage, or the whole model. */
export interface StageRow {
  /** Dotted; that of the whole is "total". */
  readonly name: string;
  /** The kind of layer; empty where it has none. */
  readonly kind: string;
  /** The shape of what it gives, without the batch axis. */
  readonly output: Shape;
  /** The number of parameters. */
  readonly parameters: number;
}

/** The stages of a model down to some depth, then the model itself. Nothing is computed. */
export function stageRows(model: AnyLayer, inputShape: Shape, depth = Infinity): StageRow[] {
  checkShape(inputShape, "summarize a model for inputs");
  const initial = model.init(key(0), inputShape);
  const kinds = new Map(namedStages<AnyLayer>(model).map(([name, { kind }]) => [name, kind ?? ""]));
  const shown = namedStages(initial, { depth })
    .filter(([name, { stages }]) => !stages || name.split(".").length === depth);
  const row = (name: string, { output, params }: typeof initial, kind = ""): StageRow => {
    return { name, kind, output, parameters: namedParameters(params).reduce((total, [, { size }]) => total + size, 0) };
  };
  return [...shown.map(([name, part]) => row(name, part, kinds.get(name))), row("total", initial)];
}
