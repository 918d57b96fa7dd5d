/**
 * Vectorisation: a function of one example becomes a function of a batch, by walking the graph of one example with each operation's
 * batching rule.
 *
 * @module
 */
import { aFunction, argument, type Kind, kindOf, orNull, whole } from "../kinds.ts";
import { checkOptions, optionTable } from "../options.ts";
import { ShapeError } from "../errors.ts";
import { apply } from "../ops/define.ts";
import { constantOf } from "../ops/constant.ts";
import { onBehalf } from "../ops/watch.ts";
import { batchAll } from "../ops/sum.ts";
import { broadcastTo, moveAxis } from "../ops/movement.ts";
import { normalizeAxis, showShape } from "../shape.ts";
import { placeholder, Tensor, withTrace } from "../tensor.ts";
import { mapLeaves, refusePromises, treeLeaves } from "../tree.ts";
import { emit, forEachRow, recordEffects, tensorsOf, withTensors } from "../values/effects.ts";
import { type Steps, stepsBetween } from "../walk.ts";
import { checkBatch } from "./border.ts";

/** The axis of an argument that counts the examples, null if all share it, or a tree of such for parts of the argument. */
export type InAxis = number | null | readonly InAxis[] | { readonly [name: string]: InAxis };

/** Options of `vmap`. */
export interface VmapOptions {
  /**
   * For each argument the axis that counts the examples, or null if all share it; for an argument whose parts differ a record or
   * list of them: [{ weight: 0, bias: null }, 0]. One number serves for all. Default 0.
   */
  readonly inAxis?: number | readonly InAxis[];
  /** Where that axis goes in the results. Default 0. */
  readonly outAxis?: number;
}

const axisOrAxes: Kind<NonNullable<VmapOptions["inAxis"]>> = kindOf(
  "an axis, or a list with an axis, null, or a tree of them for each argument",
  (value) =>
    whole.holds(value) || Array.isArray(value) && treeLeaves(Array.from(value)).every((axis) => orNull(whole).holds(axis.value)),
  "number",
);
const vmapOptions = optionTable<VmapOptions>({ inAxis: axisOrAxes, outAxis: whole });

/** The axes of an argument, by the paths of its parts, as a function of the paths of its leaves. */
function axesOf(arg: unknown, argument: number, axes: InAxis): (path: string) => number | null {
  const parts = treeLeaves(axes);
  const holds = (part: string, path: string) => part === "" || path === part || path.startsWith(`${part}.`);
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot vmap argument ${argument} with the axes ${JSON.stringify(axes)}: ${why}`);
  };
  const leaves = treeLeaves(arg);
  const unknown = parts.find((part) => !leaves.some(({ path }) => holds(part.path, path)));
  if (unknown && unknown.path !== "") refuse(`it has no "${unknown.path}"`);
  return (path) => {
    const part = parts.find((each) => holds(each.path, path));
    return part ? part.value as number | null : refuse(`there is none for "${path}", and null for what all examples share`);
  };
}

/**
 * The function on a batch of examples, without a loop.
 *
 * ```ts
 * import { grad, mul, sum, tensor, toArray, vmap } from "../../mod.ts";
 * const f = (x: Tensor) => sum(mul(x, x));
 * console.log(await toArray(vmap(grad(f))(tensor([[1, 2], [3, 4]])))); // [[2, 4], [6, 8]]
 *
 * const scaled = (p: { x: Tensor; rate: Tensor }) => mul(p.x, p.rate);
 * console.log(await toArray(vmap(scaled, { inAxis: [{ x: 0, rate: null }] })({ x: tensor([1, 2]), rate: tensor(3) }))); // [3, 6]
 * import type { Tensor } from "../../mod.ts";
 * ```
 *
 * @throws {RangeError} When the returned function is called: if `inAxis` is a list without one entry per argument, or a tree of axes
 * has parts that the argument has not, or lacks some.
 * @throws {ShapeError} If the batched axes have different extents, or there is none.
 */
export function vmap<A extends unknown[], R>(
  f: (...args: A) => R,
  options: VmapOptions = {},
): (...args: A) => R {
  const { inAxis = 0, outAxis = 0 } = checkOptions(options, vmapOptions, "vmap");
  argument(f, aFunction(), "f", "vmap");
  return (...args) => {
    if (Array.isArray(inAxis) && inAxis.length !== args.length) {
      throw new RangeError(
        `Cannot vmap a call of ${args.length} arguments with inAxis ${JSON.stringify(inAxis)}: it needs one entry for each, ` +
          `null for what all examples share`,
      );
    }
    return withTrace("vmap", (trace) => {
      const batches = new Map<Tensor, Tensor>();
      let size: number | undefined;
      const examples = args.map((arg, i) => {
        const axes = typeof inAxis === "number" ? inAxis : inAxis[i];
        if (axes === null) return arg;
        const axisAt = typeof axes === "number" ? () => axes : axesOf(arg, i, axes);
        return mapLeaves(arg, (x, path) => {
          if (!(x instanceof Tensor)) return x;
          const axis = axisAt(path);
          if (axis === null) return x;
          const from = normalizeAxis(axis, x.rank, "vmap");
          if (size !== undefined && size !== x.shape[from]) {
            throw new ShapeError(
              `Cannot vmap over ${size} and ${x.shape[from]} examples: argument ${i}${path && ` at "${path}"`} has shape ` +
                showShape(x.shape),
              { sizes: [size, x.shape[from]], argument: i, path },
            );
          }
          size = x.shape[from];
          const front = moveAxis(x, from, 0);
          const one = placeholder(trace, Object.freeze(front.shape.slice(1)), x.dtype, x.weak);
          batches.set(one, front);
          return one;
        });
      }) as A;
      if (size === undefined) throw new ShapeError("Cannot vmap a call without batched tensors: give inAxis for one of them", {});
      const count = size;
      const [value, effects] = recordEffects(() => f(...examples));
      refusePromises(value, "vmap");
      const outputs = treeLeaves(value).map((leaf) => leaf.value).filter((each) => each instanceof Tensor);
      const seen = tensorsOf(effects);
      batchSteps(stepsBetween([...batches.keys()], [...outputs, ...seen]), batches, count);
      if (effects.length > 0) {
        const batched = withTensors(effects, seen.map((x) => batches.get(x) ?? x));
        emit([forEachRow(batched, { count, rows: seen.map((x) => batches.has(x)) })]);
      }
      return mapLeaves(value, (y) => {
        if (!(y instanceof Tensor)) return y;
        const batch = batches.get(y) ?? broadcastTo(y, [count, ...y.shape]);
        return moveAxis(batch, 0, normalizeAxis(outAxis, batch.rank, "vmap"));
      }) as R;
    });
  };
}

/** Applies the batching rules of recorded steps in order, adding their results to `batches`. */
function batchSteps(steps: Steps, batches: Map<Tensor, Tensor>, size: number): void {
  for (const [tensor, made] of steps) {
    if (!made) continue;
    // Of no examples there is nothing to compute: no rule has to cover that.
    if (size === 0) {
      batches.set(tensor, constantOf(0, tensor.dtype, [0, ...tensor.shape]));
      continue;
    }
    const batched = made.inputs.map((input) => batches.has(input));
    const inputs = made.inputs.map((input) => batches.get(input) ?? input);
    const { op, attrs } = made;
    const batch = onBehalf(
      "again",
      tensor,
      () => op.vmap ? op.vmap(inputs, batched, attrs, size) : apply(op, batchAll(inputs, batched, size), attrs),
    );
    checkBatch(op.name, batch, tensor, size);
    batches.set(tensor, batch);
  }
}
