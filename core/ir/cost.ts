/**
 * What kernels and nodes have to do: operations and memory, counted from their descriptions. What a device makes of it may differ: Winograd's
 * convolutions multiply less, a cache saves reads.
 *
 * @module
 */
import { deviceBytes } from "../dtype.ts";
import { contiguousStrides, showShape, sizeOf } from "../shape.ts";
import { eachUsualArgument, type Expr, isLeaf, type ScalarType, scalarType, visit } from "./expr.ts";
import { expandBinary, expandLiteral, expandUnary } from "./functions/mod.ts";
import { type Access, type Kernel, kindOf, type SimpleKernel } from "./kernel.ts";
import type { Node } from "./operation.ts";
import type { Program } from "./program.ts";

/** Work of a kernel. */
export interface Cost {
  /** Additions, multiplications and functions, one each. */
  readonly flops: number;
  /** Read and written, each element once. */
  readonly bytes: number;
}

/** The work of a kernel. */
export function costOf(program: Program, kernel: Kernel): Cost {
  if (kernel.kind === "loop") {
    const rounds = kernel.kernels.map((each) => costOf(program, each));
    const total = (amounts: readonly number[]) => kernel.count * amounts.reduce((sum, amount) => sum + amount, 0);
    return { flops: total(rounds.map(({ flops }) => flops)), bytes: total(rounds.map(({ bytes }) => bytes)) };
  }
  const { flops, reduced, expressions } = kindOf(kernel);
  const points = sizeOf(kernel.shape);
  const inner = points * sizeOf(reduced(kernel)) * operations(expressions?.(kernel) ?? []);
  const stored = points * operations(kernel.stores.map(({ value }) => value));
  return { flops: flops(kernel) + inner + stored, bytes: bytesOf(program, kernel) };
}

/** A kernel in a few words: `matmul [1, 64, 512] over 784`. */
export function describeKernel(kernel: Kernel): string {
  if (kernel.kind === "loop") return `loop ${kernel.count} x (${kernel.kernels.map(describeKernel).join(", ")})`;
  const over = kindOf(kernel).reduced(kernel);
  return `${kernel.kind} ${showShape(kernel.shape)}${over.length > 0 ? ` over ${over.join(" x ")}` : ""}`;
}

function operations(roots: readonly Expr[]): number {
  let count = 0;
  visit(roots, (e) => {
    if (!isLeaf(e)) count++;
  });
  return count;
}

function bytesOf(program: Program, kernel: SimpleKernel): number {
  const touched = new Map<number, number>();
  const touch = (buffer: number, elements: number) => {
    const { dtype, size } = program.buffers[buffer];
    touched.set(buffer, Math.max(touched.get(buffer) ?? 0, Math.min(size, elements) * deviceBytes(dtype)));
  };
  const distinct = ({ strides }: Access) =>
    kernel.shape.reduce((product, extent, axis) => strides[axis] === 0 ? product : product * extent, 1);
  // Of rows only those that are gathered are read.
  const most = kernel.kind === "gatherRows" ? sizeOf(kernel.shape) : Infinity;
  for (const operand of kernel.operands) touch(operand.buffer, most);
  for (const load of kernel.loads) touch(load.buffer, distinct(load));
  const read = [...touched.values()].reduce((sum, bytes) => sum + bytes, 0);
  const writes = "target" in kernel ? [{ ...kernel.target, strides: contiguousStrides(kernel.shape) }] : kernel.stores;
  const written = writes.map((store) => distinct(store) * deviceBytes(program.buffers[store.buffer].dtype));
  return read + written.reduce((sum, bytes) => sum + bytes, 0);
}

/** Roughly how many instructions expressions take per point; parts that few arguments need count nothing. */
export function instructions(roots: readonly Expr[]): number {
  let count = 0;
  visit(roots, (e) => {
    if (!isLeaf(e)) count += instructionsOf(e);
  }, eachUsualArgument);
  return count;
}

/** By type and operation. */
const knownOperations = new Map<ScalarType, Map<string, number>>();

/** Those of one operation: of functions that devices have no instruction for as many as their expansions take. */
function instructionsOf(e: Expr): number {
  if (e.kind !== "unary" && e.kind !== "binary") return 1;
  if (e.kind === "binary" && e.y.kind === "const") {
    const simple = expandLiteral(e.op, { kind: "load", type: e.type, slot: 0 }, e.y);
    if (simple) return instructions([simple]);
  }
  // A double's functions are taken to cost as much as a float's.
  const type = e.x.type === "f64" ? "f32" : e.x.type;
  const costs = knownOperations.get(type) ?? new Map<string, number>();
  let cost = costs.get(e.op);
  if (cost === undefined) {
    const load = (slot: number): Expr => ({ kind: "load", type, slot });
    const expansion = e.kind === "unary" ? expandUnary(e.op, load(0)) : expandBinary(e.op, load(0), load(1));
    cost = expansion ? instructions([expansion]) : 1;
    knownOperations.set(type, costs.set(e.op, cost));
  }
  return cost;
}

/** Of operations without attributes, by the types of their inputs. */
const knownNodes = new WeakMap<object, Map<string, number>>();

/** Roughly how many instructions a node takes per element where it is computed inside another kernel. */
export function nodeCost<T>({ made }: Node<T>): number {
  if (made.kind !== "op" || made.op.lower.kind !== "elementwise") return 0;
  const { op, attrs, inputs } = made;
  const types = inputs.map(({ dtype }) => dtype).join();
  const costs = knownNodes.get(op) ?? new Map<string, number>();
  const known = attrs === undefined ? costs.get(types) : undefined;
  if (known !== undefined) return known;
  const args = inputs.map(({ dtype }, slot): Expr => ({ kind: "load", type: scalarType(dtype), slot }));
  const cost = instructions([made.op.lower.expr(args, attrs)]);
  if (attrs === undefined) knownNodes.set(op, costs.set(types, cost));
  return cost;
}
