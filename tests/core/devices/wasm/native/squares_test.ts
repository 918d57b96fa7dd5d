/**
 * Winograd's transforms in machine code: each against the same in WebAssembly, bit by bit, with words around every operand that must not be
 * read or written.
 */
import assert from "node:assert/strict";
import { WasmModule } from "../../../../../core/devices/wasm/codegen/assembler/module.ts";
import type { Convolution } from "../../../../../core/devices/wasm/codegen/convolution/problem.ts";
import {
  componentsToPatch,
  tilesOf2,
  tilesOf4,
  tileToComponents,
  type WinogradForm,
} from "../../../../../core/devices/wasm/codegen/convolution/winograd/linear_maps.ts";
import { layOutPixels } from "../../../../../core/devices/wasm/codegen/convolution/winograd/pixels.ts";
import {
  imageTransform,
  outputTransform,
  spreadTransform,
} from "../../../../../core/devices/wasm/codegen/convolution/winograd/squares.ts";
import { type VectorWriter, wasmVectorWriter } from "../../../../../core/devices/wasm/codegen/emit/vector_code.ts";
import { importMachineCode } from "../../../../../core/devices/wasm/codegen/machine_code.ts";
import { heapStart, maxPages } from "../../../../../core/devices/wasm/control.ts";
import { type CodeInMemory, growTo, machineCodes } from "../../../../support/machine_code.ts";
import { noise } from "../../../../support/noise.ts";

/** Channels: whole vectors of either length, several of them. */
const channels = 48;
/** Floats around what is read and written: NaN, which would show in what is computed from it. */
const guard = 128;

/** A transform: its function (source, target, count), how many floats it reads and may write, and the counts to try. */
interface Transform {
  readonly name: string;
  readonly write: (writer: VectorWriter, module: WasmModule) => number;
  readonly source: number;
  readonly target: number;
  readonly counts: readonly number[];
  /** Whether it adds to what it writes, which then are numbers at first. */
  readonly adds?: true;
}

function* transforms(): Generator<Transform> {
  for (const form of [tilesOf4, tilesOf2]) {
    const name = `tiles of ${form.tile}`;
    yield imageCase(`${name}, patches`, form, form.patchToComponents, form.patch);
    for (let columns = 1; columns <= form.tile; columns++) yield outputCase(`${name}, ${columns} columns`, form, columns);
  }
  yield imageCase("tiles of 4, gradients", tilesOf4, tileToComponents, 4);
  yield spreadCase();
}

/** A tile that is spread over its patch. */
function spreadCase(): Transform {
  const layout = layOutPixels(tilesOf4.patch, tilesOf4.patch, channels);
  return {
    name: "tiles of 4, spread",
    write: (writer, module) => {
      const spread = spreadTransform(writer, tilesOf4, componentsToPatch, layout);
      return module.func({ params: ["i32", "i32", "i32"] }, (c) => c.get(0).get(1).call(spread));
    },
    source: tilesOf4.components * channels,
    target: tilesOf4.patch * layout.pitch,
    counts: [1],
    adds: true,
  };
}

function imageCase(name: string, form: WinogradForm, map: WinogradForm["patchToComponents"], size: number): Transform {
  const most = 3;
  const layout = layOutPixels(size, (most - 1) * form.tile + size, channels);
  const stride = form.components * channels + 16;
  return {
    name,
    write: (writer) => imageTransform(writer, form, map, size, layout, stride),
    source: size * layout.pitch,
    target: most * stride,
    counts: [1, 2, most],
  };
}

function outputCase(name: string, form: WinogradForm, columns: number): Transform {
  const [outHeight, outWidth] = [form.tile + 1, 7];
  const conv = { outChannels: channels, outHeight, outWidth } as Convolution;
  return {
    name,
    write: (writer) => outputTransform(writer, form, conv, columns),
    source: form.components * channels,
    target: channels * outHeight * outWidth,
    counts: Array.from({ length: form.tile + 2 }, (_, rows) => rows),
  };
}

/** Everything from the first guard to the last after a run, in machine code and in WebAssembly. */
function runBoth({ memory, code }: CodeInMemory, transform: Transform): [Uint32Array, Uint32Array][] {
  growTo(memory, 2 ** 22);
  const program = code.program();
  const modules = [new WasmModule(), new WasmModule()] as const;
  for (const module of modules) module.importMemory("env", "memory", 1, maxPages);
  const writers = [importMachineCode(modules[0], program)(Infinity, 1)!.writer, wasmVectorWriter(modules[1])];
  modules.forEach((module, i) => {
    const func = transform.write(writers[i], module);
    module.func({ params: ["i32", "i32", "i32"], export: "run" }, (c) => c.get(0).get(1).get(2).call(func));
  });
  assert.ok(program.place());
  const { source, target } = transform;
  const floats = new Float32Array(memory.buffer, heapStart, 3 * guard + source + target);
  const [from, to] = [guard, 2 * guard + source];
  const values = noise(1, source);
  const runs = modules.map((module) => {
    const imports = { env: { memory }, native: { call: program.call } };
    const { run } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), imports).exports;
    return (count: number) => {
      floats.fill(NaN).set(values, from);
      if (transform.adds) floats.set(noise(2, target), to);
      (run as (...parameters: number[]) => void)(heapStart + 4 * from, heapStart + 4 * to, count);
      return new Uint32Array(floats.slice().buffer);
    };
  });
  const results = transform.counts.map((count) => runs.map((run) => run(count)) as [Uint32Array, Uint32Array]);
  program.free();
  return results;
}

for (const [name, machine] of machineCodes) {
  Deno.test(`native transforms, ${name}: as in WebAssembly, and nothing else is written`, () => {
    for (const transform of transforms()) {
      runBoth(machine, transform).forEach(([native, wasm], i) => {
        assert.deepEqual(native, wasm, `${transform.name}, ${transform.counts[i]}`);
        const [nan] = new Uint32Array(Float32Array.of(NaN).buffer);
        const written = wasm.subarray(2 * guard + transform.source, -guard).filter((word) => word !== nan).length;
        assert.equal(written > 0, transform.counts[i] > 0, `${transform.name}, ${transform.counts[i]}: ${written} are written`);
      });
    }
  });
}
