/**
 * Runs single WebAssembly kernels without a device: a memory, a table of buffers, the pieces of each phase called one after the
 * other, the last first, with the private memory of one thread or another: who does a piece, and when, must not matter.
 *
 * Everything around the buffers and all scratch memory is NaN before the run, and what lies around must be NaN after it: so a
 * kernel that lets foreign memory reach a result, or writes past an end, is found out.
 */
import type { Kernel, SimpleKernel } from "../../../../core/ir/kernel.ts";
import type { Program } from "../../../../core/ir/program.ts";
import { WasmModule } from "../../../../core/devices/wasm/codegen/assembler/module.ts";
import {
  type Epilogue,
  epilogueParams,
  type GeneratorContext,
  type Phase,
  phaseParams,
} from "../../../../core/devices/wasm/codegen/context.ts";
import { scalarEmitter } from "../../../../core/devices/wasm/codegen/expressions/scalar_emitter.ts";
import { doubleEmitter } from "../../../../core/devices/wasm/codegen/expressions/double_emitter.ts";
import { vectorEmitter } from "../../../../core/devices/wasm/codegen/expressions/vector_emitter.ts";
import { emitKernel } from "../../../../core/devices/wasm/codegen/generators.ts";
import { narrowTile, type TileColumns, wasmTiles, wideTile } from "../../../../core/devices/wasm/codegen/matmul/tile.ts";
import { maxPages } from "../../../../core/devices/wasm/control.ts";
import type { VectorSet } from "../../../../core/devices/wasm/native/vector_writer.ts";
import { importMachineCode } from "../../../../core/devices/wasm/codegen/machine_code.ts";
import { sizeOf } from "../../../../core/shape.ts";
import { growTo, machineCodes } from "../../../support/machine_code.ts";
import { isLong } from "../../../support/share.ts";
import assert from "node:assert/strict";

/** A float array of either width. */
export type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Tiles in WebAssembly, by their columns, or in machine code. */
type Tiling = TileColumns | VectorSet["name"];

/** How a kernel is run. */
export interface RunOptions {
  readonly threads: number;
  /** Through an epilogue that adds result + 1 to the output, so that a block done twice or not at all shows. */
  readonly epilogue: boolean;
  /** The tiles of matrix products: their columns in WebAssembly, or the vectors of machine code. */
  readonly tiles: Tiling;
  /** Which of several algorithms; the one that is estimated to be the fastest if not given. */
  readonly algorithm?: number;
  /** What writes the kernel, if it is not its generator; results of other kernels that it writes are thrown away. */
  readonly write?: (context: GeneratorContext) => readonly Phase[];
}

/** A kernel made ready: buffers in place, to be run as often as wanted. */
export interface PreparedKernel {
  /** The algorithms that there are for it, if it has a choice. */
  readonly algorithms: readonly string[];
  /** All pieces of every phase. */
  run(): void;
  /** A copy of the output buffer. */
  output(): Floats;
  /** Fails if anything around the buffers was written. */
  checkSurroundings(): void;
  /** Frees its machine code. */
  free(): void;
}

const pageBytes = 65536;
const tableSlots = 64;
const gapBytes = 256;

/** A program of one kernel over float buffers; the last buffer is the output. */
function programOf(kernel: Kernel, inputs: readonly Floats[], outputSize: number): Program {
  const dtype = inputs[0] instanceof Float64Array ? "f64" : "f32";
  const outputId = inputs.length;
  return {
    buffers: [
      ...inputs.map((values, index) => ({ dtype, size: values.length, location: { kind: "input", index } }) as const),
      { dtype, size: outputSize, location: { kind: "output", index: 0 } } as const,
    ],
    slots: [],
    kernels: [kernel],
    inputs: inputs.map((_, id) => id),
    outputs: [outputId],
  };
}

/** Compiles one kernel and places its buffers. */
export function prepare(
  kernel: SimpleKernel,
  inputs: readonly Floats[],
  { threads, epilogue, tiles, algorithm, write }: RunOptions,
): PreparedKernel {
  const outputSize = kernel.shape.reduce((product, extent) => product * extent, 1);
  const program = programOf(kernel, inputs, outputSize);
  const wide = inputs[0] instanceof Float64Array;
  const width = wide ? 8 : 4;
  const module = new WasmModule();
  let privateBytes = 0;
  let algorithms: readonly string[] = [];
  const shared: number[] = [];
  const outputId = inputs.length;
  const resultSlot = outputId + 1;
  module.importMemory("env", "memory", 1, maxPages);
  const machine = typeof tiles === "string" ? machineCodes.get(tiles)! : undefined;
  const native = machine?.code.program();
  const nativeTiles = native && importMachineCode(module, native);
  const written: Epilogue = epilogue
    ? { slot: resultSlot, func: addResult(module, kernel.shape, outputId, wide) }
    : { slot: outputId, func: undefined };
  const context: GeneratorContext = {
    module,
    vector: vectorEmitter(new Map()),
    doubles: doubleEmitter(new Map()),
    scalar: scalarEmitter(new Map()),
    program,
    threads,
    tiles: (_, columns) =>
      nativeTiles?.(Infinity, columns) ?? wasmTiles(module, columns > narrowTile && tiles === wideTile ? wideTile : narrowTile),
    choose: (names, best) => {
      algorithms = names;
      return algorithm ?? best;
    },
    privateScratch: (bytes) => void (privateBytes = Math.max(privateBytes, bytes)),
    sharedScratch: (bytes) => resultSlot + shared.push(bytes),
    derivedScratch: (bytes) => ({ slot: resultSlot + shared.push(bytes), stale: undefined }),
    epilogue: (each) =>
      each === kernel ? written : { slot: resultSlot + shared.push(sizeOf(each.shape) * width), func: undefined },
    planeEpilogue: () => ({ ...written, imageStep: outputSize / kernel.shape[0] }),
    blockEpilogue: (_, row) =>
      epilogue
        ? { slot: undefined, func: addResult(module, kernel.shape, outputId, wide, row) }
        : { slot: outputId, func: undefined },
  };
  const phases = write?.(context) ?? emitKernel(context, kernel);
  exportPhases(module, phases);
  const compiled = new WebAssembly.Module(module.finish());

  let end = pageBytes;
  const place = (bytes: number): number => {
    const at = end + gapBytes;
    end = Math.ceil((at + bytes + gapBytes) / 64) * 64;
    return Math.ceil(at / 64) * 64;
  };
  const sizes = [...inputs.map((values) => values.length * width), outputSize * width];
  const addresses = sizes.map(place);
  const result = place(outputSize * width);
  const sharedAt = shared.map(place);
  const privateAt = Array.from({ length: threads }, () => place(privateBytes));
  const pages = Math.ceil((end + gapBytes) / pageBytes) + 1;
  const memory = machine?.memory ?? new WebAssembly.Memory({ initial: pages, maximum: maxPages, shared: true });
  growTo(memory, pages * pageBytes);
  const words = new Int32Array(memory.buffer);
  const nan = wide ? new Float64Array(memory.buffer) : new Float32Array(memory.buffer);
  nan.fill(NaN, pageBytes / width, pages * pageBytes / width);
  words.set([...addresses, result, ...sharedAt], 0);
  const view = (at: number, length: number) =>
    wide ? new Float64Array(memory.buffer, at, length) : new Float32Array(memory.buffer, at, length);
  inputs.forEach((values, i) => view(addresses[i], values.length).set(values));
  const output = view(addresses[outputId], outputSize);
  if (epilogue) output.fill(0);
  assert.ok(resultSlot + shared.length < tableSlots);

  assert.ok(native?.place() ?? true);
  const imports: WebAssembly.Imports = { env: { memory }, native: native ? { call: native.call } : {} };
  const exports = new WebAssembly.Instance(compiled, imports).exports as Record<string, (...a: number[]) => void>;
  return {
    algorithms,
    free: () => native?.free(),
    run: () =>
      phases.forEach(({ pieces, remembers }, i) => {
        if (remembers) { for (const at of privateAt) words[at / 4] = 0; }
        for (let piece = pieces - 1; piece >= 0; piece--) exports[`phase${i}`](0, piece, privateAt[(piece + i) % threads]);
      }),
    output: () => output.slice() as Floats,
    checkSurroundings: () => {
      const regions = [
        ...sizes.map((bytes, i) => [addresses[i], bytes]),
        [result, outputSize * width],
        ...shared.map((bytes, i) => [sharedAt[i], bytes]),
        ...privateAt.map((at) => [at, privateBytes]),
      ];
      for (const [at, bytes] of regions) {
        const before = view(at - 64, 64 / width);
        const after = view(Math.ceil((at + bytes) / width) * width, 64 / width);
        assert.ok(before.every(Number.isNaN) && after.every(Number.isNaN), "wrote around a buffer");
      }
    },
  };
}

function exportPhases(module: WasmModule, phases: readonly Phase[]): void {
  phases.forEach(({ func }, i) =>
    module.func({ params: phaseParams, export: `phase${i}` }, (c) => c.get(0).get(1).get(2).call(func))
  );
}

/** An epilogue: output[row, column] += result[row, column] + 1; rows of the result are `resultRow` elements apart. */
function addResult(
  module: WasmModule,
  shape: readonly number[],
  outputId: number,
  wide: boolean,
  resultRow = shape[shape.length - 1],
): number {
  const columns = shape[shape.length - 1];
  const type = wide ? "f64" : "f32";
  return module.func({ params: epilogueParams }, (c) => {
    const [table, result, row0, row1, column0, column1] = [0, 1, 2, 3, 4, 5];
    const [row, column, offset, to, from] = [c.local("i32"), c.local("i32"), c.local("i32"), c.local("i32"), c.local("i32")];
    c.for(row, () => c.get(row0), () => c.get(row1), 1, () => {
      c.for(column, () => c.get(column0), () => c.get(column1), 1, () => {
        c.get(row).i32(columns).op("i32.mul").get(column).op("i32.add").i32(wide ? 8 : 4).op("i32.mul").set(offset);
        c.get(table).mem("i32.load", outputId * 4).get(offset).op("i32.add").tee(to);
        c.get(row).i32(resultRow).op("i32.mul").get(column).op("i32.add").i32(wide ? 8 : 4).op("i32.mul");
        c.get(result).op("i32.add").set(from);
        c.get(to).mem(`${type}.load`).get(from).mem(`${type}.load`).op(`${type}.add`);
        (wide ? c.f64(1) : c.f32(1)).op(`${type}.add`).mem(`${type}.store`);
      });
    });
  });
}

/** A small deterministic source of numbers in [-1, 1). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  };
}

/** Values for a buffer. */
export function randomFloats(size: number, next: () => number, wide = false): Floats {
  return wide ? Float64Array.from({ length: size }, next) : Float32Array.from({ length: size }, next);
}

/** The kinds of kernels that are made of tiles. */
const tiled: ReadonlySet<string> = new Set(["matmul", "conv2d", "conv2dInputGrad", "conv2dFilterGrad"]);

/** A way to run a kernel: on how many threads, by which tiles, whether through an epilogue. */
type Way = readonly [threads: number, tiles: Tiling, epilogue: boolean];

/** How many kernels of a kind have been run. */
const counts = new Map<string, number>();

/**
 * All ways. In quick tests a kernel that is made of tiles is run by each of them with one number of threads, and with or without an
 * epilogue: the next of its kind with others, so that after six of them all ways had their turn.
 */
function waysOf(kernel: SimpleKernel, wide: boolean): readonly Way[] {
  const isTiled = tiled.has(kernel.kind);
  const tilings = [narrowTile, ...(isTiled ? [wideTile] : []), ...(isTiled && !wide ? machineCodes.keys() : [])];
  const count = counts.get(kernel.kind) ?? 0;
  counts.set(kernel.kind, count + 1);
  const isInTurn = (threads: number, i: number, epilogue: boolean) =>
    (threads + i + count) % 3 === 0 && (i + Math.floor(count / 3)) % 2 === Number(epilogue);
  return [1, 2, 3].flatMap((threads) =>
    tilings.flatMap((tiles, i) =>
      [false, true].flatMap((epilogue) =>
        isLong || !isTiled || isInTurn(threads, i, epilogue) ? [[threads, tiles, epilogue] as const] : []
      )
    )
  );
}

/** Runs a kernel in several ways (threads, with and without epilogue, all tiles, every algorithm) and compares with what it should give. */
export function checkKernel(
  kernel: SimpleKernel,
  inputs: readonly Floats[],
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  const wide = inputs[0] instanceof Float64Array;
  for (const [threads, tiles, epilogue] of waysOf(kernel, wide)) {
    let count = 1;
    for (let algorithm = 0; algorithm < count; algorithm++) {
      const prepared = prepare(kernel, inputs, { threads, epilogue, tiles, algorithm });
      const { algorithms: { [algorithm]: name = "", length } } = prepared;
      count = length;
      prepared.run();
      const got = prepared.output();
      const way = `${threads} threads, tiles of ${tiles}${epilogue ? ", epilogue" : ""}${name && `, ${name}`}`;
      for (let i = 0; i < expected.length; i++) {
        const want = expected[i] + (epilogue ? 1 : 0);
        const same = Object.is(got[i], want) || (Number.isNaN(got[i]) && Number.isNaN(want)) ||
          Math.abs(got[i] - want) <= tolerance;
        if (same) continue;
        const what = `${kernel.kind} [${kernel.shape}], ${way}`;
        assert.fail(`${what}: element ${i} of ${expected.length} is ${got[i]}, expected ${want}`);
      }
      prepared.checkSurroundings();
      prepared.free();
    }
  }
}
