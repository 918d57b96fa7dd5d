/**
 * Values, first and second derivatives at zeros, ties, ends of domains and infinity, of equal rows, of one element and of none, against
 * PyTorch, or, where it has none, against what the mathematics has: tests/fixtures/make_kinks.py says where and why.
 *
 * Rows of one function and shape are computed together by `vmap`, in one program.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as cotangent from "../../mod.ts";
import { currentDevice } from "../../core/execution/current_device.ts";
import {
  avgPool1d,
  groupNorm,
  instanceNorm,
  layers,
  maxPool1d,
  mul,
  norm,
  optimizers,
  polygamma,
  pow,
  quantile,
  realize,
  reshape,
  slice,
  stack,
  sum,
  type Tensor,
  treeMap,
  vjp,
  vmap,
} from "../../mod.ts";
import stored from "../fixtures/kinks.json" with { type: "json" };
import type { ArrayFixture, StoredNumber } from "../fixtures/types.ts";
import type { Tolerance } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";
import { assertSame, type Call, type Float, tensorOf, type Tensors } from "./run.ts";

type Arrays = Readonly<Record<string, ArrayFixture>>;

/** One call with its derivatives: see make_kinks.py. */
interface Kink {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly arguments: readonly string[];
  readonly inputs: Arrays;
  readonly output: ArrayFixture;
  readonly cotangent: ArrayFixture;
  readonly first: Arrays;
  readonly directions: Arrays;
  readonly second: Readonly<Record<string, Arrays>>;
  readonly because?: string;
  readonly pytorch?: Readonly<Record<string, readonly (readonly [position: number, value: StoredNumber])[]>>;
}

const kinks = stored.kinks as unknown as readonly Kink[];

const batch = layers.batchNorm({ affine: false, trackRunningStats: false });
/** One row as the only signal of one example, and back. */
const asSignal = (f: (x: Tensor) => Tensor): Call => ({ x }) => {
  const y = f(reshape(x, [1, 1, x.size]));
  return reshape(y, [y.size]);
};
const window = { kernel: 2, stride: 1 };

/** Calls that are not the public function of the name with its options at the end. */
const calls: Readonly<Record<string, Call>> = {
  power: ({ x }, { y }) => pow(x, y as number),
  basePower: ({ x }, { y }) => pow(y as number, x),
  polygamma: ({ x }, { order }) => polygamma(x, order as number),
  norm: ({ x }, { ord }) => norm(x, { ord: typeof ord === "string" ? (ord === "inf" ? Infinity : -Infinity) : ord as number }),
  quantile: ({ x }, { q }) => quantile(x, q as number),
  globalNorm: ({ x }) => optimizers.globalNorm({ a: x, b: [x] }),
  clipByGlobalNorm: ({ x }) => optimizers.clipByGlobalNorm(1).update({ x }, {}, { x })[0].x,
  groupNorm: asSignal((x) => groupNorm(x, { groups: 1 })),
  instanceNorm: asSignal(instanceNorm),
  batchNorm: asSignal((x) => batch.apply({}, {}, reshape(x, [x.size, 1]), layers.evalMode)[0]),
  maxPool1d: asSignal((x) => maxPool1d(x, window)),
  avgPool1d: asSignal((x) => avgPool1d(x, window)),
};

function callOf({ name, arguments: positional, options }: Kink): (inputs: Tensors) => Tensor {
  if (name in calls) return (inputs) => calls[name](inputs, options);
  const run = (cotangent as Readonly<Record<string, unknown>>)[name] as (...args: unknown[]) => Tensor;
  const last = Object.keys(options).length > 0 ? [options] : [];
  return (inputs) => run(...positional.map((each) => inputs[each]), ...last);
}

/** Entries that differ in their numbers only. */
function groups(): Kink[][] {
  const found = new Map<string, Kink[]>();
  for (const kink of kinks) {
    const shapes = Object.values(kink.inputs).map(({ shape, dtype }) => [shape, dtype]);
    const key = JSON.stringify([kink.name, kink.options, shapes]);
    found.set(key, [...found.get(key) ?? [], kink]);
  }
  return [...found.values()];
}

interface Derivatives {
  readonly output: Tensor;
  readonly first: Tensors;
  readonly second: Readonly<Record<string, Tensors>>;
}

/** The derivatives of all entries of a group, along a new axis in front. */
function derivatives(group: readonly Kink[], float: Float): Derivatives {
  const call = callOf(group[0]);
  const stacked = (of: (kink: Kink) => ArrayFixture) => stack(group.map((kink) => tensorOf(of(kink), float)));
  const all = (of: (kink: Kink) => Arrays): Tensors =>
    Object.fromEntries(Object.keys(of(group[0])).map((name) => [name, stacked((kink) => of(kink)[name])]));
  const variables = Object.keys(group[0].first);
  const one = (inputs: Tensors, g: Tensor, directions: Tensors): Derivatives => {
    const others = Object.fromEntries(Object.entries(inputs).filter(([name]) => !variables.includes(name)));
    const firstAt = (xs: Tensors) => {
      const [output, pull] = vjp((each: Tensors) => call({ ...others, ...each }), xs);
      return { output, first: pull(g)[0] };
    };
    const xs = Object.fromEntries(variables.map((name) => [name, inputs[name]]));
    const second = variables.map((name) => {
      const [total, pull] = vjp((each: Tensors) => sum(mul(firstAt(each).first[name], directions[name])), xs);
      return [name, pull(cotangent.onesLike(total))[0]];
    });
    return { ...firstAt(xs), second: Object.fromEntries(second) };
  };
  return vmap(one)(all(({ inputs }) => inputs), stacked(({ cotangent }) => cotangent), all(({ directions }) => directions));
}

const tolerances: Readonly<Record<Float, Tolerance>> = {
  f32: { relative: 2e-5, absolute: 2e-5 },
  f64: { relative: 1e-9, absolute: 1e-9 }, // PyTorch's trigamma is right to nine digits.
};

testOnDevices("values and derivatives at kinks and far out are PyTorch's, or the limits", async (_, device) => {
  const failures: string[] = [];
  for (const float of ["f32", "f64"] as const) {
    if (!currentDevice().dtypes.includes(float)) continue;
    for (const group of groups()) {
      const computed = derivatives(group, float);
      realize(computed);
      for (const [k, kink] of group.entries()) {
        const { output, first, second } = treeMap(
          (x: Tensor) => reshape(slice(x, { start: k, stop: k + 1 }), x.shape.slice(1)),
          computed,
        );
        const compare = async (actual: Tensor, expected: ArrayFixture, what: string) => {
          const inputs = Object.entries(kink.inputs).map(([name, { data }]) => `${name} = ${data}`);
          const title = `${kink.name} ${JSON.stringify(kink.options)} of ${inputs.join("; ")} (${float}): ${what}`;
          await assertSame(actual, expected, tolerances[float], title).catch(({ message }) => failures.push(message));
        };
        await compare(output, kink.output, "value");
        for (const [x, expected] of Object.entries(kink.first)) await compare(first[x], expected, `derivative by ${x}`);
        for (const [x, row] of Object.entries(kink.second)) {
          for (const [y, expected] of Object.entries(row)) await compare(second[x][y], expected, `derivative by ${x} and ${y}`);
        }
      }
    }
  }
  assert.equal(failures.length, 0, `${failures.length} differ on ${device}:\n${failures.join("\n")}`);
});

Deno.test("where the table has other numbers than PyTorch it says why", () => {
  const corrected = kinks.filter(({ pytorch }) => pytorch);
  const numbers = corrected.flatMap(({ pytorch }) => Object.values(pytorch!).flat());
  assert.deepEqual(kinks.filter(({ because, pytorch }) => (because === undefined) !== (pytorch === undefined)), []);
  const ofNaN = numbers.filter(([, theirs]) => theirs === "nan").length;
  console.log(`${kinks.length} calls; ${numbers.length} numbers are not PyTorch's, which are NaN ${ofNaN} times`);
});
