/** Functions that are found by name: their names say all that they depend on. */
import assert from "node:assert/strict";
import { WasmModule } from "../../../../core/devices/wasm/codegen/assembler/module.ts";
import { wasmVectorWriter } from "../../../../core/devices/wasm/codegen/emit/vector_code.ts";
import { microKernel } from "../../../../core/devices/wasm/codegen/matmul/micro_kernel.ts";
import { packPanel } from "../../../../core/devices/wasm/codegen/matmul/packing.ts";
import { narrowTile, wideTile } from "../../../../core/devices/wasm/codegen/matmul/tile.ts";
import { emitProgram } from "../../../../core/devices/wasm/codegen/program.ts";
import { mapAccesses } from "../../../../core/ir/kernel.ts";
import type { BufferSpec, Program } from "../../../../core/ir/program.ts";
import { sizeOf } from "../../../../core/shape.ts";
import { exact } from "../../../support/close.ts";
import { buildCase, dense, result, store } from "../../../support/kernel_cases/builder.ts";
import { convGeometry, convRoles } from "../../../support/kernel_cases/conv.ts";
import { kernelCases } from "../../../support/kernel_cases/mod.ts";
import { noise } from "../../../support/noise.ts";
import { isLong } from "../../../support/share.ts";

/** Programs as one. */
function joined(programs: readonly Program[]): Program {
  const all = { buffers: [], slots: [], kernels: [], inputs: [], outputs: [] } as {
    -readonly [K in keyof Program]: Program[K][number][];
  };
  for (const { buffers, slots, kernels, inputs, outputs } of programs) {
    const first = { buffer: all.buffers.length, slot: all.slots.length, input: all.inputs.length, output: all.outputs.length };
    const moved = ({ location, ...rest }: BufferSpec): BufferSpec => ({
      ...rest,
      location: location.kind === "slot"
        ? { kind: "slot", slot: first.slot + location.slot }
        : { ...location, index: first[location.kind] + location.index },
    });
    all.buffers.push(...buffers.map(moved));
    all.slots.push(...slots);
    all.kernels.push(
      ...kernels.map((kernel) => mapAccesses(kernel, (access) => ({ ...access, buffer: first.buffer + access.buffer }))),
    );
    all.inputs.push(...inputs.map((id) => first.buffer + id));
    all.outputs.push(...outputs.map((id) => first.buffer + id));
  }
  return all;
}

/** Convolutions that differ in few of their numbers. */
function* convolutions(): Generator<Program> {
  for (const kind of ["conv2d", "conv2dInputGrad", "conv2dFilterGrad"] as const) {
    for (const [c, o] of [[8, 16], [16, 8], [16, 16]]) {
      for (const input of [[8, 8], [8, 12], [12, 8], [9, 8], [8, 11]] as const) {
        for (const padding of [[1, 1, 1, 1], [1, 1, 0, 2], [2, 0, 1, 1]] as const) {
          const geometry = convGeometry({ n: 2, c, o, input, kernel: [3, 3], padding });
          const [lhs, rhs, shape] = convRoles(kind, geometry);
          yield buildCase("", exact, (p) => {
            const [x, y] = [lhs, rhs].map((shape) => dense(p.input("f32", noise(1, sizeOf(shape))), shape));
            const out = p.output("f32", sizeOf(shape));
            p.run({ kind, shape, geometry, operands: [x, y], loads: [], stores: [store(dense(out, shape), result(0))] });
          }).program;
        }
      }
    }
  }
}

function emit(program: Program, number: number, checkNames: boolean): Uint8Array {
  return emitProgram(program, {
    threads: 1 + number % 3,
    spins: 0,
    separate: true,
    choose: (names) => number % names.length,
    tileColumns: () => number % 2 === 0 ? narrowTile : wideTile,
    checkNames,
  }).bytes;
}

/** Whether an algorithm that would not be chosen can compute it at all. */
function canEmit(program: Program, number: number): boolean {
  try {
    emit(program, number, false);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

Deno.test("wasm: functions of one name are the same, of all kernels and algorithms together", () => {
  // In quick tests every third kernel case; convolutions differ in what names may forget.
  const cases = Object.values(kernelCases).flat().filter((_, i) => isLong || i % 3 === 0);
  const programs = [...cases.map(({ program }) => program), ...convolutions()]
    .filter(({ kernels }) => kernels.every(({ kind }) => kind !== "exchange"));
  for (const number of isLong ? [0, 1, 2, 3, 4, 5, 6] : [1, 4, 6]) {
    const some = programs.filter((program) => canEmit(program, number));
    assert.ok(some.length > 0.9 * programs.length);
    const program = joined(some);
    assert.deepEqual(emit(program, number, true), emit(program, number, false));
  }
});

Deno.test("wasm: a name that two functions have is an error where names are checked", () => {
  const write = (checkNames: boolean) => {
    const module = new WasmModule({ checkNames });
    return [1, 2].map((value) => module.func({ name: "one", params: [], results: ["i32"] }, (c) => c.i32(value)));
  };
  assert.throws(() => write(true), /Two functions have one name: one/);
  assert.deepEqual(write(false), [0, 0]);
});

Deno.test("wasm: functions of one name and different types are two", () => {
  const module = new WasmModule();
  const funcs = ([[], ["i32"]] as const).map((params) => module.func({ name: "one", params, results: ["i32"] }, (c) => c.i32(1)));
  assert.deepEqual(funcs, [0, 1]);
});

Deno.test("wasm: tiles and packing that differ in distances only are one function, behind one that tells it them", () => {
  const module = new WasmModule();
  module.importMemory("env", "memory", 1, 1);
  const written: number[] = [];
  /** Those that functions added to what there was: each is told its distances by one of its own. */
  const added = (write: () => number) => {
    const before = written.at(-1) ?? -1;
    written.push(write());
    return written.at(-1)! - before;
  };
  const tile = { rows: 4, columns: 8, lhsRow: 1, lhsStep: 4, rhsStep: 8, wholeSteps: false, accumulates: false };
  const writer = wasmVectorWriter(module);
  for (const resultRow of [8, 32, 128]) {
    for (const lhs of [768, 1536]) {
      const first = written.length === 0;
      assert.equal(added(() => microKernel(writer, { ...tile, resultRow, runs: { lhs, rhs: 4096 } })), first ? 2 : 1);
    }
  }
  for (const [i, lhsRow] of [512, 2320, 4624].entries()) {
    const along = { ...tile, lhsRow, lhsStep: 1, wholeSteps: true, resultRow: 8 * lhsRow };
    assert.equal(added(() => microKernel(writer, along)), i === 0 ? 2 : 1);
  }
  for (const [i, laneStride] of [9, 1152, 4608].entries()) {
    assert.equal(added(() => packPanel(module, { width: 8, lanes: 8, laneStride, stepStride: 1 })), i === 0 ? 2 : 1);
  }
  // What decides how the code loads makes two of them.
  assert.equal(added(() => microKernel(writer, { ...tile, wholeSteps: true, resultRow: 8 })), 2);
  assert.equal(added(() => packPanel(module, { width: 8, lanes: 7, laneStride: 9, stepStride: 1 })), 2);
});
