/**
 * The structure of a pending graph: what a program for it depends on, so that every step of an eager loop after the first finds its program.
 *
 * A structure is compared with the graph in place, tensor by tensor. Building a key instead would cost as much memory as the graph itself,
 * at every step.
 *
 * @module
 */
import type { DType } from "../dtype.ts";
import { type Op, sourceOf, type Tensor } from "../tensor.ts";
import { sameShape, type Shape } from "../shape.ts";

/** What a tensor is for a program: an input with values, a number that is an input, or an operation in it. */
export type Role = "values" | "number" | "op";

/** A pending graph. */
export interface PendingGraph {
  /** The tensors to compute. */
  readonly outputs: readonly Tensor[];
  /** All tensors that these depend on and themselves, in topological order. */
  readonly order: readonly Tensor[];
  /** The role of each of these. */
  roleOf(tensor: Tensor): Role;
}

/** A graph without its tensors, which are referred to by their indices in the order. */
export interface Structure {
  readonly nodes: readonly StructureNode[];
  readonly outputs: readonly number[];
}

interface StructureNode {
  readonly role: Role;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Undefined for an input. */
  readonly operation?: { readonly op: Op; readonly inputs: readonly number[]; readonly attrs: unknown };
}

/** The structure of a graph, to be cached. */
export function structureOf({ outputs, order, roleOf }: PendingGraph): Structure {
  const indices = new Map(order.map((tensor, index) => [tensor, index]));
  const indicesOf = (tensors: readonly Tensor[]) => tensors.map((tensor) => indices.get(tensor)!);
  const nodes = order.map((tensor): StructureNode => {
    const { shape, dtype } = tensor;
    const role = roleOf(tensor);
    const source = sourceOf(tensor);
    if (role !== "op" || source.kind !== "op") return { role, shape, dtype };
    return { role, shape, dtype, operation: { op: source.op, inputs: indicesOf(source.inputs), attrs: dataOf(source.attrs) } };
  });
  return { nodes, outputs: indicesOf(outputs) };
}

/** Whether a graph has this structure: then the program for one computes the other. */
export function hasStructure({ outputs, order, roleOf }: PendingGraph, structure: Structure): boolean {
  const { nodes } = structure;
  if (order.length !== nodes.length || !areAt(structure.outputs, outputs, order)) return false;
  for (let i = 0; i < nodes.length; i++) {
    const tensor = order[i];
    const { role, shape, dtype, operation } = nodes[i];
    if (tensor.dtype !== dtype || !sameShape(tensor.shape, shape) || roleOf(tensor) !== role) return false;
    const source = sourceOf(tensor);
    if (!operation || source.kind !== "op") continue;
    if (
      source.op !== operation.op || !areAt(operation.inputs, source.inputs, order) || !equalsData(source.attrs, operation.attrs)
    ) return false;
  }
  return true;
}

/** Whether tensors are those at these indices in the order. */
function areAt(indices: readonly number[], tensors: readonly Tensor[], order: readonly Tensor[]): boolean {
  if (indices.length !== tensors.length) return false;
  for (let i = 0; i < indices.length; i++) if (order[indices[i]] !== tensors[i]) return false;
  return true;
}

/** Attributes as plain data, without functions: a cached structure must not keep what these refer to reachable. */
function dataOf(attrs: unknown): unknown {
  if (!isObject(attrs)) return attrs;
  if (isSerializable(attrs)) return dataOf(attrs.toJSON());
  if (Array.isArray(attrs)) return attrs.map(dataOf);
  const entries = Object.entries(attrs).filter(([, value]) => typeof value !== "function");
  return Object.fromEntries(entries.map(([name, value]) => [name, dataOf(value)]));
}

/** Whether attributes equal others of which the plain data is given. */
function equalsData(attrs: unknown, data: unknown): boolean {
  if (!isObject(attrs)) return Object.is(attrs, data);
  if (!isObject(data)) return false;
  if (isSerializable(attrs)) return equalsData(attrs.toJSON(), data);
  if (Array.isArray(attrs)) return Array.isArray(data) && equalElements(attrs, data);
  for (const name in data) if (!(name in attrs)) return false;
  for (const name in attrs) if (typeof attrs[name] !== "function" && !equalsData(attrs[name], data[name])) return false;
  return true;
}

function equalElements(attrs: readonly unknown[], data: readonly unknown[]): boolean {
  if (attrs.length !== data.length) return false;
  for (let i = 0; i < attrs.length; i++) if (!equalsData(attrs[i], data[i])) return false;
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Whether attributes define their plain data themselves. */
function isSerializable(attrs: Record<string, unknown>): attrs is Record<string, unknown> & { toJSON(): unknown } {
  return typeof attrs.toJSON === "function";
}
