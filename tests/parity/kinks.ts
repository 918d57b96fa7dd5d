/**
 * Fixtures with first and second derivatives (tests/fixtures/kinks.py) against this library, on every device.
 *
 * Entries that differ in their numbers only are computed together by `vmap`, in one program.
 *
 * @module
 */
import assert from "node:assert/strict";
import { currentDevice } from "../../core/execution/current_device.ts";
import { mul, onesLike, realize, reshape, slice, stack, sum, type Tensor, treeMap, vjp, vmap } from "../../mod.ts";
import type { ArrayFixture, StoredNumber } from "../fixtures/types.ts";
import type { Tolerance } from "../support/close.ts";
import { testOnDevices } from "../support/each_device.ts";
import { share } from "../support/share.ts";
import { assertSame, type Call, type Float, publicCall, tensorOf, type Tensors } from "./run.ts";

type Arrays = Readonly<Record<string, ArrayFixture>>;

/** One call with its derivatives: see kinks.py. */
export interface Kink {
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

/** Entries that differ in their numbers only. */
function groupsOf(kinks: readonly Kink[]): Kink[][] {
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
function derivatives(group: readonly Kink[], call: Call, float: Float): Derivatives {
  const stacked = (of: (kink: Kink) => ArrayFixture) => stack(group.map((kink) => tensorOf(of(kink), float)));
  const all = (of: (kink: Kink) => Arrays): Tensors =>
    Object.fromEntries(Object.keys(of(group[0])).map((name) => [name, stacked((kink) => of(kink)[name])]));
  const variables = Object.keys(group[0].first);
  const one = (inputs: Tensors, g: Tensor, directions: Tensors): Derivatives => {
    const others = Object.fromEntries(Object.entries(inputs).filter(([name]) => !variables.includes(name)));
    const firstAt = (xs: Tensors) => {
      const [output, pull] = vjp((each: Tensors) => call({ ...others, ...each }, group[0].options), xs);
      return { output, first: pull(g)[0] };
    };
    const xs = Object.fromEntries(variables.map((name) => [name, inputs[name]]));
    const second = variables.map((name) => {
      const [total, pull] = vjp((each: Tensors) => sum(mul(firstAt(each).first[name], directions[name])), xs);
      return [name, pull(onesLike(total))[0]];
    });
    return { ...firstAt(xs), second: Object.fromEntries(second) };
  };
  return vmap(one)(all(({ inputs }) => inputs), stacked(({ cotangent }) => cotangent), all(({ directions }) => directions));
}

const tolerances: Readonly<Record<Float, Tolerance>> = {
  f32: { relative: 2e-5, absolute: 2e-5 },
  f64: { relative: 1e-9, absolute: 1e-9 }, // PyTorch's trigamma is right to nine digits.
};

/** Registers a test per device that compares values and both derivatives, and one that the table explains itself. */
export function testKinks(name: string, kinks: readonly Kink[], calls: Readonly<Record<string, Call>> = {}): void {
  testOnDevices(name, async (_, device) => {
    const failures: string[] = [];
    for (const float of ["f32", "f64"] as const) {
      if (!currentDevice().dtypes.includes(float)) continue;
      for (const group of share(device, groupsOf(kinks), () => "all", 12)) {
        const computed = derivatives(group, calls[group[0].name] ?? publicCall(group[0]), float);
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
          // Drivers take x - x for 0 whatever x is, so that what has no value may have a derivative there.
          if (device === "webgpu" && kink.output.data.every((y) => y === "nan")) continue;
          for (const [x, expected] of Object.entries(kink.first)) await compare(first[x], expected, `derivative by ${x}`);
          for (const [x, row] of Object.entries(kink.second)) {
            for (const [y, expected] of Object.entries(row)) await compare(second[x][y], expected, `derivative by ${x} and ${y}`);
          }
        }
      }
    }
    assert.equal(failures.length, 0, `${failures.length} differ on ${device}:\n${failures.join("\n")}`);
  });
  Deno.test(`${name}: where the table has other numbers than PyTorch it says why`, () => {
    const corrected = kinks.filter(({ pytorch }) => pytorch);
    const numbers = corrected.flatMap(({ pytorch }) => Object.values(pytorch!).flat());
    assert.deepEqual(kinks.filter(({ because, pytorch }) => (because === undefined) !== (pytorch === undefined)), []);
    const ofNaN = numbers.filter(([, theirs]) => theirs === "nan").length;
    console.log(`${kinks.length} calls; ${numbers.length} numbers are not PyTorch's, which are NaN ${ofNaN} times`);
  });
}
