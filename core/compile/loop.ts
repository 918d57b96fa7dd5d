/**
 * Loops: a body of the graph that runs many times, as kernels that a device runs many times.
 *
 * A round reads row i of every sequence, computes the next state from it and the state, and writes row i of what is collected. State,
 * collected rows and i itself stay in the same memory from round to round: the body overwrites them, and where it cannot, because
 * something still reads the old values, it copies them at the end.
 *
 * @module
 */
import { type DType, indexType } from "../dtype.ts";
import { addOp } from "../ops/arithmetic.ts";
import { barrierOp } from "../ops/barrier.ts";
import { fullOp } from "../ops/constant.ts";
import { type Node, sourceOf, type Tensor } from "../tensor.ts";
import { reshapeOp } from "../ops/reshape.ts";
import { writeOp } from "../ops/write.ts";
import { takeOp } from "../ops/rows.ts";
import type { Loop } from "../ir/lowering.ts";
import { contiguousStrides, type Shape, sizeOf } from "../shape.ts";
import { scalarType } from "../ir/expr.ts";
import { buildGraph, type Graph, GraphBuilder, graphOf } from "./graph.ts";
import { topological } from "../walk.ts";
import { type Access, type Kernel, mapAccesses } from "../ir/kernel.ts";
import { dependenciesOf, schedule } from "./schedule.ts";
import { alias } from "./alias.ts";

/** Kernels and what their buffers hold. */
export interface Kernels {
  readonly kernels: readonly Kernel[];
  readonly buffers: readonly Node[];
}

/** The kernels of one round. */
export interface LoopBody extends Kernels {
  /** The buffers of constants, sequences, state, collected results, and the number of the row; undefined if nothing reads it. */
  readonly inputs: readonly (number | undefined)[];
}

/** What the number of the row is in the first round. */
export function firstRow({ length, reverse }: Loop<Tensor>): number {
  return reverse ? length - 1 : 0;
}

/** Which tensors of the state, and which collected results, are used. */
export interface Wanted {
  readonly state: readonly number[];
  readonly collected: readonly number[];
}

/** What a round must compute so that certain results of the loop (the state first) come out: states may be needed for others. */
export function wantedOf({ state, next, collected }: Loop<Tensor>, isResult: (index: number) => boolean): Wanted {
  const rows = collected.map((_, k) => k).filter((k) => isResult(state.length + k));
  const needed = new Set(state.map((_, k) => k).filter(isResult));
  for (let before = -1; before < needed.size;) {
    before = needed.size;
    const outputs = [...[...needed].map((k) => next[k]), ...rows.map((k) => collected[k])];
    const reached = new Set(topological(outputs, (tensor) => sourceOf(tensor).kind !== "op"));
    state.forEach((each, k) => reached.has(each) && needed.add(k));
  }
  return { state: [...needed].sort((a, b) => a - b), collected: rows };
}

/** Translates the body as any graph. */
export function compileBody(loop: Loop<Tensor>, wanted: Wanted, translate: (graph: Graph) => Kernels): LoopBody {
  const builder = new GraphBuilder();
  const input = ({ shape, dtype }: { readonly shape: Shape; readonly dtype: DType }) => builder.input(shape, dtype);
  const sequence = ({ shape, dtype }: Tensor) => input({ shape: [loop.length, ...shape], dtype });
  const asRows = (node: Node, count: number) =>
    builder.make(reshapeOp, [node], { shape: [1, count, sizeOf(node.shape) / count] });

  const nodeOf = new Map<Tensor, Node>(loop.constants.map((each) => [each, input(each)]));
  const sequences = loop.rows.map(sequence);
  for (const k of wanted.state) nodeOf.set(loop.state[k], input(loop.state[k]));
  const next = wanted.state.map((k) => loop.next[k]);
  const rows = wanted.collected.map((k) => loop.collected[k]);
  const collections = rows.map(sequence);
  const at = input({ shape: [1], dtype: indexType });
  const constantCount = loop.constants.length + sequences.length;

  const { length } = loop;
  loop.rows.forEach((row, k) => {
    const taken = builder.make(takeOp, [asRows(sequences[k], length), at], { size: length });
    nodeOf.set(row, builder.make(reshapeOp, [taken], { shape: row.shape }));
  });
  const { outputs: values } = buildGraph([...next, ...rows], builder, (tensor) => nodeOf.get(tensor));
  const step = builder.make(fullOp, [], { value: loop.reverse ? -1 : 1, shape: [1], dtype: indexType });
  const results = [
    ...values.slice(0, next.length),
    ...collections.map((whole, k) => {
      const row = values[next.length + k];
      return builder.make(writeOp, [asRows(whole, length), asRows(row, 1), at], { size: length });
    }),
    builder.make(addOp, [at, step], undefined),
  ];
  // Each is an operation of its own, so that each has memory of its own.
  const distinct = results.map((node, i) =>
    node.made.kind === "op" && results.indexOf(node) === i ? node : builder.make(barrierOp, [node], { id: i })
  );
  return inPlace(translate(graphOf(distinct)), builder.inputs, constantCount, distinct);
}

/** Lets each result take the memory of the input it follows; the first `constantCount` inputs are only read. */
function inPlace(
  { kernels, buffers }: Kernels,
  inputs: readonly Node[],
  constantCount: number,
  results: readonly Node[],
): LoopBody {
  const allBuffers = [...buffers];
  const inputBuffers = inputs.map((node) => allBuffers.indexOf(node));
  const outputs = results.map((node) => allBuffers.indexOf(node));
  const before = dependenciesOf(kernels);
  const { aliases, idle } = alias({
    kernels,
    before,
    inputs: inputBuffers,
    donors: (output) => new Set([constantCount + outputs.indexOf(output)]),
    outputs,
  });
  const ordered = schedule(kernels, before).filter((kernel) => !idle.has(kernel));
  const targets = inputBuffers.map((buffer, i) => i < constantCount || buffer >= 0 ? buffer : allBuffers.push(inputs[i]) - 1);
  outputs.forEach((output, k) => {
    if (!aliases.has(output)) ordered.push(copy(inputs[constantCount + k], output, targets[constantCount + k]));
  });
  const aliased = new Map([...aliases].map(([output, input]) => [output, targets[input]]));
  return {
    kernels: ordered.map((kernel) =>
      mapAccesses(kernel, (access) => ({ ...access, buffer: aliased.get(access.buffer) ?? access.buffer }))
    ),
    buffers: allBuffers,
    inputs: targets.map((buffer) => buffer < 0 ? undefined : buffer),
  };
}

function copy({ shape, dtype }: Node, from: number, to: number): Kernel {
  const whole = (buffer: number): Access => ({ buffer, offset: 0, strides: contiguousStrides(shape) });
  const value = { kind: "load", type: scalarType(dtype), slot: 0 } as const;
  return { kind: "map", shape, operands: [], loads: [whole(from)], stores: [{ ...whole(to), value }] };
}
