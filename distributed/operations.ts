/**
 * Operations that exchange values with the other processes, as records like those of all other operations: they have derivatives, are batched,
 * and are part of jitted programs.
 *
 * Each process computes a part of one computation: a loss is the sum of what the processes call their losses. So the derivative with
 * respect to what one process has sent to all is the sum of what all say about what they got.
 *
 * @module
 */
import type { HostArray } from "../core/dtype.ts";
import type { Exchange } from "../core/ir/exchange.ts";
import { cast } from "../core/ops/cast.ts";
import { eq } from "../core/ops/compare.ts";
import { div, mul } from "../core/ops/arithmetic.ts";
import { apply, numberDType } from "../core/ops/define.ts";
import { moveAxis } from "../core/ops/movement.ts";
import { reshape } from "../core/ops/reshape.ts";
import { slice } from "../core/ops/slice.ts";
import { sizeOf } from "../core/shape.ts";
import type { Op, Tensor } from "../core/tensor.ts";
import type { Communicator, Request } from "./mpi/communicator.ts";
import type { Reduction } from "./mpi/library.ts";
import { joined, startExchange } from "./processes.ts";

/** What an exchange is about: the names of the leaves, the same on all processes. */
export interface ExchangeAttrs {
  readonly exchange: Exchange;
  readonly names: string;
}

interface AllReduceAttrs extends ExchangeAttrs {
  readonly reduction: Reduction;
}

interface BroadcastAttrs extends ExchangeAttrs {
  readonly root: number;
}

function exchangeOf(
  label: string,
  begin: (communicator: Communicator, source: HostArray, target: HostArray) => Request,
): Exchange {
  return {
    label,
    start: (source, target) => startExchange(label, source, (communicator) => begin(communicator, source, target)),
  };
}

/** The kernel of an operation whose result has `size` elements for each of its operand's. */
function lowered(times: () => number): Op<ExchangeAttrs>["lower"] {
  return {
    kind: "kernel",
    build: ([source], [x], { exchange }) => ({
      kind: "exchange",
      shape: [times() * sizeOf(x)],
      size: sizeOf(x),
      exchange,
      operands: [source],
    }),
  };
}

const allReduceOp: Op<AllReduceAttrs> = {
  name: "allReduce",
  shape: ([x]) => x,
  dtype: numberDType("reduce"),
  vjp: (g, [x], y, { reduction, names }) => [
    reduction === "sum" ? allReduceTensor(g, "sum", `the gradient of ${names}`) : shareOfExtremes(g, x, y, names),
  ],
  jvp: ([t], [x], y, { reduction, names }) => {
    if (!t) return [undefined];
    const part = reduction === "sum" ? t : div(mul(t, isExtreme(x, y)), countOfExtremes(x, y, names));
    return [allReduceTensor(part, "sum", `the tangent of ${names}`)];
  },
  vmap: ([x], _, attrs) => apply(allReduceOp, [x], attrs),
  lower: lowered(() => 1) as Op<AllReduceAttrs>["lower"],
};

const isExtreme = (x: Tensor, y: Tensor): Tensor => cast(eq(x, y), x.dtype);

const countOfExtremes = (x: Tensor, y: Tensor, names: string): Tensor =>
  allReduceTensor(isExtreme(x, y), "sum", `the number of extremes of ${names}`);

/** The derivative of a maximum goes in equal parts to the processes that have it. */
function shareOfExtremes(g: Tensor, x: Tensor, y: Tensor, names: string): Tensor {
  const all = allReduceTensor(g, "sum", `the gradient of ${names}`);
  return mul(div(all, countOfExtremes(x, y, names)), isExtreme(x, y));
}

/** The elementwise reduction of a tensor over all processes. */
export function allReduceTensor(x: Tensor, reduction: Reduction, names: string): Tensor {
  const label = `allReduce ${reduction} of ${names}`;
  const exchange = exchangeOf(label, (communicator, source, target) => communicator.allReduce(source, target, reduction));
  return apply(allReduceOp, [x], { reduction, names, exchange });
}

const broadcastOp: Op<BroadcastAttrs> = {
  name: "broadcast",
  shape: ([x]) => x,
  dtype: numberDType("broadcast"),
  vjp: (g, _inputs, _output, { root, names }) => {
    const all = allReduceTensor(g, "sum", `the gradient of ${names}`);
    return [joined("broadcast").rank === root ? all : mul(all, 0)];
  },
  jvp: ([t], _inputs, _output, { root, names }) => [t && broadcastTensor(t, root, `the tangent of ${names}`)],
  vmap: ([x], _, attrs) => apply(broadcastOp, [x], attrs),
  lower: lowered(() => 1) as Op<BroadcastAttrs>["lower"],
};

/** The tensor of one process for all. */
export function broadcastTensor(x: Tensor, root: number, names: string): Tensor {
  const exchange = exchangeOf(`broadcast of ${names} from rank ${root}`, (communicator, source, target) => {
    if (communicator.rank === root) target.set(source);
    return communicator.broadcast(target, root);
  });
  return apply(broadcastOp, [x], { root, names, exchange });
}

const sizeOfAll = (): number => joined("gather").size;

const allGatherOp: Op<ExchangeAttrs> = {
  name: "allGather",
  shape: ([x]) => [sizeOfAll(), ...x],
  dtype: numberDType("gather"),
  vjp: (g, [x], _, { names }) => {
    const { rank } = joined("gather");
    const all = allReduceTensor(g, "sum", `the gradient of ${names}`);
    return [reshape(slice(all, { start: rank, stop: rank + 1 }), x.shape)];
  },
  jvp: ([t], _inputs, _output, { names }) => [t && allGatherTensor(t, `the tangent of ${names}`)],
  vmap: ([x], _, attrs) => moveAxis(apply(allGatherOp, [x], attrs), 1, 0),
  lower: lowered(sizeOfAll),
};

/** The tensors of all processes along a new first axis, in the order of their ranks. */
export function allGatherTensor(x: Tensor, names: string): Tensor {
  const exchange = exchangeOf(`allGather of ${names}`, (communicator, source, target) => communicator.allGather(source, target));
  return apply(allGatherOp, [x], { names, exchange });
}
