/** Equal kernels, whose code is written once: they compute what they do alone, on their own buffers. */
import assert from "node:assert/strict";
import type { WasmBuffer } from "../../../../core/devices/wasm/buffer.ts";
import { createWasmDevice, type WasmDevice } from "../../../../core/devices/wasm/device.ts";
import { emitProgram } from "../../../../core/devices/wasm/codegen/program.ts";
import { narrowTile } from "../../../../core/devices/wasm/codegen/matmul/tile.ts";
import type { HostArray } from "../../../../core/dtype.ts";
import { binary, cast } from "../../../../core/ir/expr.ts";
import { mapAccesses } from "../../../../core/ir/kernel.ts";
import type { BufferSpec, Program } from "../../../../core/ir/program.ts";
import { exact } from "../../../support/close.ts";
import { buildCase, dense, index, load, store } from "../../../support/kernel_cases/builder.ts";
import { kernelCases } from "../../../support/kernel_cases/mod.ts";
import { noise } from "../../../support/noise.ts";
import { canRun } from "../../../support/run_case.ts";
import { isLong } from "../../../support/share.ts";

/** Threads belong to the device, which lives on. */
const longLived = { sanitizeOps: false, sanitizeResources: false };

/** A program and the same once more, on buffers of its own. */
function twice(program: Program): Program {
  const { buffers, slots, kernels, inputs, outputs } = program;
  const again = ({ location, ...rest }: BufferSpec): BufferSpec => ({
    ...rest,
    location: location.kind === "slot"
      ? { kind: "slot", slot: slots.length + location.slot }
      : { ...location, index: location.index + (location.kind === "input" ? inputs : outputs).length },
  });
  const moved = (id: number) => buffers.length + id;
  return {
    buffers: [...buffers, ...buffers.map(again)],
    slots: [...slots, ...slots],
    kernels: [
      ...kernels,
      ...kernels.map((kernel) => mapAccesses(kernel, (access) => ({ ...access, buffer: moved(access.buffer) }))),
    ],
    inputs: [...inputs, ...inputs.map(moved)],
    outputs: [...outputs, ...outputs.map(moved)],
  };
}

/** The outputs of two runs of a program. */
function outputsOf(device: WasmDevice, program: Program, inputs: readonly HostArray[]): HostArray[] {
  const executable = device.compile(program);
  try {
    const run = () =>
      executable.run(inputs).map((buffer: WasmBuffer) => {
        const values = device.downloadNow(buffer);
        device.free(buffer);
        return values;
      });
    return [...run(), ...run()];
  } finally {
    executable.destroy();
  }
}

const bytesOf = (values: readonly HostArray[]) =>
  values.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));

for (const threads of [1, 2, 3]) {
  Deno.test({ name: `wasm: every kernel twice in a program is what it is alone, ${threads} threads`, ...longLived }, async () => {
    const device = await createWasmDevice({ threads }).started();
    for (const [topic, cases] of Object.entries(kernelCases)) {
      // In quick tests every third case is run, with one number of threads.
      const chosen = cases.filter(({ program }, i) => canRun(device, program) && (isLong || i % 9 === 3 * (threads - 1)));
      for (const { name, program, inputs } of chosen) {
        const alone = outputsOf(device, program, inputs);
        const both = outputsOf(device, twice(program), [...inputs, ...inputs]);
        const count = program.outputs.length;
        const want = [0, 0, 1, 1].flatMap((run) => alone.slice(run * count, (run + 1) * count));
        assert.deepEqual(bytesOf(both), bytesOf(want), `${topic}: ${name}`);
      }
    }
  });
}

/** The bytes of a program's code. */
function sizeOf(program: Program): number {
  const options = { threads: 2, spins: 0, separate: false, tileColumns: () => narrowTile };
  return emitProgram(program, options).bytes.length;
}

Deno.test("wasm: the code of equal kernels is written once", () => {
  const cases = [...kernelCases.conv2d, ...kernelCases.matmul];
  for (const { name, program } of cases.filter((_, i) => isLong || i % 4 === 0)) {
    const [one, two] = [sizeOf(program), sizeOf(twice(program))];
    assert.ok(two < one + 400, `${name}: ${one} bytes, twice ${two}`);
  }
});

/** Maps of several lengths: 2 x + the position. */
const maps = (lengths: readonly number[]) =>
  buildCase("maps", exact, (p) => {
    for (const length of lengths) {
      const [from, to] = [p.input("f32", noise(length, length)), p.output("f32", length)];
      const value = binary("add", binary("mul", load(0), 2), cast("f32", index([1])));
      p.run({
        kind: "map",
        operands: [],
        shape: [length],
        loads: [dense(from, [length])],
        stores: [store(dense(to, [length]), value)],
      });
    }
  });

Deno.test({ name: "wasm: maps that differ in length only share their code, and reach all of it", ...longLived }, async () => {
  const lengths = [64, 65, 67, 127, 128, 1000, 4099, 100_003, 1_000_000];
  const { program, inputs } = maps(lengths);
  const [first, two, all] = [1, 2, lengths.length].map((count) => sizeOf(maps(lengths.slice(-count)).program));
  assert.ok(all - two < two - first + 60 * lengths.length, `${first}, ${two}, ${all} bytes`);
  for (const threads of [1, 2, 3]) {
    const outputs = outputsOf(await createWasmDevice({ threads }).started(), program, inputs);
    lengths.forEach((length, i) => {
      const want = Float32Array.from({ length }, (_, k) => Math.fround(2 * inputs[i][k] + k));
      assert.deepEqual(outputs[i], want, `${length} elements, ${threads} threads`);
    });
  }
});
