/**
 * Specializations of a jitted function: its program for one form of the arguments.
 *
 * @module
 */
import { type Example, type TracedFunction, traceFunction } from "../grad/traced_function.ts";
import type { GraphBuilder } from "../compile/graph.ts";
import { compileTensors, type ProgramResult } from "./tensor_program.ts";
import { type Node, Tensor, traceOf } from "../tensor.ts";
import { defaultFloat, type DType } from "../dtype.ts";
import { TraceError } from "../errors.ts";
import { realizeNow } from "./realize.ts";
import type { Device, Executable } from "../values/device.ts";
import { type Guard, guardOf, passes } from "./guard.ts";
import type { Shape } from "../shape.ts";
import { buildTree, flattenTree, type Form, hasForm } from "../tree.ts";
import { type Effect, tensorsOf } from "../values/effects.ts";

/** One leaf of what a call returns, or a tensor that an effect needs: a program's output, an argument handed through, or a value that is no tensor. */
export type Result =
  | { readonly kind: "output"; readonly index: number; readonly shape: Shape; readonly dtype: DType; readonly weak: boolean }
  | { readonly kind: "argument"; readonly leaf: number }
  | { readonly kind: "captured"; readonly tensor: Tensor }
  | { readonly kind: "static"; readonly value: unknown };

/** A tensor from outside that is returned unchanged. */
export type Passthrough = Extract<Result, { kind: "argument" | "captured" }>;

/** A program for one form of arguments. */
export interface Specialization {
  readonly device: Device;
  readonly executable: Executable | undefined;
  /** The form of the arguments. */
  readonly args: Form;
  /** One per leaf of the arguments. */
  readonly guards: readonly Guard[];
  /** Tensors from outside the function, inputs after the arguments. */
  readonly captured: readonly Tensor[];
  readonly results: readonly Result[];
  /** The form of the result: that of the first results. */
  readonly form: Form;
  /** How many of the results are returned. */
  readonly returned: number;
  /** Effects of the function; the other results are their tensors. */
  readonly effects: readonly Effect[];
  readonly passthrough: readonly Passthrough[];
  /** Outputs that are returned more than once. */
  readonly repeated: readonly number[];
  /** For each output of the program which of its inputs it overwrites, if any. */
  readonly overwrites: readonly (number | undefined)[];
  /** Leaves whose memory the caller gives up. */
  readonly donated: readonly number[];
  /** For each leaf whether it is one of those. */
  readonly mayOverwrite: readonly boolean[];
  /** Of inputs and outputs. */
  readonly bytes: number;
}

function isInput(leaf: unknown): leaf is Tensor | number {
  return leaf instanceof Tensor || typeof leaf === "number";
}

/** Whether a specialization applies to a call; the leaves of the arguments are appended to `leaves`. */
export function matches(specialization: Specialization, device: Device, args: unknown, leaves: unknown[]): boolean {
  if (specialization.device !== device || !hasForm(args, specialization.args, leaves)) return false;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (!passes(specialization.guards[i], leaf) || (leaf instanceof Tensor && traceOf(leaf))) return false;
  }
  return true;
}

/** A function traced for one form of arguments: its graph, and the form and leaves of what it returned. */
interface Traced {
  readonly traced: TracedFunction;
  readonly form: Form;
  readonly returned: readonly unknown[];
}

/** Traces a function whose tensors and numbers, the leaves at `inputLeaves`, become placeholders. */
function trace(
  f: (...args: unknown[]) => unknown,
  args: Form,
  leaves: readonly unknown[],
  inputLeaves: readonly number[],
): Traced {
  const [traced, { form, returned }] = traceFunction("jit", inputLeaves.map((i) => exampleOf(leaves[i])), (placeholders) => {
    const filled = [...leaves];
    inputLeaves.forEach((leaf, i) => filled[leaf] = placeholders[i]);
    const returned: unknown[] = [];
    const form = flattenTree(f(...buildTree(args, filled) as unknown[]), returned);
    refusePromises(returned);
    return [returned.filter((leaf) => leaf instanceof Tensor), { form, returned }];
  }, { hoist: false });
  return { traced, form, returned };
}

/** Traces and compiles a function for arguments of this form; undefined if it captures variables of a transform around it. */
export function specialize(
  f: (...args: unknown[]) => unknown,
  args: Form,
  leaves: readonly unknown[],
  donated: readonly number[],
  device: Device,
): Specialization | undefined {
  const inputLeaves = leaves.flatMap((leaf, i) => isInput(leaf) ? [i] : []);
  const { traced, form, returned } = trace(f, args, leaves, inputLeaves);
  const { captured, effects } = traced;
  const seen = tensorsOf(effects);
  if (captured.some((tensor) => traceOf(tensor))) return undefined;
  realizeNow(captured, "jit");

  const inputs = [...traced.args, ...captured];
  const mayOverwrite = leaves.map((leaf, i) => donated.includes(i) && leaf instanceof Tensor);
  const program = compileTensors({
    outputs: [...traced.outputs, ...seen],
    leaf: inputNodes(inputs),
    donated: (results) => {
      // An argument that is handed through keeps its memory.
      for (const { kind, index } of results.slice(0, traced.outputs.length)) {
        if (kind === "input" && index < inputLeaves.length) mayOverwrite[inputLeaves[index]] = false;
      }
      // An effect may fail, and that changes nothing.
      return inputLeaves.map((leaf) => effects.length === 0 && mayOverwrite[leaf]);
    },
  }, device);
  const results = resultsOf([...returned, ...seen], program.results, inputs, inputLeaves);
  return {
    device,
    executable: program.executable,
    args,
    guards: leaves.map(guardOf),
    captured,
    results,
    passthrough: results.slice(0, returned.length).filter((result): result is Passthrough =>
      result.kind === "captured" || (result.kind === "argument" && leaves[result.leaf] instanceof Tensor)
    ),
    repeated: repeatedIn(results.slice(0, returned.length)),
    form,
    returned: returned.length,
    effects,
    donated: donated.filter((leaf) => mayOverwrite[leaf]),
    mayOverwrite,
    overwrites: program.overwrites,
    bytes: program.bytes,
  };
}

/** The nodes of inputs, made at the first use: all of them in their order, also those that nothing depends on. */
function inputNodes(inputs: readonly Tensor[]): (tensor: Tensor, builder: GraphBuilder) => Node | undefined {
  const indices = new Map(inputs.map((tensor, i) => [tensor, i]));
  const nodes: Node[] = [];
  return (tensor, builder) => {
    if (nodes.length === 0) { for (const { shape, dtype } of inputs) nodes.push(builder.input(shape, dtype)); }
    const index = indices.get(tensor);
    return index === undefined ? undefined : nodes[index];
  };
}

/** What each returned leaf is; `computed` are the program's results for the tensors among them, in order. */
function resultsOf(
  returned: readonly unknown[],
  computed: readonly ProgramResult[],
  inputs: readonly Tensor[],
  inputLeaves: readonly number[],
): Result[] {
  let next = 0;
  return returned.map((leaf): Result => {
    if (!(leaf instanceof Tensor)) return { kind: "static", value: leaf };
    const { shape, dtype, weak } = leaf;
    const { kind, index } = computed[next++];
    if (kind === "output") return { kind, index, shape, dtype, weak };
    const leafIndex = inputLeaves[index];
    return leafIndex === undefined ? { kind: "captured", tensor: inputs[index] } : { kind: "argument", leaf: leafIndex };
  });
}

function exampleOf(leaf: unknown): Example {
  return leaf instanceof Tensor ? leaf : { shape: [], dtype: defaultFloat, weak: true };
}

function refusePromises(returned: readonly unknown[]): void {
  const promises = returned.filter((leaf) => leaf instanceof Promise);
  if (promises.length === 0) return;
  // What goes wrong inside it is only a consequence.
  for (const promise of promises) promise.catch(() => {});
  throw new TraceError("Cannot jit an async function: its result is a Promise; await outside and jit the computation", {});
}

function repeatedIn(results: readonly Result[]): number[] {
  const indices = results.flatMap((result) => result.kind === "output" ? [result.index] : []);
  return indices.filter((index, i) => indices.indexOf(index) < i);
}
