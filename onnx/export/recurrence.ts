/**
 * Loops whose step is that of `layers.lstm` or `layers.gru`: ONNX's LSTM and GRU. They have their gates in another order, and take the
 * input itself, of which a loop here takes the share of the gates.
 *
 * @module
 */
import { addOp, mulOp, subOp } from "../../core/ops/arithmetic.ts";
import { matmulOp } from "../../core/ops/matmul.ts";
import { permuteOp } from "../../core/ops/movement.ts";
import { reshapeOp } from "../../core/ops/reshape.ts";
import { sliceOp } from "../../core/ops/slice.ts";
import { sigmoidOp, tanhOp } from "../../core/ops/unary.ts";
import { sameExtents } from "./extents.ts";
import type { Value } from "./graph.ts";
import { broadcastFrom, fixed, madeBy, numberOf } from "./match.ts";
import type { Emitter } from "./emitter.ts";

/** A loop over the rows of sequences, seen from a step. */
export interface Step {
  /** The arguments of a step, the state first and then rows; the state before the first step, and what the rows are of. */
  readonly args: readonly Value[];
  readonly start: readonly Value[];
  readonly sequences: readonly Value[];
  readonly reverse: boolean;
  /** The next state, and what is collected. */
  readonly next: readonly Value[];
  readonly collected: readonly Value[];
}

/** x weight^T + bias. */
interface Affine {
  readonly x: Value;
  readonly weight: Value;
  readonly bias?: Value;
}

/** A kind of cell. */
interface Cell {
  readonly op: "LSTM" | "GRU";
  /** Of the parts of weights and biases in ONNX, which they are here. */
  readonly order: readonly number[];
  readonly attributes: Readonly<Record<string, number>>;
  /** What a step does with the hidden state, if it is of this kind. */
  match(step: Step): Affine | undefined;
}

function affine(value: Value): Affine | undefined {
  const [sum, added] = madeBy(value, addOp) ?? [];
  const spread = added && broadcastFrom(added);
  if (spread && spread.x.shape.length === 1 && spread.axes[0] === value.shape.length - 1) {
    const inner = product(sum);
    return inner && { ...inner, bias: spread.x };
  }
  return product(value);
}

/** x weight^T, of matrices or of sequences of them. */
function product(value: Value): Affine | undefined {
  const [tall] = madeBy(value, reshapeOp) ?? [];
  const [left, right] = madeBy(tall ?? value, matmulOp) ?? [];
  const [weight] = right ? madeBy(right, permuteOp) ?? [] : [];
  const x = tall && left ? madeBy(left, reshapeOp)?.[0] : left;
  const fits = weight?.shape.length === 2 && x && sameExtents(value.shape, [...x.shape.slice(0, -1), weight.shape[0]]);
  return fits && x.shape[x.shape.length - 1] === weight.shape[1] ? { x, weight } : undefined;
}

/** What a value is part k of, along the last axis. */
function partOf(value: Value | undefined, k: number): Value | undefined {
  const [whole] = value ? madeBy(value, sliceOp) ?? [] : [];
  if (!value || !whole) return undefined;
  const size = value.shape[value.shape.length - 1];
  const starts = fixed(value, sliceOp, ({ start }) => start);
  const steps = fixed(value, sliceOp, ({ step }) => step);
  if (typeof size !== "number" || !starts || !steps?.every((step) => step === 1)) return undefined;
  const begins = starts.every((start, axis) => start === (axis === starts.length - 1 ? k * size : 0));
  return begins && sameExtents(whole.shape.slice(0, -1), value.shape.slice(0, -1)) ? whole : undefined;
}

/** The inputs of a product of two of which each is made in its way. */
function factors(value: Value | undefined): readonly (Value | undefined)[] {
  return value ? madeBy(value, mulOp) ?? [] : [];
}

const sigmoidOf = (value: Value | undefined) => value && madeBy(value, sigmoidOp)?.[0];
const tanhOf = (value: Value | undefined) => value && madeBy(value, tanhOp)?.[0];
const termsOf = (value: Value | undefined): readonly (Value | undefined)[] => value ? madeBy(value, addOp) ?? [] : [];

/** The one value that all are. */
function one(values: readonly (Value | undefined)[]): Value | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

// c' = sigmoid(f) c + sigmoid(i) tanh(g);  h' = sigmoid(o) tanh(c')
const lstm: Cell = {
  op: "LSTM",
  order: [0, 3, 1, 2],
  attributes: {},
  match: ({ args: [hidden, cell, row], next: [nextHidden, nextCell] }) => {
    const [o, squashed] = factors(nextHidden);
    const [kept, fresh] = termsOf(nextCell);
    const [f, before] = factors(kept);
    const [i, g] = factors(fresh);
    if (before !== cell || tanhOf(squashed) !== nextCell) return undefined;
    const gates = one([partOf(sigmoidOf(i), 0), partOf(sigmoidOf(f), 1), partOf(tanhOf(g), 2), partOf(sigmoidOf(o), 3)]);
    const [fromInput, fromHidden] = termsOf(gates);
    const found = fromInput === row && fromHidden && affine(fromHidden);
    return found && found.x === hidden ? found : undefined;
  },
};

// r = sigmoid(xr + hr);  z = sigmoid(xz + hz);  n = tanh(xn + r hn);  h' = n + z (h - n)
const gru: Cell = {
  op: "GRU",
  order: [1, 0, 2],
  attributes: { linear_before_reset: 1 },
  match: ({ args: [hidden, row], next: [nextHidden] }) => {
    const [fresh, moved] = termsOf(nextHidden);
    const [z, distance] = factors(moved);
    const [from, to] = distance ? madeBy(distance, subOp) ?? [] : [];
    const [xn, reset] = termsOf(tanhOf(fresh));
    const [r, hn] = factors(reset);
    const [xr, hr] = termsOf(sigmoidOf(r));
    const [xz, hz] = termsOf(sigmoidOf(z));
    if (from !== hidden || to !== fresh || one([partOf(xr, 0), partOf(xz, 1), partOf(xn, 2)]) !== row) return undefined;
    const fromHidden = one([partOf(hr, 0), partOf(hz, 1), partOf(hn, 2)]);
    const found = fromHidden && affine(fromHidden);
    return found && found.x === hidden ? found : undefined;
  },
};

/**
 * Writes a loop as the op of its cell: the names of the last states, of which only some are wanted, and of what is collected; undefined if
 * it is no such loop.
 */
export function writeRecurrence(
  step: Step,
  wanted: (state: number) => boolean,
  emitter: Emitter,
): readonly string[] | undefined {
  const [sequence, ...others] = step.sequences;
  if (!sequence || others.length > 0 || sequence.dtype !== "f32") return undefined;
  const cell = [lstm, gru].find(({ op }) => step.args.length === (op === "LSTM" ? 3 : 2));
  const ofHidden = cell?.match(step);
  const ofInput = affine(sequence);
  if (!cell || !ofHidden || !ofInput) return undefined;
  if (!ofHidden.bias !== !ofInput.bias || step.collected.some((value) => value !== step.next[0])) return undefined;
  const size = ofHidden.weight.shape[1];
  if (typeof size !== "number" || ofInput.x.shape.length !== 3) return undefined;

  const count = cell.order.length;
  const reordered = (value: Value) => {
    const parts = cell.order.map(() => emitter.fresh("gate"));
    emitter.add("Split", [emitter.of(value), emitter.initializers.integers(new Array(count).fill(size))], { axis: 0 }, parts);
    return emitter.node("Concat", cell.order.map((k) => parts[k]), { axis: 0 });
  };
  const stacked = (name: string) => emitter.expanded(name, [0]);
  const weights = [ofInput.weight, ofHidden.weight].map((value) => stacked(reordered(value)));
  const biases = [ofInput.bias, ofHidden.bias].flatMap((value) => value ? [reordered(value)] : []);
  const bias = biases.length > 0 ? stacked(emitter.node("Concat", biases, { axis: 0 })) : "";
  const start = step.start.map((value) => numberOf(value) === 0 ? "" : stacked(emitter.of(value)));
  const inputs = [emitter.of(ofInput.x), ...weights, bias, "", ...start];
  while (inputs[inputs.length - 1] === "") inputs.pop();
  const outputs = ["sequence", ...step.start.map(() => "last")].map((wish) => emitter.fresh(wish));
  emitter.add(cell.op, inputs, {
    hidden_size: size,
    direction: step.reverse ? "reverse" : "forward",
    ...cell.attributes,
  }, outputs);
  // All directions are along an axis of their own.
  const squeezed = (name: string, axis: number) => emitter.node("Squeeze", [name, emitter.initializers.integers([axis])]);
  return [
    ...outputs.slice(1).map((name, state) => wanted(state) ? squeezed(name, 0) : ""),
    ...step.collected.map(() => squeezed(outputs[0], 1)),
  ];
}
