/**
 * Exported functions in onnxruntime, next to what we compute.
 *
 * @module
 */
import assert from "node:assert/strict";
import { cast, data, type DType, random, type Shape, Tensor, toBytes, treeLeaves, type TypedArray } from "../../../mod.ts";

/** Numbers of a shape and type, as the runtime takes and gives them. */
interface RuntimeTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A file that is ready to run. */
interface Session {
  readonly inputNames: readonly string[];
  /** The types, in the same order. */
  readonly inputMetadata: readonly { readonly type?: string }[];
  readonly outputNames: readonly string[];
  run(inputs: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release(): Promise<void>;
}

interface Runtime {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: { readonly logSeverityLevel: number }): Promise<Session>;
  };
  readonly Tensor: new (type: string, data: TypedArray | BigInt64Array, dims: Shape) => RuntimeTensor;
}

/**
 * Pinned; not by an import that is seen before it runs, and not in the lock file (`deno task test:long` writes none): the package takes
 * 288 MB, and only these tests shall load it.
 */
const runtimePackage: string = "npm:onnxruntime-node@1.30.0";
const runtime: Runtime = await import(runtimePackage);

/** A function of tensors, to be exported. */
export type Exported = (...inputs: Tensor[]) => unknown;

const typeNames: Partial<Record<DType, string>> = {
  f32: "float32",
  f64: "float64",
  i32: "int32",
  u8: "uint8",
  bool: "bool",
  u32: "uint32",
};

/** A tensor as the runtime takes it. */
async function given(x: Tensor, type: string | undefined): Promise<RuntimeTensor> {
  if (type === "int64") return new runtime.Tensor(type, BigInt64Array.from(await data<TypedArray>(x), BigInt), x.shape);
  const bytes = (await toBytes(x)).slice();
  const values = x.dtype === "bool" ? bytes : await data<TypedArray>(x);
  return new runtime.Tensor(typeNames[x.dtype]!, values, x.shape);
}

/** What the runtime computes. */
export async function runtimeResults(
  bytes: Uint8Array,
  inputs: readonly Tensor[],
): Promise<{ shape: Shape; values: number[] }[]> {
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  try {
    const feeds = Object.fromEntries(
      await Promise.all(
        session.inputNames.map(async (name, i) => [name, await given(inputs[i], session.inputMetadata[i].type)] as const),
      ),
    );
    const results = await session.run(feeds);
    return session.outputNames.map((name) => ({
      shape: results[name].dims,
      values: Array.from(results[name].data, Number),
    }));
  } finally {
    await session.release();
  }
}

/** The largest difference of two lists, over the largest number of the first. */
export function relativeError(expected: readonly number[], actual: readonly number[]): number {
  const size = expected.reduce((most, value) => Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most, 0);
  return expected.reduce((worst, value, i) => {
    const same = Object.is(value, actual[i]) || value === actual[i];
    const error = same ? 0 : Math.abs(value - actual[i]) / (size || 1);
    return Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }, 0);
}

/** Inputs of some shape and type: normal numbers, or small integers. */
export function sample(key: random.Key, shape: Shape, dtype: DType = "f32"): Tensor {
  const normal = random.normal(key, shape);
  return dtype === "f32" ? normal : cast(normal, dtype);
}

/** Checks that the runtime computes what we do. */
export async function assertSame(
  f: Exported,
  bytes: Uint8Array,
  inputs: readonly Tensor[],
  bound = 1e-5,
): Promise<void> {
  const expected = treeLeaves(f(...inputs)).map(({ value }) => value as Tensor);
  const actual = await runtimeResults(bytes, inputs);
  assert.equal(actual.length, expected.length);
  for (const [i, tensor] of expected.entries()) {
    assert.deepEqual(actual[i].shape, tensor.shape);
    const error = relativeError(Array.from(await data(tensor), Number), actual[i].values);
    assert.ok(error <= bound, `output ${i} differs by ${error}, relative to its largest number`);
  }
}
