/**
 * Making programs by hand, in few words: what the kernel cases are written with.
 *
 * @module
 */
import { constant, type Expr, type ScalarType, scalarType as scalarOf } from "../../../core/ir/expr.ts";
import type { Access, Kernel, Store } from "../../../core/ir/kernel.ts";
import type { BufferSpec, Program } from "../../../core/ir/program.ts";
import { deviceBytes, type DType, type HostArray, toHostArray } from "../../../core/dtype.ts";
import { contiguousStrides, type Shape } from "../../../core/shape.ts";
import type { Tolerance } from "../close.ts";

/** A program, what goes in, and how near a device must come to the reference. */
export interface KernelCase {
  readonly name: string;
  readonly program: Program;
  /** One host array per input. */
  readonly inputs: readonly HostArray[];
  readonly tolerance: Tolerance;
  /** The outputs, where they are known by hand or from mathematics: the reference is checked against these. */
  readonly known?: readonly ArrayLike<number>[];
}

/** Collects the buffers and kernels of one program. Its methods return buffer ids. */
export interface ProgramBuilder {
  input(dtype: DType, values: ArrayLike<number>): number;
  output(dtype: DType, size: number): number;
  /** An intermediate; those with the same slot share memory. */
  temporary(dtype: DType, size: number, slot: number): number;
  /** Makes an input an output too: its kernel overwrites it. */
  donate(input: number): number;
  run(kernel: Kernel): void;
}

/** A case from a function that builds its program; `known` may be what it returns. */
export function buildCase(
  name: string,
  tolerance: Tolerance,
  build: (p: ProgramBuilder) => readonly ArrayLike<number>[] | void,
): KernelCase {
  const buffers: BufferSpec[] = [];
  const kernels: Kernel[] = [];
  const values: HostArray[] = [];
  const inputs: number[] = [];
  const outputs: number[] = [];
  const slots: number[] = [];
  const add = (spec: BufferSpec) => buffers.push(spec) - 1;
  const known = build({
    input: (dtype, given) => {
      const held = toHostArray(dtype, given);
      const id = add({ dtype, size: held.length, location: { kind: "input", index: inputs.length } });
      values.push(held);
      inputs.push(id);
      return id;
    },
    output: (dtype, size) => {
      const id = add({ dtype, size, location: { kind: "output", index: outputs.length } });
      outputs.push(id);
      return id;
    },
    temporary: (dtype, size, slot) => {
      slots[slot] = Math.max(slots[slot] ?? 0, size * deviceBytes(dtype));
      return add({ dtype, size, location: { kind: "slot", slot } });
    },
    donate: (input) => {
      outputs.push(input);
      return input;
    },
    run: (kernel) => kernels.push(kernel),
  });
  return { name, program: { buffers, slots, kernels, inputs, outputs }, inputs: values, tolerance, known: known ?? undefined };
}

/** An access in row-major order. */
export function dense(buffer: number, shape: Shape, offset = 0): Access {
  return { buffer, offset, strides: contiguousStrides(shape) };
}

/** An access with the given strides. */
export function strided(buffer: number, strides: readonly number[], offset = 0): Access {
  return { buffer, offset, strides };
}

/** A store of a value through an access. */
export function store(access: Access, value: Expr): Store {
  return { ...access, value };
}

/** The element that access `slot` reads. */
export function load(slot: number, type: ScalarType = "f32"): Expr {
  return { kind: "load", type, slot };
}

/** Result `slot` of the kernel. */
export function result(slot = 0, type: ScalarType = "f32"): Expr {
  return { kind: "result", type, slot };
}

/** offset + sum of strides * index. */
export function index(strides: readonly number[], offset = 0): Expr {
  return { kind: "index", type: "i32", offset, strides };
}

/** An f32 literal. */
export function f32(value: number): Expr {
  return constant("f32", value);
}

export { scalarOf };

/** One elementwise kernel over dense lists of equal length: `value` of the loads, in order, to one output. */
export function elementwiseCase(
  name: string,
  tolerance: Tolerance,
  inputs: readonly { dtype: DType; values: ArrayLike<number> }[],
  to: DType,
  value: (...loads: Expr[]) => Expr,
  known?: ArrayLike<number>,
): KernelCase {
  return buildCase(name, tolerance, (p) => {
    const size = inputs[0].values.length;
    const ids = inputs.map(({ dtype, values }) => p.input(dtype, values));
    const out = p.output(to, size);
    const loads = inputs.map(({ dtype }, k) => load(k, scalarOf(dtype)));
    p.run({
      kind: "map",
      operands: [],
      shape: [size],
      loads: ids.map((id) => dense(id, [size])),
      stores: [store(dense(out, [size]), value(...loads))],
    });
    return known && [known];
  });
}
