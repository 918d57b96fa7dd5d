/**
 * Fixtures made by PyTorch against this library: values and gradients, on every device, in f32 and where there is f64 in that too.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as cotangent from "../../mod.ts";
import { data, type DeviceName, type DType, realize, type Tensor, tensor, vjp } from "../../mod.ts";
import { currentDevice } from "../../core/execution/current_device.ts";
import { assertClose, type Tolerance } from "../support/close.ts";
import { eachCase } from "../support/each_case.ts";
import { testOnDevices } from "../support/each_device.ts";
import { share } from "../support/share.ts";
import type { ArrayFixture, OperationFixture, StoredNumber } from "../fixtures/types.ts";

/** Tensors by name. */
export type Tensors = Record<string, Tensor>;

/** A fixture's call as a function of all its inputs by name. */
export type Call = (inputs: Tensors, options: OperationFixture["options"]) => Tensor;

/** The floating type a fixture is run in. */
export type Float = "f32" | "f64";

const named: Readonly<Record<string, unknown>> = cotangent;

function numberOf(stored: StoredNumber): number {
  return typeof stored === "number" ? stored : { nan: NaN, inf: Infinity, "-inf": -Infinity }[stored];
}

/** The stored array as a tensor; `float` is the type of floating ones. */
export function tensorOf({ shape, data, dtype }: ArrayFixture, float: Float = "f32"): Tensor {
  return tensor(Float64Array.from(data, numberOf), { shape, dtype: dtype ?? float });
}

/** The inputs that have a gradient, and those that have none. */
export function inputsOf(
  { inputs, grads = {} }: OperationFixture,
  float: Float = "f32",
): { variables: Tensors; others: Tensors } {
  const made = Object.entries(inputs).map(([name, array]) => [name, tensorOf(array, float)] as const);
  return {
    variables: Object.fromEntries(made.filter(([name]) => name in grads)),
    others: Object.fromEntries(made.filter(([name]) => !(name in grads))),
  };
}

/** Asserts shape, type and values. */
export async function assertSame(actual: Tensor, expected: ArrayFixture, close: Tolerance, what: string): Promise<void> {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  if (expected.dtype) assert.equal(actual.dtype, expected.dtype, `${what}: type`);
  assertClose(await data(actual), expected.data.map(numberOf), close, what);
}

/** Asserts tensors by name, which are computed together. */
export async function assertAll(
  actual: Tensors,
  expected: Readonly<Record<string, ArrayFixture>>,
  close: Tolerance,
  what: string,
): Promise<void> {
  const computed = realize(actual);
  for (const [name, array] of Object.entries(expected)) await assertSame(computed[name], array, close, `${what} ${name}`);
}

/** What a case is called. */
export function title({ name, options, inputs }: OperationFixture, float: Float = "f32"): string {
  const shapes = Object.entries(inputs).map(([input, { shape }]) => `${input} [${shape.join()}]`);
  return `${name} ${JSON.stringify(options)} ${shapes.join(" ")}${float === "f32" ? "" : ` ${float}`}`;
}

/** The public function of the fixture's name, called with its arguments and its options in a record at the end. */
export function publicCall(
  { name, arguments: positional, inputs }: Pick<OperationFixture, "name" | "arguments" | "inputs">,
): Call {
  const run = named[name];
  assert.equal(typeof run, "function", `there is no ${name}`);
  const tensorOptions = Object.keys(inputs).filter((input) => !positional.includes(input));
  return (given, options) => {
    const all = { ...options, ...Object.fromEntries(tensorOptions.map((each) => [each, given[each]])) };
    const args: unknown[] = positional.map((each) => given[each]);
    if (Object.keys(all).length > 0) args.push(all);
    return (run as (...args: unknown[]) => Tensor)(...args);
  };
}

/** How a list of fixtures is run. */
export interface ParityOptions {
  /** How close f32 must be, relative and absolute: 1e-5 for elementwise operations, 1e-4 (the default) for sums and convolutions. */
  readonly f32?: number;
  /** The same for f64. Default 1e-10. */
  readonly f64?: number;
  /** Calls by fixture name, where it is not the public function of that name with its options at the end. */
  readonly calls?: Readonly<Record<string, Call>>;
  /** The devices to run them on, if not all. */
  readonly devices?: readonly DeviceName[];
}

/** Registers a test per device, of every fixture in each floating type. */
export function testParity(
  name: string,
  fixtures: readonly OperationFixture[],
  { f32 = 1e-4, f64 = 1e-10, calls = {}, devices }: ParityOptions = {},
): void {
  assert.ok(fixtures.length > 0, `${name}: no fixtures`);
  const tolerances = { f32, f64 };
  testOnDevices(name, async (_, device) => {
    const dtypes: readonly DType[] = currentDevice().dtypes;
    for (const float of ["f32", "f64"] as const) {
      if (!dtypes.includes(float)) continue;
      const close: Tolerance = { relative: tolerances[float], absolute: tolerances[float] };
      await eachCase(share(device, fixtures, ({ name }) => name, 7), (fixture) => title(fixture, float), async (fixture) => {
        const { variables, others } = inputsOf(fixture, float);
        const call = calls[fixture.name] ?? publicCall(fixture);
        const run = (inputs: Tensors) => call({ ...inputs, ...others }, fixture.options);
        if (!fixture.cotangent || !fixture.grads) return await assertSame(run({}), fixture.output, close, "output");
        const [value, pull] = vjp(run, variables);
        // One program for all, as in a training step: apart, each would compute what they share, and be compiled with it.
        const { output, grads } = realize({ output: value, grads: pull(tensorOf(fixture.cotangent, float))[0] });
        await assertSame(output, fixture.output, close, "output");
        await assertAll(grads, fixture.grads, close, "gradient of");
      });
    }
  }, devices);
}
