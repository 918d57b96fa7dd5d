/**
 * Loops over the rows of sequences: ONNX's Scan, whose graph of one step sees the names around it.
 *
 * @module
 */
import type { Loop } from "../../core/ir/lowering.ts";
import type { TracedFunction } from "../../core/grad/traced_function.ts";
import { scanOp } from "../../core/grad/loop.ts";
import { tupleElementOp } from "../../core/grad/tuple.ts";
import type { Op, Tensor } from "../../core/tensor.ts";
import { type Extent, extentOf } from "./extents.ts";
import { joined, leaf, type Value } from "./graph.ts";
import { fixed } from "./match.ts";
import { type Emitter, needed, type Row, row } from "./emitter.ts";
import { type Step, writeRecurrence } from "./recurrence.ts";
import { describedValue } from "./writer.ts";

/** What the record of a loop says of it. */
type LoopAttrs = Loop<Tensor> & { readonly body: TracedFunction };

function indexOf(element: Value): number {
  return needed(fixed(element, tupleElementOp, ({ index }) => index));
}

/** Writes a loop, and gives the names of those results that somebody uses. */
function writeLoop(value: Value, emitter: Emitter): ReadonlyMap<number, string> {
  const loops = value.attrs as readonly LoopAttrs[];
  const [first] = loops;
  const [constants, states] = [first.constants.length, first.state.length];
  const wanted = new Set(value.users.map(indexOf));
  const used = [...wanted].filter((index) => index >= states).sort((a, b) => a - b);
  const args = first.body.args.map((_, i) => leaf(loops.map(({ body }) => body.args[i]), emitter.sizes));
  const traces = loops.map(({ body, next, collected }) => ({
    outputs: [...next, ...used.map((index) => collected[index - states])],
    leaves: new Map([
      ...body.captured.map((tensor, i) => [tensor, value.inputs[i]] as const),
      ...body.args.map((tensor, i) => [tensor, args[i]] as const),
    ]),
  }));
  const results = joined({ sizes: emitter.sizes, traces });
  const step: Step = {
    reverse: needed(fixed(value, scanOp, ({ reverse }) => reverse)),
    start: value.inputs.slice(constants, constants + states),
    sequences: value.inputs.slice(constants + states),
    args,
    next: results.slice(0, states),
    collected: results.slice(states),
  };
  const names = writeRecurrence(step, (index) => wanted.has(index), emitter) ??
    writeScan(step, extentOf(loops.map(({ length }) => length), emitter.sizes), emitter);
  const indices = [...first.state.map((_, i) => i), ...used];
  return new Map(indices.map((index, i) => [index, names[i]]));
}

/** Writes a loop as Scan, and gives the names of its last state and of what it collects. */
function writeScan(
  { reverse, start, sequences, args, next, collected }: Step,
  length: Extent | undefined,
  emitter: Emitter,
): readonly string[] {
  const inside = emitter.inside(args);
  args.forEach((arg, i) => inside.define(arg, emitter.fresh(i < start.length ? "state" : "row")));
  const described = args.map((arg) => describedValue(inside.of(arg), arg.dtype, arg.shape));
  const rows = sequences.map((input) => emitter.of(input));
  if (rows.length === 0) {
    // Scan counts its steps by the rows of something.
    rows.push(emitter.node("Expand", [emitter.scalar("f32", 0), emitter.integers([needed(length)])]));
    described.push(describedValue(emitter.fresh("row"), "f32", []));
  }
  const outputs = [...next, ...collected].map((result) => {
    // A result has a name of its own, also where it is an argument or another result.
    return describedValue(inside.node("Identity", [inside.of(result)]), result.dtype, result.shape);
  });
  const body = inside.nodes.graph(emitter.fresh("step"), described, outputs, []);
  const names = [...next.map(() => emitter.fresh("last")), ...collected.map(() => emitter.fresh("scan"))];
  emitter.add("Scan", [...start.map((input) => emitter.of(input)), ...rows], {
    body: { graph: body },
    num_scan_inputs: rows.length,
    ...(reverse && {
      scan_input_directions: rows.map(() => 1),
      scan_output_directions: collected.map(() => 1),
    }),
  }, names);
  return names;
}

const element: Row = (value, emitter) => {
  const [all] = value.inputs;
  return emitter.several(all, indexOf(value), () => writeLoop(all, emitter));
};

/** Nobody asks for all results at once. */
const whole: Row = () => {
  throw new Error("The results of a loop are taken one by one");
};

export const loopRows: readonly (readonly [Op, Row])[] = [row(tupleElementOp, element), row(scanOp, whole)];
