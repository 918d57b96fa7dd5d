/**
 * From a kernel to shaders: picks the generator of its kind.
 *
 * @module
 */
import { constant, mapLeaves } from "../../../ir/expr.ts";
import {
  callByKind,
  type KernelOf,
  type KernelTable,
  type Kind,
  type MapKernel,
  type SimpleKernel,
  sumsNothing,
  writesOf,
} from "../../../ir/kernel.ts";
import { DeviceError } from "../../../errors.ts";
import type { Program } from "../../../ir/program.ts";
import { sizeOf } from "../../../shape.ts";
import { generateConv2d } from "./convolution/conv2d.ts";
import { generateConv2dFilterGrad } from "./convolution/filter_gradient.ts";
import { generateConv2dInputGrad } from "./convolution/input_gradient.ts";
import { generateCumsum } from "./cumsum.ts";
import { type KernelCode, type KernelContext, noDispatches, type Target } from "./kernel_code.ts";
import { generateMap } from "./map.ts";
import { generateMatmul } from "./matmul/matmul.ts";
import { generateAvgPool2d, generateAvgPool2dGrad } from "./pooling/average_pool.ts";
import { generateMaxPool2d, generateMaxPool2dGather } from "./pooling/max_pool.ts";
import { generateMaxPool2dScatter } from "./pooling/max_pool_scatter.ts";
import { generateReduce } from "./reduce/reduce.ts";
import { generateGatherRows } from "./rows/gather_rows.ts";
import { generateScatterAddRows } from "./rows/scatter_add_rows.ts";
import { generateScatterRows } from "./rows/scatter_rows.ts";
import { generateArgsort } from "./sort/argsort.ts";

export type { BufferId, Dispatch, KernelCode, Target } from "./kernel_code.ts";

/** The program a kernel belongs to, and what it is compiled for. */
type Surroundings = Pick<KernelContext, "program" | "target">;

function from<K extends Kind>(generate: (context: KernelContext<KernelOf<K>>) => KernelCode) {
  return (surroundings: Surroundings, kernel: KernelOf<K>): KernelCode => generate({ ...surroundings, kernel });
}

/** What writes the shaders of each kind of kernel. */
const generators: KernelTable<Surroundings, KernelCode> = {
  map: from(generateMap),
  reduce: from(generateReduce),
  matmul: from(generateMatmul),
  conv2d: from(generateConv2d),
  conv2dInputGrad: from(generateConv2dInputGrad),
  conv2dFilterGrad: from(generateConv2dFilterGrad),
  maxPool2d: from(generateMaxPool2d),
  maxPool2dScatter: from(generateMaxPool2dScatter),
  maxPool2dGather: from(generateMaxPool2dGather),
  avgPool2d: from(generateAvgPool2d),
  avgPool2dGrad: from(generateAvgPool2dGrad),
  gatherRows: from(generateGatherRows),
  scatterAddRows: from(generateScatterAddRows),
  scatterRows: from(generateScatterRows),
  argsort: from(generateArgsort),
  cumsum: from(generateCumsum),
  exchange: (_, { exchange }) => {
    throw new DeviceError(`Cannot do ${exchange.label} inside a scan on webgpu: do it before or after`, { device: "webgpu" });
  },
};

/** The dispatches that compute a kernel once; none if there is nothing to write. */
export function generateKernel(program: Program, kernel: SimpleKernel, target: Target): KernelCode {
  if (sizeOf(kernel.shape) === 0 || writesOf(kernel).size === 0) return noDispatches;
  return callByKind(generators, { program, target }, sumsNothing(kernel) ? zeroResult(kernel) : kernel);
}

/** The kernel's stores, its result being 0. */
function zeroResult({ shape, loads, stores }: SimpleKernel): MapKernel {
  const zero = constant("f32", 0);
  const values = stores.map((store) => ({ ...store, value: mapLeaves(store.value, (e) => e.kind === "result" ? zero : e) }));
  return { kind: "map", shape, operands: [], loads, stores: values };
}
