/**
 * Programs of several kernels: order, intermediates that share memory, inputs that go straight out.
 *
 * @module
 */
import { binary, cast, unary } from "../../../core/ir/expr.ts";
import type { Kernel } from "../../../core/ir/kernel.ts";
import { exact, type Tolerance } from "../close.ts";
import { noise, noiseInt } from "../noise.ts";
import { buildCase, dense, type KernelCase, load, result, scalarOf, store, strided } from "./builder.ts";

const sums: Tolerance = { relative: 1e-5, absolute: 1e-5 };

/** y[i] = x[n - 1 - i] + 1, many times over: every thread reads what another has just written. */
function relayCase(size: number, rounds: number): KernelCase {
  return buildCase(`a relay of ${rounds} kernels over ${size} elements`, exact, (p) => {
    const x = p.input("f32", noiseInt(1, size, -9, 9));
    const turns = [p.temporary("f32", size, 0), p.temporary("f32", size, 1)];
    const out = p.output("f32", size);
    for (let i = 0; i < rounds; i++) {
      const from = i === 0 ? x : turns[(i - 1) % 2];
      const to = i === rounds - 1 ? out : turns[i % 2];
      p.run({
        kind: "map",
        operands: [],
        shape: [size],
        loads: [strided(from, [-1], size - 1)],
        stores: [store(dense(to, [size]), binary("add", load(0), 1))],
      });
    }
  });
}

/** The relay as a loop of two kernels, then of one inside a loop that is inside a loop: what a round leaves, the next one finds. */
function loopCases(size: number): KernelCase[] {
  const reverse = (from: number, to: number): Kernel => ({
    kind: "map",
    operands: [],
    shape: [size],
    loads: [strided(from, [-1], size - 1)],
    stores: [store(dense(to, [size]), binary("add", load(0), 1))],
  });
  const inPlace = (id: number): Kernel => ({
    kind: "map",
    operands: [],
    shape: [size],
    loads: [dense(id, [size])],
    stores: [store(dense(id, [size]), binary("add", load(0), 1))],
  });
  const loop = (count: number, kernels: readonly Kernel[]): Kernel => ({
    kind: "loop",
    operands: [],
    shape: [],
    loads: [],
    stores: [],
    count,
    kernels,
  });
  return [
    buildCase(`a loop over ${size} elements`, exact, (p) => {
      const x = p.donate(p.input("f32", noiseInt(1, size, -9, 9)));
      const turned = p.temporary("f32", size, 0);
      p.run(loop(33, [reverse(x, turned), reverse(turned, x)]));
    }),
    buildCase(`loops in a loop over ${size} elements`, exact, (p) => {
      const x = p.donate(p.input("f32", noiseInt(1, size, -9, 9)));
      const turned = p.temporary("f32", size, 0);
      const total = p.output("f32", 1);
      p.run(inPlace(x));
      p.run(loop(4, [loop(3, [inPlace(x)]), reverse(x, turned), reverse(turned, x), loop(2, [loop(2, [inPlace(x)])])]));
      p.run({
        kind: "reduce",
        shape: [],
        window: [size],
        operands: [dense(x, [size])],
        reductions: [{ op: "max", value: load(0) }],
        loads: [],
        stores: [store(strided(total, []), result())],
      });
    }),
  ];
}

/** An array put together from pieces of others, some of which are computed, some rounds over. */
const piecesCase = buildCase("pieces moved before, between and after what is computed", exact, (p) => {
  const x = p.input("f32", noiseInt(3, 40, -9, 9));
  const y = p.donate(p.input("f32", noiseInt(4, 12, -9, 9)));
  const kept = p.temporary("f32", 20, 0);
  const out = p.output("f32", 60);
  const piece = (from: number, fromOffset: number, to: number, toOffset: number, size: number, added?: number): Kernel => ({
    kind: "map",
    operands: [],
    shape: [size],
    loads: [strided(from, [1], fromOffset)],
    stores: [store(strided(to, [1], toOffset), added === undefined ? load(0) : binary("add", load(0), added))],
  });
  p.run(piece(x, 5, kept, 0, 20));
  p.run(piece(x, 0, out, 0, 20, 1));
  p.run(piece(kept, 3, out, 20, 10));
  p.run({
    kind: "loop",
    operands: [],
    shape: [],
    loads: [],
    stores: [],
    count: 3,
    kernels: [piece(kept, 0, y, 0, 6), piece(y, 2, kept, 1, 6, 1), piece(x, 30, kept, 19, 1)],
  });
  p.run(piece(kept, 0, out, 30, 20));
  p.run(piece(x, 39, out, 50, 1));
  p.run(piece(x, 0, out, 51, 9));
});

/** Cases of programs. */
export const programCases: readonly KernelCase[] = [
  piecesCase,
  relayCase(5, 64),
  relayCase(5000, 65),
  relayCase(40009, 20),
  ...loopCases(7),
  ...loopCases(40009),
  buildCase("a slot holds f32, then i32, then bytes", exact, (p) => {
    const x = p.input("f32", noiseInt(2, 50, 0, 100));
    const a = p.temporary("f32", 50, 0);
    const b = p.output("f32", 50);
    const c = p.temporary("i32", 40, 0);
    const d = p.output("i32", 40);
    const e = p.temporary("u8", 50, 0);
    const f = p.output("u32", 50);
    const whole = load(0, "i32");
    p.run({
      kind: "map",
      operands: [],
      shape: [50],
      loads: [dense(x, [50])],
      stores: [store(dense(a, [50]), binary("add", load(0), 1))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [50],
      loads: [dense(a, [50])],
      stores: [store(dense(b, [50]), binary("mul", load(0), 2))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [40],
      loads: [dense(x, [40])],
      stores: [store(dense(c, [40]), cast("i32", load(0)))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [40],
      loads: [dense(c, [40])],
      stores: [store(dense(d, [40]), binary("sub", whole, 7))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [50],
      loads: [dense(x, [50])],
      stores: [store(dense(e, [50]), cast(scalarOf("u8"), load(0)))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [50],
      loads: [strided(e, [-1], 49)],
      stores: [store(dense(f, [50]), cast("u32", binary("mul", load(0, scalarOf("u8")), 3)))],
    });
  }),
  buildCase("an output that later kernels read", exact, (p) => {
    const x = p.input("f32", noiseInt(3, 64, -9, 9));
    const doubled = p.output("f32", 64);
    const transposed = p.output("f32", 64);
    p.run({
      kind: "map",
      operands: [],
      shape: [64],
      loads: [dense(x, [64])],
      stores: [store(dense(doubled, [64]), binary("mul", load(0), 2))],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [8, 8],
      loads: [strided(doubled, [1, 8])],
      stores: [store(dense(transposed, [8, 8]), unary("neg", load(0)))],
    });
  }),
  buildCase("softmax as three kernels: maximum, sum of exponentials, quotient", sums, (p) => {
    const [rows, columns] = [33, 10];
    const x = p.input("f32", noise(4, rows * columns, 20));
    const top = p.temporary("f32", rows, 0);
    const total = p.temporary("f32", rows, 1);
    const out = p.output("f32", rows * columns);
    const full = dense(x, [rows, columns]);
    p.run({
      kind: "reduce",
      shape: [rows],
      window: [columns],
      operands: [full],
      reductions: [{ op: "max", value: load(0) }],
      loads: [],
      stores: [store(dense(top, [rows]), result())],
    });
    const shifted = unary("exp", binary("sub", load(0), load(1)));
    p.run({
      kind: "reduce",
      shape: [rows],
      window: [columns],
      operands: [full, strided(top, [1, 0])],
      reductions: [{ op: "sum", value: shifted }],
      loads: [],
      stores: [store(dense(total, [rows]), result())],
    });
    p.run({
      kind: "map",
      operands: [],
      shape: [rows, columns],
      loads: [full, strided(top, [1, 0]), strided(total, [1, 0])],
      stores: [store(dense(out, [rows, columns]), binary("div", shifted, load(2)))],
    });
  }),
  buildCase("no kernels: an input handed back", exact, (p) => {
    const x = p.input("f32", [1, 2, 3]);
    p.donate(x);
    return [[1, 2, 3]];
  }),
  buildCase("empty buffers", exact, (p) => {
    const x = p.input("f32", []);
    const out = p.output("f32", 0);
    const other = p.output("f32", 2);
    p.run({ kind: "map", operands: [], shape: [0], loads: [dense(x, [0])], stores: [store(dense(out, [0]), load(0))] });
    p.run({
      kind: "reduce",
      shape: [2],
      window: [0],
      operands: [strided(x, [0, 1])],
      reductions: [{ op: "sum", value: load(0) }],
      loads: [],
      stores: [store(dense(other, [2]), result())],
    });
    return [[], [0, 0]];
  }),
];
