/**
 * Programs by the library: every operation and transform is the one of its name.
 *
 * @module
 */
import * as ct from "../../../../mod.ts";
import { isFloat } from "../../../../core/dtype.ts";
import type { DType, Tensor } from "../../../../mod.ts";
import type { Algebra, Kind, Tree } from "./algebra.ts";

/** The types that numbers may be of. */
export type Float = "f32" | "f64";

type Trees = Tree<Tensor>;
type Derivative = (f: (...args: Trees[]) => Trees, options: { argnum: number }) => (...args: Trees[]) => Trees;

/** The type of values of a kind. Beside f64 nothing is stored: derivatives would be rounded to f32. */
export function dtypeOf(kind: Kind, float: Float): DType {
  if (kind === "integer") return "i32";
  return kind === "stored" && float === "f32" ? "bf16" : float;
}

/** Numbers are of the type `float`. */
export function libraryAlgebra(float: Float): Algebra<Tensor> {
  const scaled = (tree: Trees, factor: number): Trees => ct.treeMap((g) => isFloat(g.dtype) ? ct.mul(g, factor) : g, tree);
  return {
    shapeOf: ({ shape }) => shape,
    kindOf: ({ dtype }) => dtype === float ? "float" : dtype === "i32" ? "integer" : "stored",
    make: (kind, values, shape) => ct.tensor([...values], { shape, dtype: dtypeOf(kind, float) }),
    widen: (x) => ct.cast(x, float),

    sin: ct.sin,
    tanh: ct.tanh,
    add: ct.add,
    mul: ct.mul,
    matmul: ct.matmul,
    sum: ct.sum,
    cumsum: (x, axis) => ct.cumsum(x, { axis }),
    softmax: (x, axis) => ct.softmax(x, { axis }),
    sort: (x, axis) => ct.sort(x, { axis }),
    max: (x, axis) => ct.max(x, { axis }),
    convolve: (image, weight) => {
      const channels = (x: Tensor) => ct.reshape(x, [1, 1, ...x.shape]);
      const y = ct.conv2d(channels(image), channels(weight));
      return ct.reshape(y, y.shape.slice(2));
    },
    reshape: (x, shape) => ct.reshape(x, [...shape]),
    permute: ct.permute,
    broadcastTo: ct.broadcastTo,
    slice: ct.slice,
    flip: (x, axis) => ct.flip(x, { axis }),
    stack: (xs, axis) => ct.stack(xs, { axis }),
    concat: (xs, axis) => ct.concat(xs, { axis }),
    take: (x, indices) => ct.take(x, indices),
    setRows: (x, indices, y) => ct.setAt(x, [indices], y),
    where: ({ greater, than }, x, y) => ct.where(ct.gt(greater, than), x, y),
    stopGradient: ct.stopGradient,
    realize: (x) => {
      try {
        return ct.realize(x);
      } catch (error) {
        // There are no values within jit, vmap and the like.
        if (error instanceof ct.TraceError) return x;
        throw error;
      }
    },

    jit: (f) => ct.jit(f),
    checkpoint: (f) => ct.checkpoint(f),
    custom: (f, captured, factor) => {
      const constants = captured.map((each) => ct.stopGradient(each));
      return ct.customVjp(
        (...args: Trees[]) => [f(args, constants), { args, constants }],
        (saved, g) =>
          ct.vjp((...args: Trees[]) => f(args, saved.constants), ...saved.args)[1](g).map((each) => scaled(each, factor)),
      );
    },
    vmap: (f, axes) => ct.vmap(f, axes),
    scan: (f, init, xs, options) => ct.scan(f, init, xs, options),
    vjp: (f, args, cotangentsOf) => {
      const [value, pullback] = ct.vjp(f, ...args);
      return [value, cotangentsOf(value).map((g) => pullback(g))];
    },
    jvp: (f, args, tangents) => ct.jvp(f, [...args], [...tangents]),
    grad: (f, argnum) => ct.grad(f, { argnum }),
    // Trees of trees are deeper than TypeScript follows.
    jacobian: (f, argnum) => (ct.jacobian as Derivative)(f, { argnum }),
    hessian: (f, argnum) => (ct.hessian as Derivative)(f, { argnum }),
  };
}
