/**
 * Running a program by hand and checking a device against the reference.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Program } from "../../core/ir/program.ts";
import { type DType, fromHostArray, type HostArray } from "../../core/dtype.ts";
import type { Device } from "../../core/values/device.ts";
import { createReferenceDevice } from "../../core/devices/reference/device.ts";
import { assertClose, exact, type Tolerance } from "./close.ts";
import { flushLoss } from "./devices.ts";
import type { KernelCase } from "./kernel_cases/builder.ts";

/** The oracle. */
export const reference: Device = createReferenceDevice();

/** Whether a device can hold every buffer of the program. */
export function canRun(device: Device, program: Program): boolean {
  return program.buffers.every(({ dtype }) => device.dtypes.includes(dtype));
}

/** Asserts that the numbers of two host arrays agree. */
export function assertSameNumbers(
  dtype: DType,
  actual: HostArray,
  expected: HostArray,
  tolerance: Tolerance,
  what: string,
): void {
  assertClose(fromHostArray(dtype, actual), fromHostArray(dtype, expected), tolerance, what);
}

/** The outputs of a program whose inputs are device buffers. Checks that donated inputs come back and others are left alone. */
export async function runProgram(device: Device, program: Program, inputs: readonly HostArray[]): Promise<HostArray[]> {
  const executable = device.compile(program);
  const buffers = program.inputs.map((id, k) => device.upload(program.buffers[id].dtype, inputs[k]));
  const outputs = executable.run(buffers);
  assert.equal(outputs.length, program.outputs.length, "number of outputs");
  const values = await Promise.all(outputs.map((output) => device.download(output)));
  for (const [k, id] of program.inputs.entries()) {
    const donated = program.outputs.indexOf(id);
    if (donated >= 0) {
      assert.equal(outputs[donated], buffers[k], `output ${donated} must be the buffer of the donated input ${k}`);
    } else {assertSameNumbers(
        program.buffers[id].dtype,
        await device.download(buffers[k]),
        inputs[k],
        exact,
        `input ${k} after the run`,
      );}
  }
  for (const buffer of new Set([...buffers, ...outputs])) device.free(buffer);
  executable.destroy();
  return values;
}

/** The same with host arrays for inputs, run twice: nothing may be left of the first run. */
async function runWithHostArrays(
  device: Device,
  program: Program,
  inputs: readonly HostArray[],
): Promise<HostArray[][]> {
  const executable = device.compile(program);
  const runs: HostArray[][] = [];
  for (let i = 0; i < 2; i++) {
    const outputs = executable.run(inputs);
    runs.push(await Promise.all(outputs.map((output) => device.download(output))));
    for (const output of outputs) device.free(output);
  }
  executable.destroy();
  return runs;
}

const answers = new Map<Program, Promise<HostArray[]>>();

/** What the reference makes of a program; kept, since every device asks. */
export function expectedOf({ program, inputs }: KernelCase): Promise<HostArray[]> {
  const known = answers.get(program) ?? runProgram(reference, program, inputs);
  answers.set(program, known);
  return known;
}

/** Runs a case on a device in every way inputs can be given, and compares with the reference. */
export async function checkCase(device: Device, one: KernelCase): Promise<void> {
  const expected = await expectedOf(one);
  const lost = await flushLoss(device);
  const tolerance = { ...one.tolerance, absolute: one.tolerance.absolute + lost };
  const compare = (outputs: readonly HostArray[], how: string) => {
    outputs.forEach((output, k) => {
      assert.equal(output.constructor, expected[k].constructor, `output ${k}: the type of its array`);
      const { dtype } = one.program.buffers[one.program.outputs[k]];
      assertSameNumbers(dtype, output, expected[k], tolerance, `output ${k}${how}`);
    });
  };
  compare(await runProgram(device, one.program, one.inputs), "");
  const [first, second] = await runWithHostArrays(device, one.program, one.inputs);
  compare(first, ", inputs as host arrays");
  compare(second, ", run again");
}
