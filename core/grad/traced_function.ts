/**
 * A function as the graph it builds: what it takes, what it uses from outside, what it gives. It can be built again on other tensors.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import { attrsKey } from "../ir/attributes.ts";
import { topological } from "../walk.ts";
import { apply } from "../ops/define.ts";
import { onBehalf } from "../ops/watch.ts";
import { type Effect, recordEffects, tensorsOf, withTensors } from "../values/effects.ts";
import { placeholder, sourceOf, Tensor, type Trace, withTrace } from "../tensor.ts";

/** The graph of a function. */
export interface TracedFunction {
  /** Tensors from outside that the outputs depend on. They are arguments like the others. */
  readonly captured: readonly Tensor[];
  /** What stands for the arguments. */
  readonly args: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** What it does beside, in order. */
  readonly effects: readonly Effect[];
}

/** What stands for an argument has this form. */
export interface Example {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly weak?: boolean;
}

/** Options of `traceFunction`. */
export interface TraceOptions {
  /**
   * Whether what does not depend on the arguments is captured, so that it is computed once, outside (default). Otherwise it is part of
   * the graph, and only tensors that were there before are captured.
   */
  readonly hoist?: boolean;
}

/**
 * Runs a function on arguments without values, like `examples`, and records its graph.
 *
 * @param run Gives the outputs, and anything else.
 */
export function traceFunction<R>(
  name: string,
  examples: readonly Example[],
  run: (args: readonly Tensor[], trace: Trace) => readonly [outputs: readonly Tensor[], rest: R],
  { hoist = true }: TraceOptions = {},
): readonly [TracedFunction, R] {
  return withTrace(name, (trace) => {
    const start = Tensor.nextSerial;
    const args = examples.map(({ shape, dtype, weak }) => placeholder(trace, shape, dtype, weak));
    const [[outputs, rest], effects] = recordEffects(() => run(args, trace));
    const all = [...outputs, ...tensorsOf(effects)];
    if (!hoist) return [{ captured: oldTensors(all, args, start), args, outputs, effects }, rest] as const;
    const captured = independent(all, args, start);
    // Tensors of its own: no other code holds them, so none of them (a constant that is read elsewhere) becomes values instead of a graph.
    return [{ captured, args, ...evaluateAll({ captured, args, outputs, effects }, captured, args) }, rest] as const;
  });
}

/** Whether a tensor is no part of a function that was traced since `start`; constants are part of the function that uses them. */
function isOutside(tensor: Tensor, own: ReadonlySet<Tensor>, start: number): boolean {
  return !own.has(tensor) && !isConstant(tensor) && (tensor.serial < start || sourceOf(tensor).kind !== "op");
}

/** The tensors from outside, older than `start`, that outputs depend on. */
export function oldTensors(outputs: readonly Tensor[], args: readonly Tensor[], start: number): Tensor[] {
  const own = new Set(args);
  const outside = (tensor: Tensor) => isOutside(tensor, own, start);
  return topological(outputs, (tensor) => own.has(tensor) || outside(tensor)).filter(outside);
}

function isConstant(tensor: Tensor): boolean {
  const source = sourceOf(tensor);
  return source.kind === "op" && source.inputs.length === 0;
}

/** What outputs depend on beside the arguments: tensors older than `start`, and what was made of these alone. */
function independent(outputs: readonly Tensor[], args: readonly Tensor[], start: number): Tensor[] {
  const own = new Set(args);
  const outsider = (tensor: Tensor) => isOutside(tensor, own, start);
  const inside = new Set<Tensor>(args);
  const outside = new Set<Tensor>();
  const captured = new Set<Tensor>();
  const views = new Set<Tensor>();
  /** A view is not worth memory of its own. */
  const capture = (tensor: Tensor): void => {
    for (const pending = [tensor]; pending.length > 0;) {
      const next = pending.pop()!;
      const source = sourceOf(next);
      if (outsider(next) || source.kind !== "op" || source.op.lower.kind !== "view") captured.add(next);
      else if (!views.has(next)) {
        views.add(next);
        for (const input of source.inputs) if (outside.has(input)) pending.push(input);
      }
    }
  };
  for (const tensor of topological(outputs, (each) => own.has(each) || outsider(each))) {
    const source = sourceOf(tensor);
    if (outsider(tensor)) outside.add(tensor);
    else if (source.kind === "op" && source.inputs.some((input) => inside.has(input))) {
      inside.add(tensor);
      source.inputs.filter((input) => outside.has(input)).forEach(capture);
    } else if (source.kind === "op" && source.inputs.some((input) => outside.has(input))) outside.add(tensor);
  }
  outputs.filter((output) => outside.has(output)).forEach(capture);
  return [...captured];
}

/** What is computed on the way to the outputs by kernels of their own: products, convolutions, reductions. */
export function kernelsOf({ captured, args, outputs }: TracedFunction): Tensor[] {
  const leaves = new Set([...captured, ...args]);
  return topological(outputs, (tensor) => leaves.has(tensor)).filter((tensor) => {
    const source = sourceOf(tensor);
    return !leaves.has(tensor) && source.kind === "op" &&
      (source.op.lower.kind === "kernel" || source.op.lower.kind === "reduce");
  });
}

/** The outputs on other tensors, all made anew, constants too; `change` may replace one that was made again by another tensor. */
export function evaluate(
  { captured, args, outputs }: Omit<TracedFunction, "effects">,
  outer: readonly Tensor[],
  inner: readonly Tensor[],
  change: (made: Tensor, original: Tensor) => Tensor = (made) => made,
): Tensor[] {
  const made = new Map<Tensor, Tensor>([
    ...captured.map((tensor, i) => [tensor, outer[i]] as const),
    ...args.map((tensor, i) => [tensor, inner[i]] as const),
  ]);
  for (const tensor of topological(outputs, (each) => made.has(each))) {
    const source = sourceOf(tensor);
    if (made.has(tensor) || source.kind !== "op") continue;
    const inputs = source.inputs.map((input) => made.get(input) ?? input);
    made.set(tensor, change(onBehalf("again", tensor, () => apply(source.op, inputs, source.attrs)), tensor));
  }
  return outputs.map((output) => made.get(output) ?? output);
}

/** Outputs and effects on other tensors. */
export function evaluateAll(
  traced: TracedFunction,
  outer: readonly Tensor[],
  inner: readonly Tensor[],
): Pick<TracedFunction, "outputs" | "effects"> {
  const { outputs, effects } = traced;
  const all = evaluate({ ...traced, outputs: [...outputs, ...tensorsOf(effects)] }, outer, inner);
  return { outputs: all.slice(0, outputs.length), effects: withTensors(effects, all.slice(outputs.length)) };
}

/** Text that is equal for equal graphs. */
export function keyOf({ captured, args, outputs }: TracedFunction): string {
  const leaves = new Set([...captured, ...args]);
  const order = topological(outputs, (tensor) => leaves.has(tensor));
  const ids = new Map(order.map((tensor, i) => [tensor, i]));
  const inputIndices = new Map([...captured, ...args].map((tensor, i) => [tensor, i]));
  const lines = order.map((tensor) => {
    const source = sourceOf(tensor);
    const type = `${tensor.dtype}[${tensor.shape.join()}]`;
    if (leaves.has(tensor) || source.kind !== "op") return `#${inputIndices.get(tensor)}${type}`;
    return `${source.op.name}(${source.inputs.map((input) => ids.get(input)).join()})${type}${attrsKey(source.attrs)}`;
  });
  return `${lines.join(";")}>${outputs.map((output) => ids.get(output)).join()}`;
}
