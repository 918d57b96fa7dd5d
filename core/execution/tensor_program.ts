/**
 * Programs for tensors: the one way from a graph of tensors to something that runs, for eager reading and for `jit`.
 *
 * @module
 */
import { type CompileOptions, compileProgram } from "../compile/compile.ts";
import { buildGraph, type Graph, GraphBuilder } from "../compile/graph.ts";
import { showGraph, showProgram } from "../compile/show.ts";
import { deviceBytes } from "../dtype.ts";
import { debug } from "../env.ts";
import type { Program } from "../ir/program.ts";
import type { Node, Tensor } from "../tensor.ts";
import type { Device, Executable } from "../values/device.ts";
import { withRoom } from "../values/budget.ts";

/** A program that computes tensors. */
export interface TensorProgram {
  /** Undefined if there is nothing to compute: all requested tensors are inputs. */
  readonly executable: Executable | undefined;
  /** What each requested tensor is: an output of the program, or (after simplification) one of its inputs. */
  readonly results: readonly ProgramResult[];
  /** For each output which input it overwrites, if any. */
  readonly overwrites: readonly (number | undefined)[];
  /** Of inputs and outputs. */
  readonly bytes: number;
}

/** An output of a program or one of its inputs, by position. */
export interface ProgramResult {
  readonly kind: "output" | "input";
  readonly index: number;
}

/** What to make a program for. */
export interface TensorGraph {
  readonly outputs: readonly Tensor[];
  /** The node of a tensor that the program does not look behind: an input, or made of some; undefined for all others. */
  leaf(tensor: Tensor, builder: GraphBuilder): Node | undefined;
  /** Which inputs may be overwritten, from the results: what is handed through must stay. Default none. */
  donated?(results: readonly ProgramResult[]): readonly boolean[];
  /** Which inputs are likely to have the same values at every run. Default none. */
  readonly lasting?: readonly boolean[];
}

let compiled = 0;

/**
 * How many programs have been compiled since the start. After its first iterations a loop should compile none.
 *
 * ```ts
 * import { compileCount, item, sin, tensor } from "../../mod.ts";
 * const run = (x: number) => item(sin(tensor(x)));
 * await run(1);
 * const before = compileCount();
 * await run(2);
 * console.log(compileCount() - before); // 0
 * ```
 */
export function compileCount(): number {
  return compiled;
}

/** Compiles the program that computes tensors. */
export function compileTensors({ outputs, leaf, donated, lasting = [] }: TensorGraph, device: Device): TensorProgram {
  const builder = new GraphBuilder();
  const graph = buildGraph(outputs, builder, (tensor) => leaf(tensor, builder));
  const computed = [...new Set(graph.outputs.filter(({ made }) => made.kind === "op"))];
  const indices = new Map(computed.map((node, index) => [node, index]));
  const results = graph.outputs.map((node): ProgramResult =>
    node.made.kind === "input" ? { kind: "input", index: node.made.index } : { kind: "output", index: indices.get(node)! }
  );
  if (computed.length === 0) return { executable: undefined, results, overwrites: [], bytes: 0 };
  const { inputs } = builder;
  const mayOverwrite = donated?.(results) ?? [];
  const program = translate({ nodes: graph.nodes, outputs: computed }, {
    target: device,
    inputs,
    donated: inputs.map((_, i) => mayOverwrite[i] ?? false),
    lasting: inputs.map((_, i) => lasting[i] ?? false),
  });
  const executable = withRoom(device, () => device.compile(program));
  compiled++;
  return { executable, results, overwrites: overwrittenInputs(program), bytes: bytesOutside(program) };
}

/** The program of a graph, printed on the way if COTANGENT_DEBUG is set so. */
function translate(graph: Graph, options: CompileOptions): Program {
  if (debug.has("graph")) console.error(showGraph(graph));
  const program = compileProgram(graph, options);
  if (debug.has("kernels")) console.error(showProgram(program));
  return program;
}

function overwrittenInputs({ outputs, buffers }: Program): (number | undefined)[] {
  return outputs.map((id) => {
    const { location } = buffers[id];
    return location.kind === "input" ? location.index : undefined;
  });
}

/** Bytes of the buffers that belong to the caller. */
function bytesOutside({ buffers }: Program): number {
  return buffers.reduce(
    (sum, { size, dtype, location }) => location.kind === "slot" ? sum : sum + size * deviceBytes(dtype),
    0,
  );
}

/** Runs a new program. One that fails, most likely because memory has run out, must not keep any. */
export function firstRun<T>(executable: Executable | undefined, run: () => T): T {
  try {
    return run();
  } catch (error) {
    executable?.destroy();
    throw error;
  }
}
