/**
 * Gradients inside a graph.
 *
 * @module
 */
import { tangentType } from "../../core/dtype.ts";
import { DTypeError } from "../../core/errors.ts";
import { cast, ones, type Tensor, vjp } from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";
import { gradientKey } from "../gradients.ts";
import { tensorOf } from "../values.ts";

/** The gradient of one value by others, at the values given for them; of a value that is no number, that of the sum of its elements. */
function gradient(call: Call): Results {
  const { attributes } = call;
  const names = attributes.texts("xs");
  const xs = names.map((name, i) => floating(call.tensor(i), name));
  const others = call.inputs.slice(xs.length).map((_, i) => call.value(xs.length + i));
  const [y, pullback] = vjp((...variables: Tensor[]) => {
    const [value] = call.run(attributes.graph("body"), [...variables, ...others]);
    return floating(tensorOf(value), attributes.text("y"));
  }, ...xs);
  return pullback(ones(y.shape)).map((g, i) => cast(g, xs[i].dtype));
}

function floating(x: Tensor, name: string): Tensor {
  if (tangentType(x.dtype) !== undefined) return x;
  throw new DTypeError(`only floating numbers have gradients, but ${JSON.stringify(name)} is ${x.dtype}`, { dtypes: [x.dtype] });
}

/** What these ops do. */
export const training: OpTable = { [gradientKey]: gradient };
