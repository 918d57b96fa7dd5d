/**
 * A network from elsewhere with another last layer, for other classes.
 *
 * @module
 */
import { Either } from "../../deps.ts";
import { random, ShapeError, type Tensor, zeros } from "../../mod.ts";
import type { Model, NamedTensors } from "../../onnx/mod.ts";

/** A network whose last layer is new. */
export interface Adapted {
  /** The parameters of the last layer, which nothing has taught yet. */
  readonly head: NamedTensors;
  /** The others, of which the statistics of normalizations stay as they are. */
  readonly body: NamedTensors;
  /** [batch, ...] becomes [batch, classes]. */
  readonly apply: (params: NamedTensors, x: Tensor) => Tensor;
  /** The numbers that the network gave before. */
  readonly outputs: number;
}

/**
 * Replaces the last layer of a network that has one input, and gives a number for each class: the last matrix with as many rows or columns
 * as there are classes, and the numbers that are added, if there are any. Where the network is not fixed to shapes, it then gives as many
 * numbers as there are new classes.
 *
 * @param shape The shape of one input.
 * @param prefix How the names of the layer's parameters begin, if it is not the last.
 * @returns Left with why not, as the end of a sentence.
 */
export function withNewHead(
  { params, inputs, outputs, apply }: Model,
  shape: readonly number[],
  classes: number,
  key: random.Key,
  prefix = "",
): Either.Either<string, Adapted> {
  if (inputs.length !== 1) return Either.left(`it has ${inputs.length} inputs, not one`);
  const run = (p: NamedTensors, x: Tensor) => apply(p, { [inputs[0].name]: x })[outputs[0].name];
  const before = run(params, zeros([1, ...shape])).shape;
  if (before.length !== 2) return Either.left(`it gives [${before.join(", ")}] for one picture, not a number for each class`);
  const count = before[1];
  const candidates = (rank: number) =>
    Object.keys(params).filter((name) =>
      name.startsWith(prefix) && params[name].rank === rank && params[name].shape.includes(count)
    )
      .reverse();
  const [bias] = candidates(1);
  const matrices = candidates(2);
  for (const weight of matrices) {
    const extents = params[weight].shape;
    for (const axis of [0, 1]) {
      if (extents[axis] !== count) continue;
      const bound = 1 / Math.sqrt(extents[1 - axis]);
      const drawn = random.uniform(key, extents.map((extent, i) => i === axis ? classes : extent), { min: -bound, max: bound });
      const head = { [weight]: drawn, ...bias === undefined ? {} : { [bias]: zeros([classes]) } };
      const body = Object.fromEntries(Object.entries(params).filter(([name]) => !Object.hasOwn(head, name)));
      if (fits(() => run({ ...body, ...head }, zeros([1, ...shape])), classes)) {
        return Either.right({ head, body, apply: run, outputs: count });
      }
    }
  }
  return Either.left(
    matrices.length === 0
      ? `none of its parameters is a matrix with ${count} rows or columns`
      : `it does not give ${classes} numbers when ${matrices.join(" or ")} has as many rows or columns`,
  );
}

/** Whether a network that is only traced here gives so many numbers. */
function fits(trace: () => Tensor, classes: number): boolean {
  try {
    const { shape } = trace();
    return shape.length === 2 && shape[1] === classes;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
}
