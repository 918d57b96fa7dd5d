/**
 * Programs by plain loops over JavaScript numbers, without anything of the library: batches and scans are loops over their examples and
 * steps, compiling and checkpoints do nothing, and each element carries its own derivatives (elements.ts), so that each column of a
 * Jacobian is a run of the function.
 *
 * @module
 */
import { mapLeaves, treeLeaves } from "../../../../core/tree.ts";
import type { Algebra, Fn, Tree } from "./algebra.ts";
import { isInteger, one, operations, Plain, stack } from "./arrays.ts";
import { type Element, plus, times } from "./elements.ts";

type Trees = Tree<Plain>;

const scalar = (value: number) => new Plain([], [[value]]);

const map = (tree: Trees, f: (x: Plain, path: string) => unknown) => mapLeaves(tree, f as (x: unknown) => unknown) as Trees;
const leavesOf = (tree: Trees): Plain[] => treeLeaves(tree).map(({ value }) => value as Plain);

/** Trees of one form, leaf by leaf. */
function zip(trees: readonly Trees[], f: (xs: Plain[]) => Plain): Trees {
  const all = trees.map(leavesOf);
  let next = 0;
  return map(trees[0], () => {
    const xs = all.map((leaves) => leaves[next]);
    next++;
    return f(xs);
  });
}

const zerosLike = ({ shape, data, kind }: Plain) => new Plain(shape, data.map(() => [0]), kind);

/** A new value of this form: one direction's coefficient of each element, or all that do not have it. */
function coefficient({ shape, data }: Plain, bit: number): Plain {
  return new Plain(shape, data.map((x) => x.flatMap((_, set) => set & bit ? [] : [x[set | bit] ?? 0])));
}
function without({ shape, data, kind }: Plain, bit: number): Plain {
  return new Plain(shape, data.map((x) => x.flatMap((each, set) => set & bit ? [] : [each])), kind);
}

/** Which derivatives are being taken, the outermost first. */
type Mode = "reverse" | "forward";

/** Programs as plain loops; if nothing is `stored`, such numbers are as all others. */
export function plainAlgebra(stores: boolean): Algebra<Plain> {
  const modes: Mode[] = [];

  /** The value of f at `args` and its derivative along `tangents`; those left out are zero. */
  const derive = (
    mode: Mode,
    f: Fn<Plain>,
    args: readonly Trees[],
    tangents: readonly (readonly (Plain | undefined)[])[],
  ): [Trees, Trees] => {
    const bit = 2 ** modes.length;
    const along = args.map((arg, i) => {
      let next = 0;
      return map(arg, (x) => {
        const t = tangents[i]?.[next++];
        if (!t || isInteger(x)) return x;
        // The bit is higher than all others, so its half of the coefficients comes behind theirs.
        const data = x.data.map((each, k) => [...Array.from({ length: bit }, (_, set) => each[set] ?? 0), ...t.data[k]]);
        return new Plain(x.shape, data, x.kind);
      });
    });
    modes.push(mode);
    try {
      const value = f(...along);
      return [map(value, (y) => without(y, bit)), map(value, (y) => isInteger(y) ? zerosLike(y) : coefficient(y, bit))];
    } finally {
      modes.pop();
    }
  };

  /** The derivatives of f by each element of an argument, leaf by leaf, and its value. */
  const columns = (f: Fn<Plain>, args: readonly Trees[], argnum: number): [Trees, Trees[][]] => {
    const leaves = leavesOf(args[argnum]);
    const derivatives = leaves.map((leaf, which) =>
      isInteger(leaf) ? [] : leaf.data.map((_, k) => {
        const direction = leaves.map((x, i) =>
          i === which ? new Plain(x.shape, x.data.map((_, j) => [j === k ? 1 : 0])) : undefined
        );
        return derive("reverse", f, args, args.map((_, i) => i === argnum ? direction : []))[1];
      })
    );
    return [f(...args), derivatives];
  };

  const jacobian = (f: Fn<Plain>, argnum: number): Fn<Plain> => (...args) => {
    const [value, derivatives] = columns(f, args, argnum);
    let output = -1;
    return map(value, () => {
      output++;
      let which = -1;
      return map(args[argnum], (x) => {
        which++;
        const all = derivatives[which].map((column) => leavesOf(column)[output]);
        const stacked = stack(all, -1);
        return new Plain([...stacked.shape.slice(0, -1), ...x.shape], stacked.data);
      });
    });
  };

  /** For each cotangent of the value of f that of an argument. */
  const pullBack = (
    f: Fn<Plain>,
    args: readonly Trees[],
    argnum: number,
    cotangentsOf: (value: Trees) => readonly Trees[],
  ): Trees[] => {
    const [value, derivatives] = columns(f, args, argnum);
    return cotangentsOf(value).map(leavesOf).map((cotangents) => {
      const along = (column: Trees): Element =>
        leavesOf(column)
          .flatMap((y, i) => isInteger(y) ? [] : y.data.map((each, k) => times(each, cotangents[i].data[k]))).reduce(plus, [0]);
      let which = -1;
      return map(args[argnum], (x) => {
        which++;
        return isInteger(x) ? zerosLike(x) : new Plain(x.shape, derivatives[which].map(along));
      });
    });
  };

  const gradient = (f: (...args: Trees[]) => Plain, argnum: number): Fn<Plain> => (...args) =>
    pullBack(f, args, argnum, () => [scalar(1)])[0];

  return {
    ...operations,
    make: (kind, values, shape) =>
      new Plain(shape, values.map((value) => [value]), kind === "stored" && !stores ? "float" : kind),

    jit: (f) => f,
    checkpoint: (f) => f,
    custom: (f, captured, factor) => {
      const constants = captured.map(({ shape, data, kind }) => new Plain(shape, data.map(([value]) => [value]), kind));
      // The innermost of the derivatives in a coefficient is the one that finds the rule; the outer ones see what it made.
      const scale = (each: number, set: number) => set > 0 && modes[31 - Math.clz32(set)] === "reverse" ? factor * each : each;
      return (...args) =>
        map(f(args, constants), ({ shape, data, kind }) => new Plain(shape, data.map((x) => x.map(scale)), kind));
    },
    vmap: (f, { inAxis, outAxis }) => (...args) => {
      const axes = args.map((_, i) => typeof inAxis === "number" ? inAxis : inAxis[i]);
      const which = axes.findIndex((axis) => axis !== null);
      const size = leavesOf(args[which])[0].shape.at(axes[which]!)!;
      const all = Array.from(
        { length: size },
        (_, k) => f(...args.map((arg, i) => axes[i] === null ? arg : map(arg, (x) => one(x, axes[i]!, k)))),
      );
      return zip(all, (xs) => stack(xs, outAxis));
    },
    scan: (f, init, xs, { length, reverse }) => {
      let carry = init;
      const rows: Trees[] = [];
      for (let k = 0; k < length; k++) {
        const i = reverse ? length - 1 - k : k;
        [carry, rows[i]] = f(carry, xs === null ? null : map(xs, (x) => one(x, 0, i)));
      }
      return [carry, zip(rows, (ys) => stack(ys, 0))];
    },
    vjp: (f, args, cotangentsOf) => {
      const byArgument = args.map((_, argnum) => pullBack(f, args, argnum, cotangentsOf));
      return [f(...args), byArgument[0].map((_, i) => byArgument.map((each) => each[i]))];
    },
    jvp: (f, args, tangents) => derive("forward", f, args, tangents.map(leavesOf)),
    grad: gradient,
    jacobian,
    hessian: (f, argnum) => jacobian(gradient(f, argnum), argnum),
  };
}
