/**
 * Exchanges of trees: many leaves travel in few messages, in an order that is the same on all processes.
 *
 * @module
 */
import { computeType, type DType, tangentType } from "../core/dtype.ts";
import { DTypeError } from "../core/errors.ts";
import { realizeNow } from "../core/execution/realize.ts";
import { argument, natural, oneOf } from "../core/kinds.ts";
import { checkOptions, optionTable } from "../core/options.ts";
import { div } from "../core/ops/arithmetic.ts";
import { cast } from "../core/ops/cast.ts";
import { concat } from "../core/ops/concat.ts";
import { reshape } from "../core/ops/reshape.ts";
import { slice } from "../core/ops/slice.ts";
import { quoted } from "../core/quoted.ts";
import { insideTransform, Tensor } from "../core/tensor.ts";
import { mapLeaves, treeLeaves } from "../core/tree.ts";
import { allGatherTensor, allReduceTensor, broadcastTensor } from "./operations.ts";
import { joined, startExchange } from "./processes.ts";

/** How `allReduce` makes one value of those of all processes. */
export type ReductionName = "sum" | "mean" | "max" | "min";

/** Elements up to which leaves travel in one message: 1 MB of f32. */
const bucketSize = 262_144;

/** A tensor of a tree and where it is. */
interface NamedTensor {
  readonly path: string;
  readonly tensor: Tensor;
}

/**
 * Reduces the tensors of a tree elementwise over all processes: each gets the sum, the mean, the largest or the smallest of what the
 * processes have there. Of one process it is the tree itself.
 *
 * Outside of `jit` it is done at once. Inside, it is part of the program, which computes what does not need the result meanwhile.
 *
 * ```ts
 * import { toArray, tensor } from "../mod.ts";
 * import { allReduce, init } from "./mod.ts";
 * init();
 * console.log(await toArray(allReduce(tensor([1, 2]), "sum"))); // [1, 2]
 * ```
 *
 * @param tree The same structure, shapes and types on all processes.
 * @throws {DistributedError} If the processes disagree, one does not come, or `init` was not called.
 * @throws {TypeError} If a leaf is no tensor.
 * @throws {DTypeError} If the mean of integers is asked for.
 */
export function allReduce<T>(tree: T, reduction: ReductionName): T {
  argument(reduction, oneOf("sum", "mean", "max", "min"), "reduction", "allReduce");
  const { size } = joined("allReduce");
  const leaves = tensorsOf(tree, "allReduce");
  if (reduction === "mean") leaves.forEach(refuseIntegers);
  if (size === 1) return tree;
  const reduced = (x: Tensor, names: string) =>
    reduction === "mean" ? div(allReduceTensor(x, "sum", names), size) : allReduceTensor(x, reduction, names);
  return filled(tree, inBuckets(leaves, reduced), "allReduce");
}

/**
 * The mean of gradients over all processes, of each of which the loss is the mean over its part of a batch: with it, all update their
 * parameters alike. The same as `allReduce(grads, "mean")`.
 *
 * ```ts
 * import { grad, square, tensor, toArray } from "../mod.ts";
 * import { averageGradients, init } from "./mod.ts";
 * init();
 * console.log(await toArray(averageGradients(grad((x) => square(x))(tensor(3))))); // 6
 * ```
 *
 * @throws {DistributedError} If the processes disagree, one does not come, or `init` was not called.
 */
export function averageGradients<T>(grads: T): T {
  return allReduce(grads, "mean");
}

/** Options of `broadcast`. */
export interface BroadcastOptions {
  /** The rank of the process that sends. Default 0. */
  readonly root?: number;
}

const broadcastOptions = optionTable<BroadcastOptions>({ root: natural });

/**
 * The tensors of one process for all: the parameters before training, say.
 *
 * ```ts
 * import { toArray, tensor } from "../mod.ts";
 * import { broadcast, init } from "./mod.ts";
 * init();
 * console.log(await toArray(broadcast({ weight: tensor([1, 2]) }).weight)); // [1, 2]
 * ```
 *
 * @param tree On the others only its structure, shapes and types count, which must be the same.
 * @throws {DistributedError} If the processes disagree, one does not come, or `init` was not called.
 * @throws {RangeError} If there is no process of rank `root`.
 */
export function broadcast<T>(tree: T, options: BroadcastOptions = {}): T {
  const { root = 0 } = checkOptions(options, broadcastOptions, "broadcast");
  const { size } = joined("broadcast");
  if (root >= size) throw new RangeError(`Cannot broadcast from rank ${root}: there are ${size} processes, from 0`);
  const leaves = tensorsOf(tree, "broadcast");
  if (size === 1) return tree;
  return filled(tree, inBuckets(leaves, (x, names) => broadcastTensor(x, root, names)), "broadcast");
}

/**
 * The tensors of all processes: each leaf gets a new first axis, along which they lie in the order of their ranks.
 *
 * ```ts
 * import { tensor } from "../mod.ts";
 * import { allGather, init } from "./mod.ts";
 * init();
 * console.log(allGather(tensor([1, 2, 3])).shape); // [1, 3]
 * ```
 *
 * @param tree The same structure, shapes and types on all processes.
 * @throws {DistributedError} If the processes disagree, one does not come, or `init` was not called.
 */
export function allGather<T>(tree: T): T {
  const { size } = joined("allGather");
  const leaves = tensorsOf(tree, "allGather");
  const results = leaves.map(({ path, tensor }) => {
    if (size === 1) return reshape(tensor, [1, ...tensor.shape]);
    return cast(allGatherTensor(cast(tensor, computeType(tensor.dtype)), described(path, tensor)), tensor.dtype);
  });
  return filled(tree, results, "allGather");
}

/**
 * Waits until all processes are here.
 *
 * ```ts
 * import { barrier, init } from "./mod.ts";
 * init();
 * barrier();
 * ```
 *
 * @throws {DistributedError} If one does not come, or `init` was not called.
 */
export function barrier(): void {
  const { size } = joined("barrier");
  if (size > 1) startExchange("barrier", new Uint8Array(0), () => ({ test: () => true })).wait();
}

/** The tensors of a tree and their paths. */
function tensorsOf(tree: unknown, what: string): NamedTensor[] {
  return treeLeaves(tree).map(({ path, value }) => {
    if (value instanceof Tensor) return { path, tensor: value };
    throw new TypeError(`Cannot ${what} ${quoted(value)}${path && ` at "${path}"`}: the leaves of the tree must be tensors`);
  });
}

function refuseIntegers({ path, tensor }: NamedTensor): void {
  if (tangentType(tensor.dtype)) return;
  throw new DTypeError(
    `Cannot take the mean of ${described(path, tensor)}: it needs a floating type; use "sum", or cast it first`,
    {
      dtype: tensor.dtype,
      path,
    },
  );
}

function described(path: string, { dtype, shape }: Tensor): string {
  return `${path || "a tensor"} ${dtype}[${shape}]`;
}

/** A tree with other tensors, which are computed now unless a function is being traced. */
function filled<T>(tree: T, tensors: readonly Tensor[], what: string): T {
  if (!insideTransform()) realizeNow(tensors, what);
  let next = 0;
  return mapLeaves(tree, () => tensors[next++]) as T;
}

/**
 * What an elementwise exchange gives for each leaf. Leaves of one type are joined up to the size of a bucket, from the last on: gradients of
 * the last layers are there first.
 */
function inBuckets(leaves: readonly NamedTensor[], exchange: (x: Tensor, names: string) => Tensor): Tensor[] {
  const results = new Array<Tensor>(leaves.length);
  for (const bucket of bucketsOf(leaves)) {
    const members = bucket.map((index) => leaves[index]);
    const names = members.map(({ path, tensor }) => described(path, tensor)).join(", ");
    const computed = members.map(({ tensor }) => cast(tensor, computeType(tensor.dtype)));
    if (computed.length === 1) results[bucket[0]] = exchange(computed[0], names);
    else {
      const joined = exchange(concat(computed.map((x) => reshape(x, [x.size]))), names);
      let start = 0;
      bucket.forEach((index, i) => {
        const { shape, size } = computed[i];
        results[index] = reshape(slice(joined, { start, stop: start + size }), shape);
        start += size;
      });
    }
  }
  return results.map((result, i) => cast(result, leaves[i].tensor.dtype));
}

/** The leaves that travel together, by index. */
function bucketsOf(leaves: readonly NamedTensor[]): number[][] {
  const buckets: number[][] = [];
  const open = new Map<DType, { readonly bucket: number[]; size: number }>();
  for (let index = leaves.length - 1; index >= 0; index--) {
    const { dtype, size } = leaves[index].tensor;
    const type = computeType(dtype);
    const last = open.get(type);
    if (size >= bucketSize) buckets.push([index]);
    else if (last && last.size + size <= bucketSize) {
      last.bucket.push(index);
      last.size += size;
    } else {
      const bucket = [index];
      buckets.push(bucket);
      open.set(type, { bucket, size });
    }
  }
  return buckets;
}
