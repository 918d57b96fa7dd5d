/**
 * Random programs: transforms inside each other, with operations before, within and after, on arguments that are batched, shared or
 * captured, in lists and records.
 *
 * A program is numbers only, and every number means something whatever the others are (a variable is chosen by a remainder, what does not
 * fit is made to), so a failing program can be made smaller.
 *
 * @module
 */
import { fc } from "../../../../dev_deps.ts";
import { treeLeaves } from "../../../../core/tree.ts";
import type { Algebra, Fn, Tree } from "./algebra.ts";

/** One operation: which, on which variables (counted from the newest), and a number for its details. */
export interface Step {
  readonly op: number;
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

/** The transforms that a program may have. */
export const transforms = ["jit", "checkpoint", "custom", "vmap", "scan", "vjp", "jvp", "grad", "jacobian", "hessian"] as const;
export type Transform = typeof transforms[number];

/** The body of a function: operations, then a transform of a function, if any, and operations on its results. */
export interface Body {
  readonly before: readonly Step[];
  /** What is returned beside the result: nothing, a constant, or a variable as it is (an argument, something captured, the result again). */
  readonly beside: number;
  readonly inner?: Inner;
}

/** A transform, how it is called and what its function does. */
export interface Inner {
  readonly transform: Transform;
  /** The variables that are its arguments. */
  readonly picks: readonly number[];
  /** Whether an integer, and a stored number, are arguments and results, too. */
  readonly integer: boolean;
  readonly stored: boolean;
  /** How arguments and results lie in trees. */
  readonly forms: readonly [number, number];
  /** For its axes, lengths, factors. */
  readonly k: number;
  readonly m: number;
  readonly body: Body;
  readonly after: readonly Step[];
}

/** A program and whether derivatives of its results are results, too. */
export interface Program {
  readonly body: Body;
  readonly gradient: boolean;
}

const number = fc.nat(11);
const step: fc.Arbitrary<Step> = fc.record({ op: fc.nat(99), x: number, y: number, k: number });

/** Programs with these transforms inside each other, the outermost first. */
export function programs(names: readonly Transform[]): fc.Arbitrary<Program> {
  return fc.record({ body: bodies(names), gradient: fc.boolean() });
}

function bodies([transform, ...rest]: readonly Transform[]): fc.Arbitrary<Body> {
  const before = fc.array(step, { minLength: transform ? 0 : 1, maxLength: transform ? 2 : 5 });
  if (!transform) return fc.record({ before, beside: number });
  const inner = fc.record({
    transform: fc.constant(transform),
    picks: fc.array(number, { minLength: 1, maxLength: 3 }),
    integer: fc.boolean(),
    stored: fc.boolean(),
    forms: fc.tuple(number, number),
    k: number,
    m: number,
    body: bodies(rest),
    after: fc.array(step, { maxLength: 2 }),
  });
  return fc.record({ before, beside: number, inner });
}

/** Numbers of a hash that are neither small nor large: 0.25 to 1.25, of either sign. */
function numbers(seed: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * (seed + 1)) * 43758.5453;
    const fraction = x - Math.floor(x);
    return Math.round((fraction < 0.5 ? -1.25 : 0.25) * 64 + (fraction * 2 % 1) * 64) / 64;
  });
}

/** How large arrays and how deep derivatives become. */
const mostElements = 6;
const mostDerivatives = 3;

/** A program as a function of its inputs, and these. It gives its results and, if asked, cotangents of all inputs. */
export function asFunction<T>(
  algebra: Algebra<T>,
  { body, gradient }: Program,
): readonly [f: (...inputs: T[]) => T[], inputs: T[]] {
  const { inputs, values, gradients } = runner(algebra);
  return [gradient ? gradients(body) : values(body), inputs()];
}

function runner<T>(a: Algebra<T>) {
  const rankOf = (x: T) => a.shapeOf(x).length;
  const sizeOf = (x: T) => a.shapeOf(x).reduce((product, extent) => product * extent, 1);
  const allAxes = (x: T) => a.shapeOf(x).map((_, axis) => axis);
  const mean = (x: T) => a.mul(a.sum(x, { axis: allAxes(x), keepDims: false }), 1 / Math.max(1, sizeOf(x)));
  const flat = (x: T) => a.reshape(x, [sizeOf(x)]);

  /** y, or its mean if it does not broadcast with x to something small. */
  const fitting = (x: T, y: T): T => {
    const [m, n] = [a.shapeOf(x), a.shapeOf(y)];
    const rank = Math.max(m.length, n.length);
    const extents = Array.from({ length: rank }, (_, i) => [m.at(i - rank) ?? 1, n.at(i - rank) ?? 1]);
    const fits = extents.every(([p, q]) => p === q || p === 1 || q === 1);
    return fits && extents.reduce((size, [p, q]) => size * Math.max(p, q), 1) <= mostElements ? y : mean(y);
  };
  /** As few elements and axes as programs may have. */
  const small = (x: T, most = mostElements): T => {
    if (sizeOf(x) > most) return a.slice(flat(x), { axis: 0, start: sizeOf(x) % 2, step: Math.ceil(sizeOf(x) / most) });
    return rankOf(x) > 3 ? flat(x) : x;
  };
  /** Integers from 0 to one less than the extent of the first axis of x: 0 and 1 at most. */
  const rowsOf = (x: T, n: T): T => a.shapeOf(x)[0] === 1 ? a.mul(n, 0) : n;
  const firstOf = (x: T): T => a.reshape(a.slice(flat(x), { axis: 0, start: 0, step: sizeOf(x) }), []);
  const axisOf = (x: T, k: number) => k % rankOf(x);

  /** What, added to x, keeps elements along an axis apart: 20 more at each place than at the one before, or than at the one after. */
  const ladder = (x: T, axis: number, up: boolean): T => {
    const extent = a.shapeOf(x)[axis];
    const shape = a.shapeOf(x).map((_, i) => i === axis ? extent : 1);
    return a.make("float", Array.from({ length: extent }, (_, i) => 20 * (up ? i : extent - 1 - i)), shape);
  };

  const operations: readonly ((x: T, y: T, k: number, n: T) => T)[] = [
    (x) => a.sin(x),
    (x) => a.tanh(x),
    (x, y) => a.mul(x, fitting(x, y)),
    (x, y) => a.mul(fitting(x, y), a.sin(x)),
    (x, y) => a.add(a.mul(fitting(x, y), 0.5), x),
    (x, y) => a.mul(x, a.add(y === x ? x : fitting(x, y), 0.25)),
    (x, _, k) => a.mul(a.add(x, k / 8), -0.75),
    (x, y) => {
      if (rankOf(x) === 0 || rankOf(x) > 2) return a.mul(x, mean(y));
      const rows = a.shapeOf(x).at(-1);
      const right = rankOf(y) > 0 && rankOf(y) < 3 && a.shapeOf(y)[0] === rows ? y : rankOf(x) === 2 ? a.permute(x, [1, 0]) : x;
      return a.mul(a.matmul(x, right), 0.5);
    },
    (x, _, k) => rankOf(x) === 0 ? x : a.mul(a.sum(x, { axis: [axisOf(x, k)], keepDims: k % 2 === 0 }), 0.5),
    (x) => mean(x),
    (x, _, k) => rankOf(x) === 0 ? x : a.cumsum(x, axisOf(x, k)),
    (x) => a.permute(x, allAxes(x).toReversed()),
    (x) => flat(x),
    (x, _, k) => a.reshape(x, a.shapeOf(x).toSpliced(k % (rankOf(x) + 1), 0, 1)),
    (x, _, k) => a.broadcastTo(x, [1 + k % 2, ...a.shapeOf(x)]),
    (x, _, k) => {
      const axis = rankOf(x) && axisOf(x, k);
      return rankOf(x) === 0 || a.shapeOf(x)[axis] < 2 ? x : a.slice(x, { axis, start: k % 2, step: 1 + k % 3 });
    },
    (x, _, k) => rankOf(x) === 0 ? x : a.flip(x, axisOf(x, k)),
    (x, y, k) => a.stack([x, a.shapeOf(x).join() === a.shapeOf(y).join() ? y : a.sin(x)], k % (rankOf(x) + 1)),
    (x, _, k) => rankOf(x) === 0 ? x : a.concat([x, a.tanh(x)], axisOf(x, k)),
    (x, _, _k, n) => rankOf(x) === 0 ? x : a.take(x, rowsOf(x, n)),
    (x, _, _k, n) => a.mul(x, fitting(x, a.widen(a.add(n, 1)))),
    (x, y, _, n) => a.where({ greater: firstOf(n), than: 0 }, x, a.mul(x, mean(y))),
    (x, y) => a.add(a.stopGradient(x), fitting(x, y)),
    (x) => a.realize(x),
    (x, _, k) => rankOf(x) === 0 ? x : a.softmax(x, axisOf(x, k)),
    (x, _, k) => {
      if (rankOf(x) === 0) return x;
      const axis = axisOf(x, k);
      return a.add(a.sort(a.add(x, ladder(x, axis, false)), axis), a.mul(ladder(x, axis, true), -1));
    },
    (x, _, k) => {
      if (rankOf(x) === 0) return x;
      const axis = axisOf(x, k);
      return a.add(a.max(a.add(x, ladder(x, axis, false)), axis), -20 * (a.shapeOf(x)[axis] - 1));
    },
    (x, y, k) => {
      if (rankOf(x) !== 2) return a.sin(x);
      const fits = rankOf(y) === 2 && a.shapeOf(y).every((extent, axis) => extent <= a.shapeOf(x)[axis]);
      const weight = fits ? y : a.slice(x, { axis: k % 2, start: 0, step: 2 });
      return a.convolve(x, a.mul(weight, 0.5));
    },
    (x, y, _, n) => {
      if (rankOf(x) === 0) return x;
      const row = firstOf(rowsOf(x, n));
      return a.setRows(x, a.reshape(row, [1]), a.broadcastTo(a.sin(mean(y)), [1, ...a.shapeOf(x).slice(1)]));
    },
  ];

  const isInteger = (x: T) => a.kindOf(x) === "integer";
  const isStored = (x: T) => a.kindOf(x) === "stored";

  interface Scope {
    /** Stored ones too, as they are computed with. */
    readonly floats: T[];
    readonly stored: T[];
    readonly integers: T[];
  }

  const scopeOf = (values: readonly T[]): Scope => ({
    floats: values.filter((x) => !isInteger(x)).map((x) => isStored(x) ? a.widen(x) : x),
    stored: values.filter(isStored),
    integers: values.filter(isInteger),
  });
  const chosen = (list: readonly T[], index: number) => list[list.length - 1 - index % list.length];

  const perform = (scope: Scope, steps: readonly Step[]) => {
    for (const { op, x, y, k } of steps) {
      // Mostly the newest variable, so that programs are chains rather than bushes.
      const left = chosen(scope.floats, x < 7 ? 0 : x);
      const result = operations[op % operations.length](left, chosen(scope.floats, y), k, chosen(scope.integers, y));
      scope.floats.push(small(result));
    }
  };

  /** Leaves in a tree, by one of some forms. */
  const pack = (leaves: readonly T[], form: number): Tree<T> => {
    if (leaves.length === 1 && form % 2 === 0) return leaves[0];
    return form % 3 === 0 ? { first: leaves[0], rest: leaves.slice(1) } : form % 3 === 1 ? [...leaves] : [{ all: leaves }];
  };
  const unpack = (tree: Tree<T>): T[] => treeLeaves(tree).map(({ value }) => value as T);
  /** Leaves as arguments: one each, all in one, or the first and the others. */
  const argumentsOf = (leaves: readonly T[], form: number): Tree<T>[] => {
    if (form % 3 === 0) return [...leaves];
    return form % 3 === 1 || leaves.length < 2 ? [pack(leaves, form)] : [leaves[0], pack(leaves.slice(1), form)];
  };

  /** x changed, if i is not 0. */
  const variation = (x: T, i: number): T => {
    if (i === 0) return x;
    if (isInteger(x)) return a.add(a.mul(x, -1), 1);
    if (isStored(x)) return rankOf(x) === 0 ? x : a.flip(x, 0);
    return a.mul(a.add(x, 0.125 * i), 1 - 0.25 * i);
  };
  /** n variations of x along a new axis. */
  const spread = (x: T, n: number, axis: number): T => a.stack(Array.from({ length: n }, (_, i) => variation(x, i)), axis);
  /** Numbers in the form of floating x, not all alike; zeros for integers. */
  const direction = (x: T, seed: number): T => {
    const size = sizeOf(x);
    return isInteger(x)
      ? a.make("float", new Array(size).fill(0), a.shapeOf(x))
      : a.make("float", numbers(seed, size), a.shapeOf(x));
  };
  const directions = (tree: Tree<T>, seed: number, form: (leaves: T[]) => Tree<T>): Tree<T> => {
    return form(unpack(tree).map((x, i) => direction(x, seed + i)));
  };

  const total = (tree: Tree<T>): T => scopeOf(unpack(tree)).floats.map(mean).reduce((x, y) => a.add(x, y));

  /** What a body computes from parameters and the variables around it, and its first stored number and integer, if there are any. */
  const results = (body: Body, params: readonly T[], outer: readonly T[], derivatives: number): T[] => {
    const scope = scopeOf([...outer, ...params]);
    const own = scopeOf(params);
    // Something that depends on all parameters.
    const [first, ...others] = own.floats;
    scope.floats.push(others.length > 0 ? a.mul(first, a.add(a.sin(total(others)), 1)) : a.mul(first, 0.875));
    perform(scope, body.before);
    if (body.inner) {
      const found = transformed(body.inner, scope, derivatives);
      const { floats, stored, integers } = scopeOf(found);
      scope.floats.push(...floats.map((x) => small(x)));
      scope.stored.push(...stored.map((x) => small(x)));
      scope.integers.push(...integers.map((x) => small(x, 2)));
      perform(scope, body.inner.after);
    }
    const last = scope.floats.at(-1)!;
    const extra = body.beside < 4
      ? []
      : [body.beside === 4 ? a.make("float", [0.5, -0.25], [2]) : chosen(scope.floats, body.beside - 5)];
    return [last, ...extra, ...own.stored.slice(0, 1), ...own.integers.slice(0, 1)];
  };

  const cost: Readonly<Record<string, number>> = { vjp: 1, jvp: 1, grad: 1, jacobian: 1, hessian: 2 };

  /** The leaves of what a transform of a function gives. */
  const transformed = (inner: Inner, scope: Scope, derivatives: number): T[] => {
    const { picks, integer, stored, forms: [form, resultForm], k, m, body } = inner;
    const allowed = derivatives + (cost[inner.transform] ?? 0) <= mostDerivatives;
    const transform = allowed ? inner.transform : "jit";
    const depth = derivatives + (allowed ? cost[transform] ?? 0 : 0);
    const outer = [...scope.floats.slice(-3), ...scope.stored.slice(-1), ...scope.integers.slice(-1)];
    const floats = picks.map((pick) => chosen(scope.floats, pick));
    const narrow = stored && scope.stored.length > 0 ? [chosen(scope.stored, k)] : [];
    const others = integer ? [...narrow, chosen(scope.integers, k)] : narrow;
    const few = (x: T) => small(x, 3);
    const f: Fn<T> = (...args) => pack(results(body, args.flatMap(unpack), outer, depth), resultForm);
    /** Without an integer among its results. */
    const smooth: Fn<T> = (...args) =>
      pack(results(body, args.flatMap(unpack), outer, depth).filter((x) => !isInteger(x)).map(few), resultForm);
    const loss = (...args: Tree<T>[]) => total(f(...args));

    switch (transform) {
      case "jit":
      case "checkpoint": {
        const wrapped = a[transform](f);
        const args = argumentsOf([...floats, ...others], form);
        if (m % 3 > 0) return unpack(wrapped(...args));
        // The same function called again with other numbers.
        const again = argumentsOf([...floats.map((x) => a.mul(x, 0.5)), ...others], form);
        return [...unpack(wrapped(...args)), ...unpack(wrapped(...again))];
      }
      case "custom": {
        const wrapped = a.custom(
          (args, captured) => pack(results(body, args.flatMap(unpack), captured, depth), resultForm),
          outer,
          [1, 2, -0.5][k % 3],
        );
        return unpack(wrapped(...argumentsOf([...floats, ...others], form)));
      }
      case "vmap": {
        const n = 1 + k % 3;
        const args = argumentsOf([...floats, ...others], form);
        const shared = args.map((_, i) => i > 0 && (m >> i & 1) === 1);
        const ranks = args.map((arg) => Math.min(...unpack(arg).map(rankOf)));
        const inAxis = args.map((arg, i) => {
          const axis = (m + i) % (ranks[i] + 1);
          if (shared[i]) return null;
          // Counted from the end: the rank of the batched tensor must then be one.
          return k % 4 === 0 && unpack(arg).length === 1 ? axis - ranks[i] - 1 : axis;
        });
        const spreadOut = args.map((arg, i) => {
          const axis = inAxis[i];
          if (axis === null) return arg;
          const leaves = unpack(arg).map((x) => spread(x, n, axis < 0 ? axis + rankOf(x) + 1 : axis));
          return rebuild(arg, leaves);
        });
        const same = inAxis.every((axis) => axis === inAxis[0]) && inAxis[0] !== null && k % 2 === 0;
        return unpack(a.vmap(f, { inAxis: same ? inAxis[0]! : inAxis, outAxis: [0, 0, -1][m % 3] })(...spreadOut));
      }
      case "scan": {
        const length = 1 + k % 3;
        const [first, ...others] = floats;
        const init = pack([first, ...others], form);
        const xs = others.length > 0 ? pack(others.map((x) => spread(x, length, 0)), resultForm) : null;
        const [carry, ys] = a.scan(
          (carry, x) => {
            const [h, ...constant] = unpack(carry);
            const found = results(body, [...unpack(carry), ...(x === null ? [] : unpack(x))], outer, depth);
            const next = a.add(a.mul(h, 0.5), a.shapeOf(found[0]).join() === a.shapeOf(h).join() ? found[0] : mean(found[0]));
            return [rebuild(init, [next, ...constant.map((x) => variation(x, 1))]), pack(found, resultForm)];
          },
          init,
          xs,
          { length, reverse: m % 2 === 1 },
        );
        return [...unpack(carry), ...unpack(ys)];
      }
      case "vjp": {
        const [value, cotangents] = a.vjp(
          f,
          argumentsOf([...floats, ...others], form),
          (value) => (m % 2 === 0 ? [k] : [k, k + 1]).map((seed) => directions(value, seed, (leaves) => rebuild(value, leaves))),
        );
        return [...unpack(value), ...cotangents.flat().flatMap(unpack)];
      }
      case "jvp": {
        const args = argumentsOf([...floats, ...others], form);
        const [value, tangent] = a.jvp(f, args, args.map((arg) => directions(arg, m, (leaves) => rebuild(arg, leaves))));
        return [...unpack(value), ...unpack(tangent)];
      }
      case "grad":
      case "jacobian":
      case "hessian": {
        const by = [...floats, ...narrow];
        const args = argumentsOf(transform === "grad" ? by : by.map(few), form);
        const argnum = k % args.length;
        const all = [...args, ...others.filter(isInteger)];
        const g = transform === "grad"
          ? a.grad(loss, argnum)
          : transform === "jacobian"
          ? a.jacobian(smooth, argnum)
          : a.hessian(loss, argnum);
        return unpack(g(...all));
      }
    }
  };

  /** A tree of the same form with other leaves. */
  const rebuild = (tree: Tree<T>, leaves: readonly T[]): Tree<T> => {
    let next = 0;
    const build = (part: Tree<T>): Tree<T> => {
      if (Array.isArray(part)) return part.map(build);
      if (typeof part === "object" && part !== null && Object.getPrototypeOf(part) === Object.prototype) {
        return Object.fromEntries(Object.entries(part as Record<string, Tree<T>>).map(([key, each]) => [key, build(each)]));
      }
      return leaves[next++];
    };
    return build(tree);
  };

  const inputs = (): T[] => [
    a.make("float", numbers(1, 6), [2, 3]),
    a.make("float", numbers(2, 2), [2]),
    a.make("float", numbers(3, 1), []),
    a.make("float", numbers(4, 3), [1, 3]),
    a.make("stored", numbers(5, 2), [2]),
    a.make("integer", [1], []),
    a.make("integer", [0, 1], [2]),
  ];

  const values = (body: Body) => (...given: T[]): T[] => results(body, given, [], 0);
  const gradients = (body: Body) => (...given: T[]): T[] => {
    const [found, cotangents] = a.vjp(
      (...args) => results(body, args as T[], [], 1),
      given,
      (found) => [unpack(found).map((x, i) => direction(x, i))],
    );
    return [...unpack(found), ...cotangents.flat().flatMap(unpack)];
  };
  return { inputs, values, gradients };
}
