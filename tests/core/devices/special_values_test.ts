/**
 * Where NaN and infinity come out of compositions of two and three operations, literals and repeated operands among them: as IEEE 754
 * has it on every device, whatever a driver knows of real numbers.
 */
import assert from "node:assert/strict";
import {
  abs,
  add,
  cast,
  clip,
  data,
  div,
  eq,
  exp,
  exp2,
  floorDivide,
  gt,
  isNaN,
  jit,
  le,
  log,
  lt,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  rem,
  rsqrt,
  setDevice,
  sign,
  sqrt,
  square,
  stack,
  sub,
  tan,
  type Tensor,
  tensor,
  where,
} from "../../../mod.ts";
import { isClose } from "../../support/close.ts";
import { deviceNames } from "../../support/each_device.ts";
import { share } from "../../support/share.ts";

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Tensor | number, y: Tensor | number) => Tensor;

const unaries: Readonly<Record<string, Unary>> = {
  id: (x) => x,
  neg,
  abs,
  sqrt,
  relu,
  square,
  exp,
  reciprocal,
  from: (x) => sub(1, x),
  clip: (x) => clip(x, { min: -1, max: 1 }),
  mask: (x) => cast(gt(x, 0), "f32"),
  choice: (x) => where(lt(x, 1), 0, x),
};

const asFloat = (f: Binary): Binary => (x, y) => cast(f(x, y), "f32");
const arithmetic: Readonly<Record<string, Binary>> = { add, sub, mul, div };
const comparing: Readonly<Record<string, Binary>> = { eq: asFloat(eq), lt: asFloat(lt), le: asFloat(le), maximum, minimum };
const binaries = { ...arithmetic, ...comparing };

/** Compositions of two arguments by what they are called. */
function compositions(): [name: string, f: (x: Tensor, y: Tensor) => Tensor][] {
  const found: [string, (x: Tensor, y: Tensor) => Tensor][] = [];
  for (const [b, f] of Object.entries(binaries)) {
    for (const [u, g] of Object.entries(unaries)) {
      for (const c of [0, 1, -Infinity]) {
        found.push([`${b}(${u} x, ${c})`, (x) => f(g(x), c)], [`${b}(${c}, ${u} x)`, (x) => f(c, g(x))]);
      }
      found.push([`${u} ${b}(x, y)`, (x, y) => g(f(x, y))]);
      for (const [v, h] of Object.entries(unaries)) {
        // A maximum of two zeros may have either sign.
        if (b in arithmetic || u === "id") found.push([`${b}(${u} x, ${v} x)`, (x) => f(g(x), h(x))]);
      }
      if (!(b in arithmetic)) continue;
      for (const [outer, h] of Object.entries(arithmetic)) {
        found.push([`${outer}(${b}(${u} x, y), x)`, (x, y) => h(f(g(x), y), x)]);
        found.push([`${outer}(x, ${b}(y, ${u} x))`, (x, y) => h(x, f(y, g(x)))]);
      }
    }
  }
  return found;
}

const all = compositions();
const values = [0, 1, -1, 2, 0.5, -0.25, Infinity, -Infinity, NaN];
const xs = values.flatMap((x) => values.map(() => x));
const ys = values.flatMap(() => values);

/** 0 for a finite number, 1 and 2 for the infinities, 3 for NaN. */
const classOf = (z: Tensor) => where(isNaN(z), 3, where(eq(z, Infinity), 1, where(eq(z, -Infinity), 2, 0)));
const perWord = 12;

/** The compositions in groups, one for each word of classes and for each kernel. */
const groups = Array.from({ length: Math.ceil(all.length / perWord) }, (_, i) => all.slice(i * perWord, (i + 1) * perWord));

/** The classes of groups of compositions, packed into words. */
async function outcome(chosen: readonly (typeof all)[]): Promise<Int32Array[]> {
  const classes = jit((x: Tensor, y: Tensor) =>
    chosen.map((group) =>
      group.map(([, f], k) => mul(cast(classOf(f(x, y)), "i32"), 4 ** k)).reduce((word, each) => add(word, each))
    )
  );
  return await Promise.all(classes(tensor(xs), tensor(ys)).map((word) => data(word))) as Int32Array[];
}

const names = ["finite", "Infinity", "-Infinity", "NaN"];

for (const device of deviceNames.filter((name) => name !== "reference")) {
  Deno.test(`NaN and infinity come out of compositions as on the reference (${device})`, async () => {
    const chosen = share(device, groups, () => "all", 7);
    await setDevice("reference");
    const expected = await outcome(chosen);
    await setDevice(device);
    const actual = await outcome(chosen);
    const compared = chosen.flat();
    const wrong = compared.flatMap(([name], k) => {
      const classAt = (words: readonly Int32Array[], i: number) =>
        names[words[Math.floor(k / perWord)][i] >> (2 * (k % perWord)) & 3];
      return xs.flatMap((x, i) => {
        const [got, want] = [classAt(actual, i), classAt(expected, i)];
        return got === want ? [] : [`${name} of x = ${x}, y = ${ys[i]} is ${got}, not ${want}`];
      });
    });
    assert.equal(wrong.length, 0, `${wrong.length} of ${compared.length * xs.length} differ:\n${wrong.slice(0, 10).join("\n")}`);
  });
}

/** Calls of literals alone, which a compiler could do by itself. */
function literalCalls(): [name: string, f: () => Tensor][] {
  const values = [-1, 0, -0, 0.5, 2, 1e30, NaN, Infinity, -Infinity];
  const functions = { abs, exp, exp2, floorDivide, log, neg, pow, reciprocal, relu, rem, rsqrt, sign, sqrt, tan };
  const said = (x: number) => Object.is(x, -0) ? "-0" : `${x}`;
  const one = (name: string, f: (x: number) => Tensor) =>
    values.map((x): [string, () => Tensor] => [`${name}(${said(x)})`, () => f(x)]);
  const two = (name: string, f: (x: number, y: number) => Tensor) =>
    values.flatMap((x) => values.map((y): [string, () => Tensor] => [`${name}(${said(x)}, ${said(y)})`, () => f(x, y)]));
  const isBinary = (name: string) => ["floorDivide", "pow", "rem"].includes(name);
  return [
    ...Object.entries(functions).flatMap(([name, f]) =>
      isBinary(name) ? two(name, f as Binary) : one(name, f as Unary & ((x: number) => Tensor))
    ),
    ...Object.entries(arithmetic).flatMap(([name, f]) => two(name, f)),
  ];
}

Deno.test({
  name: "functions of literals alone are what the reference gives",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const expected = new Map<string, number>();
    for (const device of deviceNames) {
      await setDevice(device);
      const calls = share(device, literalCalls(), ([name]) => name.split("(")[0], 8);
      const found = await data(jit(() => stack(calls.map(([, f]) => f())))());
      calls.forEach(([name], i) => {
        if (device === "reference") expected.set(name, found[i]);
        const want = expected.get(name)!;
        assert.ok(isClose(found[i], want, { relative: 1e-6, absolute: 1e-37 }), `${name} on ${device}: ${found[i]}, not ${want}`);
      });
    }
  },
});
