/**
 * Recurrent layers: each direction is a scan over the time steps, with the products by the inputs taken before.
 *
 * @module
 */
import { CotangentError, ShapeError } from "../../core/errors.ts";
import { sameShape, showShape } from "../../core/shape.ts";
import {
  abs,
  add,
  at,
  clip,
  div,
  elu,
  expandDims,
  gt,
  iota,
  leakyRelu,
  lt,
  matmul,
  mul,
  permute,
  relu,
  reshape,
  scan,
  sigmoid,
  softplus,
  split,
  stack,
  sub,
  tanh,
  type Tensor,
  transpose,
  where,
  zeros,
} from "../../mod.ts";
import type { Call, OpTable, Results } from "../call.ts";

type Activation = (x: Tensor) => Tensor;

/** Activations by name in lower case, with their two numbers. */
const activations: Readonly<Record<string, (alpha: number | undefined, beta: number | undefined) => Activation>> = {
  relu: () => relu,
  tanh: () => tanh,
  sigmoid: () => sigmoid,
  affine: (alpha = 1, beta = 0) => (x) => add(mul(x, alpha), beta),
  leakyrelu: (alpha = 0.01) => (x) => leakyRelu(x, { negativeSlope: alpha }),
  thresholdedrelu: (alpha = 1) => (x) => where(gt(x, alpha), x, mul(x, 0)),
  scaledtanh: (alpha = 1, beta = 1) => (x) => mul(tanh(mul(x, beta)), alpha),
  hardsigmoid: (alpha = 0.2, beta = 0.5) => (x) => clip(add(mul(x, alpha), beta), { min: 0, max: 1 }),
  elu: (alpha = 1) => (x) => elu(x, { alpha }),
  softsign: () => (x) => div(x, add(abs(x), 1)),
  softplus: () => softplus,
};

/** One direction of a layer: its weights, and what its cell needs to know. */
interface Direction {
  /** [gates * hidden, hidden] */
  readonly recurrence: Tensor;
  /** Of the recurrent products: [gates * hidden]. */
  readonly recurrentBias: Tensor;
  /** [3 * hidden], of an LSTM that has them. */
  readonly peepholes?: Tensor;
  readonly activations: readonly Activation[];
  readonly clipped: Activation;
}

/** The next state from the products by the inputs [batch, gates * hidden] and the state before; the first part of it is the output. */
type Cell = (call: Call, direction: Direction) => (inputs: Tensor, state: readonly Tensor[]) => Tensor[];

/** What distinguishes the layers. */
interface Kind {
  readonly gates: number;
  readonly states: number;
  readonly activations: readonly string[];
  readonly cell: Cell;
}

/** R h for rows of states. */
function recurrentProduct(h: Tensor, weight: Tensor): Tensor {
  return matmul(h, transpose(weight));
}

// h' = f(x + R h)
const rnn: Cell = (_, { recurrence, recurrentBias, activations: [f], clipped }) => (inputs, [h]) => {
  return [f(clipped(add(add(inputs, recurrentProduct(h, recurrence)), recurrentBias)))];
};

// Gates in the order z r h:  h' = (1 - z) * n + z * h,  n = g(x + r * (R h + b)), or g(x + R (r * h) + b)
const gru: Cell = (call, { recurrence, recurrentBias, activations: [f, g], clipped }) => {
  const resetAfter = call.attributes.flag("linear_before_reset", false);
  const hidden = recurrence.shape[1];
  const parts = [2 * hidden, hidden];
  const [gateWeight, newWeight] = split(recurrence, parts);
  const [gateBias, newBias] = split(recurrentBias, parts);
  return (inputs, [h]) => {
    const [gateInputs, newInputs] = split(inputs, parts, { axis: 1 });
    const gates = f(clipped(add(add(gateInputs, recurrentProduct(h, gateWeight)), gateBias)));
    const [z, r] = split(gates, 2, { axis: 1 });
    const product = resetAfter
      ? mul(r, add(recurrentProduct(h, newWeight), newBias))
      : add(recurrentProduct(mul(r, h), newWeight), newBias);
    const next = g(clipped(add(newInputs, product)));
    return [add(mul(sub(1, z), next), mul(z, h))];
  };
};

// Gates in the order i o f c:  c' = f * c + i * g(x_c + R_c h),  h' = o * h(c')
const lstm: Cell = (call, { recurrence, recurrentBias, peepholes, activations: [f, g, h], clipped }) => {
  const coupled = call.attributes.flag("input_forget", false);
  const watched = peepholes && split(peepholes, 3);
  return (inputs, [hidden, memory]) => {
    const sums = add(add(inputs, recurrentProduct(hidden, recurrence)), recurrentBias);
    const [i, o, forget, c] = split(sums, 4, { axis: 1 });
    const seen = (x: Tensor, which: number, state: Tensor) => watched ? add(x, mul(watched[which], state)) : x;
    const input = f(clipped(seen(i, 0, memory)));
    const kept = coupled ? sub(1, input) : f(clipped(seen(forget, 2, memory)));
    const next = add(mul(kept, memory), mul(input, g(clipped(c))));
    return [mul(f(clipped(seen(o, 1, next))), h(next)), next];
  };
};

/** The functions of one direction; the numbers go to those that take any, in order. */
function activationsOf(call: Call, kind: Kind, direction: number): Activation[] {
  const names = call.attributes.texts("activations", []);
  const all = names.length > 0 ? names : [...kind.activations, ...kind.activations];
  const [alphas, betas] = [call.attributes.numbers("activation_alpha", []), call.attributes.numbers("activation_beta", [])];
  const count = kind.activations.length;
  return all.slice(direction * count, (direction + 1) * count).map((name, i) => {
    const make = Object.hasOwn(activations, name.toLowerCase()) ? activations[name.toLowerCase()] : undefined;
    if (make === undefined) throw new CotangentError(`there is no activation ${JSON.stringify(name)}`, { activation: name });
    return make(alphas[direction * count + i], betas[direction * count + i]);
  });
}

/** What a recurrent op does. Inside, sequences are [time, batch, ...] and there is an axis of directions. */
function layer(kind: Kind): (call: Call) => Results {
  return (call) => {
    const batchFirst = call.attributes.flag("layout", false);
    const turn = (x: Tensor) => batchFirst ? permute(x, [1, 0, ...x.shape.map((_, i) => i).slice(2)]) : x;
    const [, , features] = call.ranked(0, 3);
    const x = turn(call.computed(0));
    const [length, batch] = x.shape;
    const [weights, recurrences] = [call.computed(1), call.computed(2)];
    const [directions, , hidden] = call.ranked(2, 3);
    const wide = kind.gates * hidden;
    for (const [i, shape] of [[1, [directions, wide, features]], [2, [directions, wide, hidden]]] as const) {
      if (sameShape(call.shape(i), shape)) continue;
      throw new ShapeError(`input ${i} must be ${showShape(shape)}, but is ${showShape(call.shape(i))}`, { input: i, shape });
    }
    const biases = call.has(3) ? call.computed(3) : zeros([directions, 2 * wide], { dtype: x.dtype });
    const lengths = call.optional(4);
    const bounds = call.attributes.has("clip") ? call.attributes.number("clip") : undefined;
    const states = Array.from(
      { length: kind.states },
      (_, i) => call.has(5 + i) ? turn(call.computed(5 + i)) : zeros([directions, batch, hidden], { dtype: x.dtype }),
    );
    const way = call.attributes.choice("direction", ["forward", "reverse", "bidirectional"], "forward");
    const runs = Array.from({ length: directions }, (_, d) => {
      const [inputBias, recurrentBias] = split(at(biases, d), 2);
      const step = kind.cell(call, {
        recurrence: at(recurrences, d),
        recurrentBias,
        peepholes: kind.states === 2 && call.has(7) ? at(call.computed(7), d) : undefined,
        activations: activationsOf(call, kind, d),
        clipped: bounds === undefined ? (each) => each : (each) => clip(each, { min: -bounds, max: bounds }),
      });
      const inputs = add(matmul(x, transpose(at(weights, d))), inputBias);
      const times = reshape(iota([length], 0), [length, 1, 1]);
      return scan(
        (state: Tensor[], [row, time]: Tensor[]) => {
          const next = step(row, state);
          if (lengths === undefined) return [next, next[0]] as const;
          // After the end of its sequence a state stays, and nothing comes out.
          const inside = lt(time, expandDims(lengths, { axis: 1 }));
          return [next.map((each, i) => where(inside, each, state[i])), where(inside, next[0], mul(next[0], 0))] as const;
        },
        states.map((each) => at(each, d)),
        [inputs, times],
        { reverse: way === "reverse" || d === 1 },
      );
    });
    const outputs = stack(runs.map(([, ys]) => ys), { axis: 1 }); // [time, directions, batch, hidden]
    const ends = states.map((_, i) => turn(stack(runs.map(([state]) => state[i]))));
    return [batchFirst ? permute(outputs, [2, 0, 1, 3]) : outputs, ...ends].map((each) => call.like(0, each));
  };
}

/** What these ops do. */
export const recurrent: OpTable = {
  RNN: layer({ gates: 1, states: 1, activations: ["Tanh"], cell: rnn }),
  GRU: layer({ gates: 3, states: 1, activations: ["Sigmoid", "Tanh"], cell: gru }),
  LSTM: layer({ gates: 4, states: 2, activations: ["Sigmoid", "Tanh", "Tanh"], cell: lstm }),
};
