/**
 * Trees, random numbers, transforms and what runs programs.
 *
 * @module
 */
import { add, eye, mul, ones, random, sum, type Tensor, tensor, zeros } from "../../../mod.ts";
import { each, row, type Rows, used } from "./rows.ts";
import {
  axis,
  extents,
  finite,
  finitePositive,
  flag,
  made,
  needed,
  options,
  real,
  share,
  tensorLike,
  tree,
  whole,
  word,
} from "./values.ts";

const t = (value: unknown) => made(() => value);
const f = (value: unknown) => made(() => value);
const anyTree = (value: unknown) => made(() => value, ...tree);
const key = made(() => random.key(0));
const shape = extents([2, 3]);
const dtype = word("f32");
const square = (x: Tensor) => sum(mul(x, x));
const x = () => tensor([1, 2]);
/** A derivative at what follows. */
const at = (...args: unknown[]) => (made: never) => (made as (...args: unknown[]) => unknown)(...args);

export const coreRows: Rows = {
  // trees
  mapLeaves: row(anyTree({ a: 1 }), f((leaf: unknown) => leaf).or("function", "async function")),
  treeLeaves: row(anyTree({ a: 1 })),
  treeTensors: row(anyTree({ a: zeros([2]) })),
  treeMap: row(f((a: Tensor) => mul(a, 2)), anyTree({ a: zeros([2]) })),
  treeMapWithPath: row(f((_: string, a: Tensor) => mul(a, 2)), anyTree({ a: zeros([2]) })),
  orThrow: row(made(() => ({ _tag: "Right", right: 1 }))),
  withArgs: used(at(x(), 1), f(add).or("function", "async function"), anyTree(1)),
  // random
  "random.key": row(finite(0).or()),
  "random.split": row(key, made(() => 2, "-0").optional),
  "random.foldIn": row(key, tensorLike(1)),
  "random.bits": row(key, shape),
  "random.uniform": row(key, shape, options({ min: finite(-1), max: finite(3) })),
  "random.normal": row(key, shape, options({ mean: real(0), std: real(1) })),
  "random.truncatedNormal": row(key, shape, options({ min: real(-1), max: real(3), dtype })),
  "random.randint": row(key, shape, needed({ max: made(() => 9, "2^31") }, { min: made(() => 0, "-1", "-0") })),
  "random.bernoulli": row(key, share(0.5), shape),
  "random.gumbel": row(key, shape),
  "random.categorical": row(key, made(x), options({ axis: axis(0), shape: extents([2]) })),
  "random.permutation": row(key, made(() => 3, "-0", "Float32Array"), options({ axis: axis(0) })),
  // transforms
  ...each("grad valueAndGrad", used(at(x()), f(square), options({ argnum: made(() => 0, "-0") }))),
  valueAndGradAux: used(at(x()), f((a: Tensor) => [square(a), 1]), options({ argnum: made(() => 0, "-0") })),
  vjp: used((result: readonly [Tensor, (g: Tensor) => unknown]) => result[1](ones([2])), f((a: Tensor) => mul(a, a)), t(x())),
  jvp: row(f((a: Tensor) => mul(a, a)), made(() => [x()]), made(() => [x()])),
  checkpoint: used(at(x()), f(square).or("function")),
  customVjp: used(
    (made: (a: Tensor) => Tensor) => sum(made(x())),
    f((a: Tensor) => [mul(a, a), a]),
    f((a: Tensor, g: Tensor) => [mul(a, g)]).or("function", "async function"),
  ),
  jacobian: used(at(x()), f((a: Tensor) => mul(a, a)), options({ argnum: made(() => 0, "-0") })),
  hessian: used(at(x()), f(square), options({ argnum: made(() => 0, "-0") })),
  vmap: used(
    at(eye(2)),
    f((a: Tensor) => mul(a, 2)).or("function"),
    options({ inAxis: axis(0).or("[-1]"), outAxis: axis(0) }),
  ),
  scan: row(
    f((carry: Tensor, each: Tensor) => [add(carry, each), carry]),
    tensorLike(tensor(0)),
    tensorLike(x()),
    options({ length: made(() => 2), reverse: flag(true) }),
  ),
  checkGradients: row(
    f(square),
    made(() => [tensor([1, 2], { dtype: "f64" })]),
    options({
      order: word(1),
      step: made(() => 1e-4, "0.5", "2^31"),
      tolerance: finitePositive(1e-3).or("Infinity"),
      seed: whole(0),
    }),
  ),
  jit: used(at(x()), f(square).or("function"), options({ donate: made(() => [], "[]"), static: made(() => [], "[]") })),
  compileCount: row(),
  deviceInfo: row(),
  setDevice: row(word("reference"), options({ threads: made(() => 1), native: flag(false) })),
  "debug.print": row(anyTree(1)),
  "debug.callback": row(f(() => {}).or("function", "async function"), anyTree(x())),
  applyUpdates: row(made(() => ({ a: zeros([2]) })), made(() => ({ a: ones([2]) }))),
  scaledDotProductAttention: row(
    t(ones([1, 2, 4])),
    t(ones([1, 2, 4])),
    t(ones([1, 2, 4])),
    options({
      mask: made(() => undefined),
      causal: flag(true),
      scale: real(1),
      dropout: made(() => ({ p: 0.5, key: random.key(0) })),
    }),
  ),
};
