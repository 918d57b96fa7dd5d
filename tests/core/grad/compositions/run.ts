/**
 * Running a random program in an algebra.
 *
 * @module
 */
import { treeLeaves } from "../../../../core/tree.ts";
import { hash } from "../../../support/noise.ts";
import type { Algebra, Fn, Tree } from "./algebra.ts";
import { vocabularyOf } from "./operations.ts";
import type { Body, Inner, Program, Step } from "./program.ts";

/** How deep derivatives become. */
const mostDerivatives = 3;

/** Multiples of 1/64 from 0.25 to 1.25, of either sign. */
function numbers(seed: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (16 + hash(seed, i) % 65) / (hash(seed, i) >>> 31 === 0 ? 64 : -64));
}

/** A program as a function of its inputs, and these. It gives its results and, if asked, cotangents of all inputs. */
export function asFunction<T>(
  algebra: Algebra<T>,
  { body, gradient }: Program,
): readonly [f: (...inputs: T[]) => T[], inputs: T[]] {
  const { inputs, values, gradients } = runner(algebra);
  return [gradient ? gradients(body) : values(body), inputs()];
}

function runner<T>(a: Algebra<T>) {
  const { rankOf, sizeOf, mean, small, operations } = vocabularyOf(a);
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
