/**
 * Random programs on every device against the reference.
 *
 * All data are small integers, chosen so that every intermediate is exact in f32: sums in any order, fused or not, must agree to
 * the last bit, and a comparison cannot fall the other way by rounding.
 *
 * @module
 */
import { fc } from "../../../dev_deps.ts";
import { binary, constant, type Expr, select, unary } from "../../../core/ir/expr.ts";
import type { ConvKernel, PoolKernel, ReduceOp } from "../../../core/ir/kernel.ts";
import { sizeOf } from "../../../core/shape.ts";
import { exact } from "../../support/close.ts";
import { testDevices } from "../../support/devices.ts";
import { buildCase, dense, type KernelCase, load, result, store, strided } from "../../support/kernel_cases/builder.ts";
import { convGeometry, convRoles } from "../../support/kernel_cases/conv.ts";
import { poolGeometry, poolRoles } from "../../support/kernel_cases/pool.ts";
import { noise, noiseInt } from "../../support/noise.ts";
import { checkCase } from "../../support/run_case.ts";

/** A way to read a domain: strides, and as much memory and offset as they need. */
interface Layout {
  readonly strides: readonly number[];
  readonly size: number;
  readonly offset: number;
}

/** The memory that strides of either sign reach over a domain. */
function fit(domain: readonly number[], strides: readonly number[], before: number): Layout {
  const reach = strides.map((stride, axis) => stride * Math.max(0, domain[axis] - 1));
  const low = reach.reduce((total, x) => total + Math.min(x, 0), 0);
  const high = reach.reduce((total, x) => total + Math.max(x, 0), 0);
  return { strides, size: before + high - low + 1, offset: before - low };
}

/** Any layout, windows that overlap and broadcasts included: for what is only read. */
function anyLayout(domain: readonly number[]): fc.Arbitrary<Layout> {
  const strides = fc.array(fc.integer({ min: -9, max: 30 }), { minLength: domain.length, maxLength: domain.length });
  return fc.tuple(strides, fc.integer({ min: 0, max: 5 })).map(([s, before]) => fit(domain, s, before));
}

/** A layout without overlap: axes in any order, gaps between elements, some axes backwards. For what is written. */
function injectiveLayout(domain: readonly number[]): fc.Arbitrary<Layout> {
  const axes = domain.map((_, axis) => axis);
  const perAxis = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: axes.length, maxLength: axes.length });
  const order = fc.shuffledSubarray(axes, { minLength: axes.length });
  return fc.tuple(order, perAxis(fc.integer({ min: 0, max: 2 })), perAxis(fc.boolean()), fc.integer({ min: 0, max: 5 }))
    .map(([permutation, gaps, flips, before]) => {
      const strides = new Array<number>(axes.length).fill(0);
      let step = 1;
      for (const axis of permutation) {
        strides[axis] = flips[axis] ? -step : step;
        step *= Math.max(1, domain[axis]) + gaps[axis];
      }
      return fit(domain, strides, before);
    });
}

const extent = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 9 }) }, { weight: 1, arbitrary: fc.constant(0) });
const domain = fc.array(extent, { maxLength: 4 });

/** Expressions over two f32 loads, at most three operations deep: 4^8 is far from 2^24. */
const floatExpr: fc.Arbitrary<Expr> = fc.letrec<{ expr: Expr }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 3, depthSize: "large", withCrossShrink: true },
    fc.oneof(
      fc.integer({ min: 0, max: 1 }).map((slot) => load(slot)),
      fc.integer({ min: -4, max: 4 }).map((value) => constant("f32", value)),
    ),
    fc.tuple(fc.constantFrom("neg", "abs", "sign", "floor", "trunc"), tie("expr"))
      .map(([op, x]) => unary(op as "neg" | "abs" | "sign" | "floor" | "trunc", x)),
    fc.tuple(fc.constantFrom("add", "sub", "mul", "min", "max"), tie("expr"), tie("expr"))
      .map(([op, x, y]) => binary(op as "add" | "sub" | "mul" | "min" | "max", x, y)),
    fc.tuple(fc.constantFrom("lt", "le", "eq", "ne"), tie("expr"), tie("expr"))
      .map(([op, x, y]) => select(binary(op as "lt" | "le" | "eq" | "ne", x, y), x, y)),
  ),
})).expr;

/** A two-output elementwise kernel. */
const maps: fc.Arbitrary<KernelCase> = domain.chain((shape) =>
  fc.tuple(anyLayout(shape), anyLayout(shape), injectiveLayout(shape), injectiveLayout(shape), floatExpr, floatExpr)
    .map(([a, b, first, second, e1, e2]) =>
      buildCase("random map", exact, (p) => {
        const x = p.input("f32", noiseInt(1, a.size, -4, 4));
        const y = p.input("f32", noiseInt(2, b.size, -4, 4));
        const outputs = [first, second].map((layout) => {
          const out = p.output("f32", layout.size);
          p.run({
            kind: "map",
            operands: [],
            shape: [layout.size],
            loads: [],
            stores: [store(strided(out, [1]), constant("f32", 0.5))],
          });
          return strided(out, layout.strides, layout.offset);
        });
        p.run({
          kind: "map",
          operands: [],
          shape,
          loads: [strided(x, a.strides, a.offset), strided(y, b.strides, b.offset)],
          stores: [store(outputs[0], e1), store(outputs[1], e2)],
        });
      })
    )
);

const reductions = fc.constantFrom<ReduceOp>("sum", "prod", "max", "min", "argmax", "argmin");

const reduces: fc.Arbitrary<KernelCase> = fc.tuple(fc.array(extent, { maxLength: 3 }), fc.array(extent, { maxLength: 3 }))
  .chain(([shape, window]) => {
    const whole = [...shape, ...window];
    return fc.tuple(anyLayout(whole), anyLayout(whole), injectiveLayout(shape), reductions, reductions)
      .map(([a, b, to, op1, op2]) =>
        buildCase(`random ${op1} and ${op2}`, exact, (p) => {
          // Powers of two, few of them: products stay exact.
          const x = p.input("i32", noiseInt(3, a.size, -9, 9));
          const y = p.input(
            "f32",
            Float32Array.from(noiseInt(4, b.size, 0, 11), (i) => i === 0 ? -2 : i === 1 ? 0.5 : i % 2 ? -1 : 1),
          );
          const outputs = ([["i32", op1], ["f32", op2]] as const).map(([type, op]) => ({
            type: op.startsWith("arg") ? "i32" as const : type,
            op,
          }));
          const ids = outputs.map(({ type }) => p.output(type, to.size));
          outputs.forEach(({ type }, k) => {
            p.run({
              kind: "map",
              operands: [],
              shape: [to.size],
              loads: [],
              stores: [store(strided(ids[k], [1]), constant(type, 3))],
            });
          });
          p.run({
            kind: "reduce",
            shape,
            window,
            operands: [strided(x, a.strides, a.offset), strided(y, b.strides, b.offset)],
            reductions: [{ op: op1, value: load(0, "i32") }, { op: op2, value: load(1) }],
            loads: [],
            stores: outputs.map(({ type }, k) => store(strided(ids[k], to.strides, to.offset), result(k, type))),
          });
        })
      );
  });

const length = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 3 }));

const matmuls: fc.Arbitrary<KernelCase> = fc.tuple(fc.integer({ min: 0, max: 3 }), length, length, length)
  .chain(([b, m, n, k]) =>
    fc.tuple(
      fc.oneof(injectiveLayout([b, m, k]), anyLayout([b, m, k])),
      fc.oneof(injectiveLayout([b, k, n]), anyLayout([b, k, n])),
      injectiveLayout([b, m, n]),
      anyLayout([b, m, n]),
      fc.boolean(),
    ).map(([left, right, to, added, fused]) =>
      buildCase(`random product [${b}, ${m}, ${n}, ${k}]`, exact, (p) => {
        const x = p.input("f32", noiseInt(5, left.size, -9, 9));
        const y = p.input("f32", noiseInt(6, right.size, -9, 9));
        const z = p.input("f32", noiseInt(7, added.size, -99, 99));
        const out = p.output("f32", to.size);
        p.run({ kind: "map", operands: [], shape: [to.size], loads: [], stores: [store(strided(out, [1]), constant("f32", 3))] });
        p.run({
          kind: "matmul",
          shape: [b, m, n],
          k,
          operands: [strided(x, left.strides, left.offset), strided(y, right.strides, right.offset)],
          loads: [strided(z, added.strides, added.offset)],
          stores: [
            store(strided(out, to.strides, to.offset), fused ? binary("max", binary("add", result(), load(0)), 0) : result()),
          ],
        });
      })
    )
  );

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const sides = (max: number) =>
  fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max }))) as fc.Arbitrary<
    [number, number, number, number]
  >;

const convolutions: fc.Arbitrary<KernelCase> = fc.record({
  n: fc.integer({ min: 1, max: 4 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 9 }),
  outputs: fc.integer({ min: 1, max: 9 }),
  rest: pair(0, 13),
  kernel: pair(1, 5),
  stride: pair(1, 3),
  dilation: pair(1, 2),
  padding: sides(2),
  kind: fc.constantFrom<ConvKernel["kind"]>("conv2d", "conv2dInputGrad", "conv2dFilterGrad"),
  fused: fc.boolean(),
}).map(({ n, groups, inputs, outputs, rest, kernel, stride, dilation, padding, kind, fused }) => {
  const input = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1 + rest[axis]) as [number, number];
  const g = convGeometry({ n, c: groups * inputs, input, o: groups * outputs, kernel, stride, dilation, padding, groups });
  return buildCase(`random ${kind} ${JSON.stringify(g)}`, exact, (p) => {
    const [lhs, rhs, shape] = convRoles(kind, g);
    const x = p.input("f32", noiseInt(8, sizeOf(lhs), -9, 9));
    const y = p.input("f32", noiseInt(9, sizeOf(rhs), -9, 9));
    const bias = p.input("f32", noiseInt(10, shape[1], -99, 99));
    const out = p.output("f32", sizeOf(shape));
    p.run({
      kind,
      shape,
      geometry: g,
      operands: [dense(x, lhs), dense(y, rhs)],
      loads: [strided(bias, [0, 1, 0, 0])],
      stores: [store(dense(out, shape), fused ? binary("max", binary("add", result(), load(0)), 0) : result())],
    });
  });
});

/** Where an algorithm with transforms may be chosen, which rounds even integers: compared with a tolerance. */
const wideConvolutions: fc.Arbitrary<KernelCase> = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 3, max: 8 }),
  outputs: fc.integer({ min: 3, max: 8 }),
  input: pair(3, 22),
  padding: sides(2),
  kind: fc.constantFrom<ConvKernel["kind"]>("conv2d", "conv2dInputGrad", "conv2dFilterGrad"),
}).map(({ n, inputs, outputs, input, padding, kind }) => {
  const g = convGeometry({ n, c: 4 * inputs, input, o: 4 * outputs, kernel: [3, 3], padding });
  const terms = kind === "conv2dFilterGrad" ? n * g.oh * g.ow : 9 * 4 * (kind === "conv2d" ? inputs : outputs);
  return buildCase(`random wide ${kind} ${JSON.stringify(g)}`, { relative: 1e-5, absolute: 1e-6 + 1e-7 * terms }, (p) => {
    const [lhs, rhs, shape] = convRoles(kind, g);
    const x = p.input("f32", noise(14, sizeOf(lhs)));
    const y = p.input("f32", noise(15, sizeOf(rhs)));
    const out = p.output("f32", sizeOf(shape));
    p.run({
      kind,
      shape,
      geometry: g,
      operands: [dense(x, lhs), dense(y, rhs)],
      loads: [],
      stores: [store(dense(out, shape), result())],
    });
  });
});

const pools: fc.Arbitrary<KernelCase> = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  c: fc.integer({ min: 1, max: 5 }),
  rest: pair(0, 9),
  kernel: pair(1, 4),
  stride: pair(1, 4),
  dilation: pair(1, 2),
  wantedPadding: sides(2),
  ceil: fc.boolean(),
  countPadding: fc.boolean(),
  kind: fc.constantFrom<PoolKernel["kind"]>("maxPool2d", "maxPool2dScatter", "maxPool2dGather", "avgPool2d", "avgPool2dGrad"),
  values: fc.integer({ min: 1, max: 50 }),
}).map(({ n, c, rest, kernel, stride, dilation, wantedPadding, ceil, countPadding, kind, values }) => {
  const input = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1 + rest[axis]) as [number, number];
  // At most half the window, so that none lies in the padding alone.
  const padding = wantedPadding.map((side, k) => Math.min(side, Math.floor(kernel[k >> 1] / 2))) as [
    number,
    number,
    number,
    number,
  ];
  const g = poolGeometry({ n, c, input, kernel, stride, dilation, padding, ceil, countPadding });
  // Averages divide by up to 16, which need not be exact.
  const tolerance = kind.startsWith("avg") ? { relative: 1e-6, absolute: 1e-5 } : exact;
  return buildCase(`random ${kind} ${JSON.stringify(g)}`, tolerance, (p) => {
    const { operands, domain: shape } = poolRoles(kind, g);
    const ids = operands.map((operand, k) => p.input("f32", noiseInt(11 + k, sizeOf(operand), -values, values)));
    const out = p.output("f32", sizeOf(shape));
    p.run({
      kind,
      shape,
      geometry: g,
      operands: ids.map((id, k) => dense(id, operands[k])),
      loads: [],
      stores: [store(dense(out, shape), result())],
    });
  });
});

/** A counterexample is shown by its name and its kernels, without the data. */
function readable(one: KernelCase): KernelCase {
  return { ...one, [fc.toStringMethod]: () => `${one.name}: ${JSON.stringify(one.program.kernels)}` } as KernelCase;
}

const kinds = { maps, reduces, matmuls, convolutions, wideConvolutions, pools };

/** Registers tests of random programs, so many of each kind on a device. */
export function testRandomKernels(runsOn: (device: string) => number): void {
  for (const { name, device } of testDevices) {
    const runs = runsOn(name);
    for (const [kind, cases] of Object.entries(kinds)) {
      const numRuns = kind === "wideConvolutions" ? Math.ceil(runs / 3) : runs;
      Deno.test({ name: `random ${kind} on ${name}`, sanitizeOps: false, sanitizeResources: false }, async () => {
        await fc.assert(fc.asyncProperty(cases.map(readable), (one) => checkCase(device, one)), { numRuns, seed: 20240229 });
      });
    }
  }
}
