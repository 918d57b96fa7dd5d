/**
 * The structure of a pending graph: what a program for it depends on, so that the thousandth step of an eager loop finds its program.
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
  /** What is to be computed. */
  readonly outputs: readonly Tensor[];
  /** All that it needs, inputs before users. */
  readonly order: readonly Tensor[];
  /** What each of these is. */
  roleOf(tensor: Tensor): Role;
}

/** What remains of a graph when the tensors are gone. They are called by their places in the order. */
export interface Structure {
  readonly parts: readonly Part[];
  readonly outputs: readonly number[];
}

interface Part {
  readonly role: Role;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Undefined for an input. */
  readonly made?: { readonly op: Op; readonly inputs: readonly number[]; readonly facts: unknown };
}

/** The structure of a graph, to be kept. */
export function structureOf({ outputs, order, roleOf }: PendingGraph): Structure {
  const places = new Map(order.map((tensor, place) => [tensor, place]));
  const placesOf = (tensors: readonly Tensor[]) => tensors.map((tensor) => places.get(tensor)!);
  const parts = order.map((tensor): Part => {
    const { shape, dtype } = tensor;
    const role = roleOf(tensor);
    const source = sourceOf(tensor);
    if (role !== "op" || source.kind !== "op") return { role, shape, dtype };
    return { role, shape, dtype, made: { op: source.op, inputs: placesOf(source.inputs), facts: factsOf(source.attrs) } };
  });
  return { parts, outputs: placesOf(outputs) };
}

/** Whether a graph has this structure: then the program for one computes the other. */
export function hasStructure({ outputs, order, roleOf }: PendingGraph, structure: Structure): boolean {
  const { parts } = structure;
  if (order.length !== parts.length || !areAt(structure.outputs, outputs, order)) return false;
  for (let i = 0; i < parts.length; i++) {
    const tensor = order[i];
    const { role, shape, dtype, made } = parts[i];
    if (tensor.dtype !== dtype || !sameShape(tensor.shape, shape) || roleOf(tensor) !== role) return false;
    const source = sourceOf(tensor);
    if (!made || source.kind !== "op") continue;
    if (source.op !== made.op || !areAt(made.inputs, source.inputs, order) || !saysSame(source.attrs, made.facts)) return false;
  }
  return true;
}

function areAt(places: readonly number[], tensors: readonly Tensor[], order: readonly Tensor[]): boolean {
  if (places.length !== tensors.length) return false;
  for (let i = 0; i < places.length; i++) if (order[places[i]] !== tensors[i]) return false;
  return true;
}

/** What attributes say, as plain data: functions do not count, and nothing they refer to may live on because of it. */
function factsOf(attrs: unknown): unknown {
  if (!isRecord(attrs)) return attrs;
  if (hasOwnFacts(attrs)) return factsOf(attrs.toJSON());
  if (Array.isArray(attrs)) return attrs.map(factsOf);
  const told = Object.entries(attrs).filter(([, value]) => typeof value !== "function");
  return Object.fromEntries(told.map(([name, value]) => [name, factsOf(value)]));
}

/** Whether attributes say what others said. */
function saysSame(attrs: unknown, facts: unknown): boolean {
  if (!isRecord(attrs)) return Object.is(attrs, facts);
  if (!isRecord(facts)) return false;
  if (hasOwnFacts(attrs)) return saysSame(attrs.toJSON(), facts);
  if (Array.isArray(attrs)) return Array.isArray(facts) && saysSameInOrder(attrs, facts);
  for (const name in facts) if (!(name in attrs)) return false;
  for (const name in attrs) if (typeof attrs[name] !== "function" && !saysSame(attrs[name], facts[name])) return false;
  return true;
}

function saysSameInOrder(attrs: readonly unknown[], facts: readonly unknown[]): boolean {
  if (attrs.length !== facts.length) return false;
  for (let i = 0; i < attrs.length; i++) if (!saysSame(attrs[i], facts[i])) return false;
  return true;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Attributes that are more than plain data say themselves what counts. */
function hasOwnFacts(attrs: Record<string, unknown>): attrs is Record<string, unknown> & { toJSON(): unknown } {
  return typeof attrs.toJSON === "function";
}
