/**
 * Programs by the library against plain loops.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Device } from "../../../../core/values/device.ts";
import { useDevice } from "../../../../core/execution/current_device.ts";
import { fc } from "../../../../dev_deps.ts";
import { data, jit } from "../../../../mod.ts";
import { assertClose, type Tolerance } from "../../../support/close.ts";
import { dtypeOf, type Float, libraryAlgebra } from "./library.ts";
import { plainAlgebra } from "./plain.ts";
import { type Program, programs, type Transform, transforms } from "./program.ts";
import { asFunction } from "./run.ts";

/** For derivatives up to the third of some dozens of operations: relative to the largest element, or to one. */
const tolerances: Readonly<Record<string, Tolerance>> = {
  f64: { relative: 1e-9, absolute: 1e-9 },
  f32: { relative: 1e-3, absolute: 1e-3 },
};

/** Asserts that a program gives on a device what plain loops give, as it is or with all of it jitted. */
async function checkProgram(program: Program, { device, float }: Trial, jitted: boolean): Promise<void> {
  const [plain, plainInputs] = asFunction(plainAlgebra(float === "f32"), program);
  const wanted = plain(...plainInputs);
  useDevice(device);
  const [f, inputs] = asFunction(libraryAlgebra(float), program);
  const found = jitted ? jit(f)(...inputs) : f(...inputs);
  assert.deepEqual(found.map(({ shape }) => shape), wanted.map(({ shape }) => shape), "shapes");
  assert.deepEqual(found.map(({ dtype }) => dtype), wanted.map(({ kind }) => dtypeOf(kind, float)), "types");
  const { relative, absolute } = tolerances[float];
  for (let i = 0; i < found.length; i++) {
    const expected = wanted[i].data.map(([value]) => value);
    const largest = Math.max(1, ...expected.map(Math.abs));
    assertClose(await data(found[i]), expected, { relative, absolute: absolute * largest }, `result ${i}`);
  }
}

/** Which programs are tried. */
export interface Trial {
  readonly device: Device;
  /** The type of numbers. With f32 some are stored as bf16. */
  readonly float: Float;
  /** Others with another one. */
  readonly seed: number;
  /** How many. */
  readonly count: number;
  /** Whether any program that fails will do: the smallest one takes a while. */
  readonly anyFailing?: boolean;
}

/** The number of a failing trial, to be tried again. */
function named(error: unknown, seed: number): Error {
  return new Error(`COTANGENT_SEED=${seed}: ${(error as Error).message}`, { cause: (error as Error).cause });
}

/** Tries programs with lists of transforms inside each other, the outermost first. The smallest failing one is in the message. */
async function tryPrograms(lists: fc.Arbitrary<readonly Transform[]>, trial: Trial): Promise<void> {
  const nested = lists.chain((names) => programs(names));
  const property = fc.asyncProperty(nested, fc.boolean(), (program, jitted) => checkProgram(program, trial, jitted));
  await fc.assert(property, { seed: trial.seed, numRuns: trial.count, endOnFailure: trial.anyFailing, unbiased: true });
}

/** Tries `count` programs of each list. */
export async function checkEach(lists: readonly (readonly Transform[])[], trial: Trial): Promise<void> {
  for (const names of lists) {
    await tryPrograms(fc.constant(names), trial).catch((error) => {
      throw named(error, trial.seed);
    });
  }
}

/** Tries `count` programs of any transforms, `depth` inside each other. */
export async function checkAny(depth: number, trial: Trial): Promise<void> {
  const lists = fc.array(fc.constantFrom(...transforms), { minLength: depth, maxLength: depth });
  await tryPrograms(lists, trial).catch((error) => {
    throw named(error, trial.seed);
  });
}

/** All lists of this many transforms. */
export function allLists(depth: number): readonly (readonly Transform[])[] {
  if (depth === 0) return [[]];
  return allLists(depth - 1).flatMap((list) => transforms.map((each) => [...list, each]));
}
