/**
 * The gates of recurrent cells: what LSTM and GRU make of the shares of input and hidden state.
 *
 * @module
 */
import { add, mul, sub } from "../core/ops/arithmetic.ts";
import { split } from "../core/ops/split.ts";
import { sigmoid, tanh } from "../core/ops/unary.ts";
import type { Tensor } from "../core/tensor.ts";
import { affine } from "./affine.ts";
import type { CellParams, GruState, LstmState } from "./cell_types.ts";

/** A kind of cell. The input's share of the gates comes ready: a sequence's is one product, outside the loop. */
export interface Cell<S extends GruState> {
  readonly kind: string;
  readonly gates: number;
  readonly start: (hidden: Tensor) => S;
  readonly next: (state: S, fromInput: Tensor, fromHidden: Tensor) => S;
}

/** The LSTM's gates. */
export const lstmKind: Cell<LstmState> = {
  kind: "lstm",
  gates: 4,
  start: (hidden) => ({ hidden, cell: hidden }),
  next: ({ cell }, fromInput, fromHidden) => {
    const [i, f, g, o] = split(add(fromInput, fromHidden), 4, { axis: -1 });
    const next = add(mul(sigmoid(f), cell), mul(sigmoid(i), tanh(g)));
    return { hidden: mul(sigmoid(o), tanh(next)), cell: next };
  },
};

/** The GRU's gates. */
export const gruKind: Cell<GruState> = {
  kind: "gru",
  gates: 3,
  start: (hidden) => ({ hidden }),
  next: ({ hidden }, fromInput, fromHidden) => {
    const [[xr, xz, xn], [hr, hz, hn]] = [fromInput, fromHidden].map((x) => split(x, 3, { axis: -1 }));
    const [reset, keep] = [sigmoid(add(xr, hr)), sigmoid(add(xz, hz))];
    // The reset gate multiplies the hidden share after its product and bias, as in PyTorch.
    const fresh = tanh(add(xn, mul(reset, hn)));
    return { hidden: add(fresh, mul(keep, sub(hidden, fresh))) };
  },
};

/** The input's share of the gates. */
export function shareOfInput(x: Tensor, { weightIh: weight, biasIh: bias }: CellParams): Tensor {
  return affine(x, bias ? { weight, bias } : { weight });
}

/** The next state, from the input's share of the gates. */
export function advance<S extends GruState>(cell: Cell<S>, state: S, fromInput: Tensor, params: CellParams): S {
  const { weightHh: weight, biasHh: bias } = params;
  return cell.next(state, fromInput, affine(state.hidden, bias ? { weight, bias } : { weight }));
}
