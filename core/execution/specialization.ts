/**
 * Specializations of a jitted function: its program for one form of the arguments.
 *
 * @module
 */
import { type TracedFunction, traceFunction } from "../grad/traced_function.ts";
import type { GraphBuilder } from "../compile/graph.ts";
import { compileTensors, type ProgramResult } from "./tensor_program.ts";
import { type Node, placeholder, Tensor, traceOf } from "../tensor.ts";
import { questionsOf, TracedNumber } from "../traced_number.ts";
import type { DType } from "../dtype.ts";
import { isSharedBuffer } from "../runtime.ts";
import { realizeNow } from "./realize.ts";
import type { Device, Executable } from "../values/device.ts";
import { type Guard, guardOf, passes } from "./guard.ts";
import type { Shape } from "../shape.ts";
import { buildTree, flattenTree, type Form, hasForm, refusePromises, treeLeaves } from "../tree.ts";
import { type Effect, tensorsOf } from "../values/effects.ts";

const scalarShape: Shape = Object.freeze([]);

/**
 * One leaf of what a call returns, or a tensor that an effect needs: a program's output, an argument handed through, a number as a tensor, or
 * a value that is no tensor.
 */
export type Result =
  | { readonly kind: "output"; readonly index: number; readonly shape: Shape; readonly dtype: DType; readonly weak: boolean }
  | { readonly kind: "argument"; readonly leaf: number }
  | { readonly kind: "scalar"; readonly number: NumberInput; readonly shape: Shape; readonly weak: boolean }
  | { readonly kind: "captured"; readonly tensor: Tensor }
  | { readonly kind: "static"; readonly value: unknown };

/** A tensor from outside that is returned unchanged. */
export type Passthrough = Extract<Result, { kind: "argument" | "captured" }>;

/** A number argument as a scalar of a type that it met. */
export interface NumberInput {
  readonly leaf: number;
  readonly dtype: DType;
}

/** A program for one form of arguments. */
export interface Specialization {
  readonly device: Device;
  readonly executable: Executable | undefined;
  /** The form of the arguments. */
  readonly args: Form;
  /** One per leaf of the arguments. */
  readonly guards: readonly Guard[];
  /** Numbers among the arguments, inputs after the tensors. */
  readonly numbers: readonly NumberInput[];
  /** Tensors from outside the function, inputs after the arguments. */
  readonly captured: readonly Tensor[];
  readonly results: readonly Result[];
  /** The form of the result: that of the first results. */
  readonly form: Form;
  /** How many of the results are returned. */
  readonly returned: number;
  /** Effects of the function; the other results are their tensors. */
  readonly effects: readonly Effect[];
  /** The leaf that a traced number stands for. */
  readonly leafOf: ReadonlyMap<TracedNumber<Tensor>, number>;
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

/** Whether a specialization applies to a call; the leaves of the arguments are appended to `leaves`. */
export function matches(specialization: Specialization, device: Device, args: unknown, leaves: unknown[]): boolean {
  if (specialization.device !== device || !hasForm(args, specialization.args, leaves)) return false;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (!passes(specialization.guards[i], leaf) || (leaf instanceof Tensor && traceOf(leaf))) return false;
  }
  return true;
}

/** A function and the arguments of a call, for whose form it is specialized. */
export interface Call {
  readonly f: (...args: unknown[]) => unknown;
  readonly args: readonly unknown[];
  /** Positions of arguments whose memory the caller gives up. */
  readonly donate: readonly number[];
  /** Positions of arguments whose numbers are part of the program. */
  readonly static: readonly number[];
}

/** A leaf of the arguments: of which one, and where in it. */
interface ArgumentLeaf {
  readonly value: unknown;
  readonly argument: number;
  readonly path: string;
}

/** A function traced for one form of arguments: its graph, and the form and leaves of what it returned. */
interface Traced {
  readonly graph: TracedFunction;
  /** What stood for a number, by its leaf. */
  readonly numbers: ReadonlyMap<number, TracedNumber<Tensor>>;
  /** The scalars that these became. */
  readonly scalars: ReadonlyMap<Tensor, NumberInput>;
  readonly form: Form;
  readonly returned: readonly unknown[];
}

/** Traces a function: tensors among the leaves become placeholders, numbers that are not static traced ones. */
function trace({ f, static: statics }: Call, args: Form, leaves: readonly ArgumentLeaf[], tensors: readonly number[]): Traced {
  const numbers = new Map<number, TracedNumber<Tensor>>();
  const scalars = new Map<Tensor, NumberInput>();
  const examples = tensors.map((leaf) => leaves[leaf].value as Tensor);
  const [graph, { form, returned }] = traceFunction("jit", examples, (placeholders, trace) => {
    const filled = leaves.map(({ value, argument, path }, leaf) => {
      if (typeof value !== "number" || statics.includes(argument)) return value;
      numbers.set(
        leaf,
        new TracedNumber(value, argument, path, (dtype, weak) => {
          const scalar = placeholder(trace, scalarShape, dtype, weak);
          scalars.set(scalar, { leaf, dtype });
          return scalar;
        }),
      );
      return numbers.get(leaf);
    });
    tensors.forEach((leaf, i) => filled[leaf] = placeholders[i]);
    const returned: unknown[] = [];
    const form = flattenTree(f(...buildTree(args, filled) as unknown[]), returned);
    refusePromises(returned, "jit");
    return [returned.filter((leaf) => leaf instanceof Tensor), { form, returned }];
  }, { hoist: false });
  return { graph, numbers, scalars, form, returned };
}

/** Traces and compiles a function for arguments of this form; undefined if it captures variables of a transform around it. */
export function specialize(call: Call, device: Device): Specialization | undefined {
  const args = flattenTree(call.args, []);
  const leaves = call.args.flatMap((arg, argument) => treeLeaves(arg).map((leaf) => ({ ...leaf, argument })));
  refuseChangeable(leaves);
  const tensorLeaves = leaves.flatMap(({ value }, i) => value instanceof Tensor ? [i] : []);
  const { graph, numbers, scalars, form, returned } = trace(call, args, leaves, tensorLeaves);
  const { effects } = graph;
  const seen = tensorsOf(effects);
  const captured = graph.captured.filter((tensor) => !scalars.has(tensor));
  if (captured.some((tensor) => traceOf(tensor))) return undefined;
  realizeNow(captured, "jit");

  const inputs: Inputs = {
    tensors: graph.args,
    scalars: new Map([...scalars].filter(([scalar]) => graph.captured.includes(scalar))),
    captured,
  };
  const donated = leaves.map(({ value, argument }) => value instanceof Tensor && call.donate.includes(argument));
  const mayOverwrite = [...donated];
  const program = compileTensors({
    outputs: [...graph.outputs, ...seen],
    leaf: inputNodes(inputs),
    donated: (results) => {
      // An argument that is handed through keeps its memory.
      for (const { kind, index } of results.slice(0, graph.outputs.length)) {
        if (kind === "input" && index < tensorLeaves.length) mayOverwrite[tensorLeaves[index]] = false;
      }
      // An effect may fail, and that changes nothing.
      return tensorLeaves.map((leaf) => effects.length === 0 && mayOverwrite[leaf]);
    },
    lasting: [...inputs.tensors.map(() => false), ...numberInputs(inputs).map(() => false), ...captured.map(() => true)],
  }, device);
  const leafOf = new Map([...numbers].map(([leaf, number]) => [number, leaf]));
  const results = resultsOf([...returned, ...seen], program.results, inputs, tensorLeaves, leafOf);
  return {
    device,
    executable: program.executable,
    args,
    guards: leaves.map(({ value }, i) => guardOf(value, numbers.has(i) ? questionsOf(numbers.get(i)!) : undefined)),
    numbers: numberInputs(inputs),
    captured,
    results,
    passthrough: results.slice(0, returned.length).filter((result): result is Passthrough =>
      result.kind === "captured" || (result.kind === "argument" && leaves[result.leaf].value instanceof Tensor)
    ),
    repeated: repeatedIn(results.slice(0, returned.length)),
    form,
    returned: returned.length,
    effects,
    leafOf,
    donated: donated.flatMap((_, leaf) => mayOverwrite[leaf] ? [leaf] : []),
    mayOverwrite,
    overwrites: program.overwrites,
    bytes: program.bytes,
  };
}

/** The inputs of a program, in their order. */
interface Inputs {
  readonly tensors: readonly Tensor[];
  /** One number may be there as several tensors: as a literal, and as a scalar that is none any more. */
  readonly scalars: ReadonlyMap<Tensor, NumberInput>;
  readonly captured: readonly Tensor[];
}

/** The numbers that a program reads, each once per type. */
function numberInputs({ scalars }: Inputs): NumberInput[] {
  return [...scalars.values()].filter((one, i, all) => all.findIndex((each) => isSame(each, one)) === i);
}

function isSame(a: NumberInput, b: NumberInput): boolean {
  return a.leaf === b.leaf && a.dtype === b.dtype;
}

/** The nodes of inputs, made at the first use: all of them in their order, also those that nothing depends on. */
function inputNodes(inputs: Inputs): (tensor: Tensor, builder: GraphBuilder) => Node | undefined {
  const nodes = new Map<Tensor, Node>();
  return (tensor, builder) => {
    if (nodes.size === 0) {
      const nodeOf = ({ shape, dtype }: Pick<Tensor, "shape" | "dtype">) => builder.input(shape, dtype);
      for (const each of inputs.tensors) nodes.set(each, nodeOf(each));
      const numbers = numberInputs(inputs);
      const numberNodes = numbers.map(({ dtype }) => nodeOf({ shape: scalarShape, dtype }));
      for (const [scalar, input] of inputs.scalars) {
        nodes.set(scalar, numberNodes[numbers.findIndex((each) => isSame(each, input))]);
      }
      for (const each of inputs.captured) nodes.set(each, nodeOf(each));
    }
    return nodes.get(tensor);
  };
}

/** What each returned leaf is; `computed` are the program's results for the tensors among them, in order. */
function resultsOf(
  returned: readonly unknown[],
  computed: readonly ProgramResult[],
  inputs: Inputs,
  tensorLeaves: readonly number[],
  leafOf: ReadonlyMap<unknown, number>,
): Result[] {
  const scalars = numberInputs(inputs);
  let next = 0;
  return returned.map((leaf): Result => {
    const argument = leafOf.get(leaf);
    if (argument !== undefined) return { kind: "argument", leaf: argument };
    if (!(leaf instanceof Tensor)) return { kind: "static", value: leaf };
    const { shape, dtype, weak } = leaf;
    const { kind, index } = computed[next++];
    if (kind === "output") return { kind, index, shape, dtype, weak };
    if (index < tensorLeaves.length) return { kind: "argument", leaf: tensorLeaves[index] };
    const number = scalars[index - tensorLeaves.length];
    if (number) return { kind: "scalar", number, shape, weak };
    return { kind: "captured", tensor: inputs.captured[index - tensorLeaves.length - scalars.length] };
  });
}

/** Refuses what may change without being another value: the program would go on with what was there when it was traced. */
function refuseChangeable(leaves: readonly ArgumentLeaf[]): void {
  for (const { value, argument, path } of leaves) {
    const isBuffer = ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isSharedBuffer(value);
    if (!isBuffer && !(value instanceof Map) && !(value instanceof Set)) continue;
    throw new TypeError(
      `Cannot pass a ${value.constructor.name} to a jitted function (argument ${argument}${
        path && ` at "${path}"`
      }): what changes ` +
        `in it later would go unnoticed, pass ${isBuffer ? "tensor(values)" : "a record or an array"}`,
    );
  }
}

function repeatedIn(results: readonly Result[]): number[] {
  const indices = results.flatMap((result) => result.kind === "output" ? [result.index] : []);
  return indices.filter((index, i) => indices.indexOf(index) < i);
}
