/**
 * Tiles in machine code: every size of them, each against the same tile in WebAssembly, bit by bit, with words around every operand that
 * must not be read or written.
 */
import assert from "node:assert/strict";
import { WasmModule } from "../../../../../core/devices/wasm/codegen/assembler/module.ts";
import { type VectorWriter, wasmVectorWriter } from "../../../../../core/devices/wasm/codegen/emit/vector_code.ts";
import { importMachineCode } from "../../../../../core/devices/wasm/codegen/machine_code.ts";
import {
  microKernel,
  tileColumn,
  tileLines,
  tileRow,
  type TileSpec,
} from "../../../../../core/devices/wasm/codegen/matmul/micro_kernel.ts";
import { heapStart, maxPages } from "../../../../../core/devices/wasm/control.ts";
import { type CodeInMemory, growTo, machineCodes } from "../../../../support/machine_code.ts";
import { noise } from "../../../../support/noise.ts";

type TileFunction = (lhs: number, rhs: number, result: number, steps: number, last: number, tiles: number) => void;

/** Where lines are asked for: behind the memory, as the last tiles of an operand may. */
const ahead = 2 ** 28;

/** Floats around each operand: NaN, which would show in what is computed from it. */
const guard = 64;

/** A tile, or a column or row of them, written for either. */
interface Tiles {
  readonly spec: TileSpec;
  /** Undefined for one tile; distances in a row. */
  readonly next?: "below" | "behind" | { readonly rhs: number; readonly result: number };
  /** Lines of so many such tiles and of one that has a row less, and the distance from line to line in the left matrix and the result. */
  readonly lines?: { readonly count: number; readonly lhs: number; readonly result: number };
}

function writeTiles(writer: VectorWriter, { spec, next, lines }: Tiles): number {
  if (lines) {
    return tileLines(writer, [{ spec, count: lines.count }, { spec: { ...spec, rows: spec.rows - 1 }, count: 1 }], lines);
  }
  if (next === undefined) return microKernel(writer, spec);
  return typeof next === "string" ? tileColumn(writer, spec, next) : tileRow(writer, spec, next);
}

/** The same functions in machine code and in WebAssembly. */
class Both {
  readonly #machine: CodeInMemory;
  readonly #native: TileFunction[] = [];
  readonly #wasm: TileFunction[] = [];
  readonly #free: () => void;

  constructor(machine: CodeInMemory, all: readonly Tiles[]) {
    this.#machine = machine;
    const { memory, code } = machine;
    growTo(memory, 2 ** 22);
    const program = code.program();
    const modules = [new WasmModule(), new WasmModule()] as const;
    for (const module of modules) module.importMemory("env", "memory", 1, maxPages);
    const writers = [importMachineCode(modules[0], program)(Infinity, 1)!.writer, wasmVectorWriter(modules[1])];
    const params = Array(6).fill("i32") as "i32"[];
    modules.forEach((module, i) =>
      all.forEach((tiles, number) => {
        const func = writeTiles(writers[i], tiles);
        module.func({ params, export: `tile${number}` }, (c) => {
          for (let param = 0; param < (tiles.next || tiles.lines ? 6 : 5); param++) c.get(param);
          if (tiles.spec.linesAhead) c.i32(ahead);
          c.call(func);
        });
      })
    );
    assert.ok(program.place());
    this.#free = () => program.free();
    const imports: WebAssembly.Imports = { env: { memory }, native: { call: program.call } };
    const [native, wasm] = modules.map((module) =>
      new WebAssembly.Instance(new WebAssembly.Module(module.finish()), imports).exports
    );
    all.forEach((_, number) => {
      this.#native.push(native[`tile${number}`] as TileFunction);
      this.#wasm.push(wasm[`tile${number}`] as TileFunction);
    });
  }

  /** Runs both on the same operands; gives the results with what is around them. */
  run(number: number, operands: Operands, steps: number, last: number, tiles: number): [Uint32Array, Uint32Array] {
    const { memory } = this.#machine;
    const { lhs, rhs, result } = operands;
    const sizes = [lhs.length, rhs.length, result.length];
    const floats = new Float32Array(memory.buffer, heapStart, 4 * guard + sizes.reduce((sum, size) => sum + size));
    const starts = [guard, 2 * guard + sizes[0], 3 * guard + sizes[0] + sizes[1]];
    const of = (run: TileFunction) => {
      floats.fill(NaN);
      floats.set(lhs, starts[0]);
      floats.set(rhs, starts[1]);
      floats.set(result, starts[2]);
      const [a, b, c] = starts.map((start) => heapStart + 4 * start);
      run(a, b, c, steps, last, tiles);
      return new Uint32Array(floats.slice().buffer);
    };
    return [of(this.#native[number]), of(this.#wasm[number])];
  }

  free(): void {
    this.#free();
  }
}

interface Operands {
  readonly lhs: Float32Array;
  readonly rhs: Float32Array;
  readonly result: Float32Array;
}

/** Operands as large as the tiles read: not a float more. */
function operandsOf({ spec, next, lines }: Tiles, steps: number, tiles: number, runs = 1): Operands {
  const { rows, columns, lhsRow, lhsStep, rhsStep, resultRow } = spec;
  const extent = (...counts: readonly (readonly [count: number, distance: number])[]) =>
    counts.some(([count]) => count === 0) ? 0 : 1 + counts.reduce((sum, [count, distance]) => sum + (count - 1) * distance, 0);
  const beside = typeof next === "object" ? next : undefined;
  const nextRows = beside ? 0 : next === "behind" ? steps * lhsStep : rows * lhsRow;
  if (lines) {
    const all = (lines.count + 1) * rows - 1;
    return {
      lhs: noise(1, extent([all, lhsRow], [steps, lhsStep], [tiles, lines.lhs])),
      rhs: noise(2, extent([columns, 1], [steps, rhsStep])),
      result: noise(3, extent([columns, 1], [all, resultRow], [tiles, lines.result])),
    };
  }
  const { lhs: lhsRun, rhs: rhsRun } = spec.runs ?? { lhs: 0, rhs: 0 };
  return {
    lhs: noise(1, extent([rows, lhsRow], [steps, lhsStep], [tiles, nextRows], [runs, lhsRun])),
    rhs: noise(2, extent([columns, 1], [steps, rhsStep], [runs, rhsRun], [tiles, beside?.rhs ?? 0])),
    result: noise(3, extent([columns, 1], [rows, resultRow], [tiles, beside?.result ?? rows * resultRow])),
  };
}

function assertSame([native, wasm]: readonly [Uint32Array, Uint32Array], what: string): void {
  for (let i = 0; i < wasm.length; i++) {
    if (native[i] !== wasm[i]) {
      assert.fail(`${what}: word ${i} is ${native[i].toString(16)}, in WebAssembly ${wasm[i].toString(16)}`);
    }
  }
}

const stepCounts = [0, 1, 2, 3, 4, 5, 8, 17];

for (const [name, machine] of machineCodes) {
  const { tileColumns } = machine.code.program();

  Deno.test(`native tiles, ${name}: every size, for every number of steps, added to the result or not`, () => {
    const layouts = [
      // Packed panels, and both operands in place.
      (rows: number, columns: number) => ({ lhsRow: 1, lhsStep: rows, rhsStep: Math.ceil(columns / 4) * 4, resultRow: columns }),
      (_: number, columns: number) => ({ lhsRow: 29, lhsStep: 1, rhsStep: columns + 3, resultRow: columns + 5 }),
    ];
    const sizes: Tiles[] = [];
    for (let rows = 1; rows <= 6; rows++) {
      const most = tileColumns * (rows === 1 ? 4 : rows === 2 ? 2 : 1);
      for (let columns = 1; columns <= most; columns += columns > tileColumns ? 7 : 1) {
        const layout = layouts[(rows + columns) % 2](rows, columns);
        sizes.push({ spec: { rows, columns, ...layout, wholeSteps: false, accumulates: true } });
      }
    }
    const both = new Both(machine, sizes);
    sizes.forEach((tiles, number) => {
      for (const steps of stepCounts) {
        for (const accumulate of [0, 1]) {
          const operands = operandsOf(tiles, steps, 1);
          const what = `${tiles.spec.rows} x ${tiles.spec.columns}, ${steps} steps, accumulate ${accumulate}`;
          assertSame(both.run(number, operands, steps, accumulate, 1), what);
        }
      }
    });
    both.free();
  });

  Deno.test(`native tiles, ${name}: columns of tiles, and runs of steps`, () => {
    const all: Tiles[] = [];
    for (const rows of [1, 2, 3, 5, 6]) {
      for (const columns of [1, 8, tileColumns - 3, tileColumns]) {
        const common = { rows, columns, rhsStep: columns, resultRow: columns + 1, accumulates: true };
        all.push({ spec: { ...common, lhsRow: 1, lhsStep: rows, wholeSteps: false }, next: "behind" });
        all.push({ spec: { ...common, lhsRow: 1, lhsStep: 40, wholeSteps: false }, next: "below" });
        all.push({ spec: { ...common, lhsRow: 40, lhsStep: 1, wholeSteps: false }, next: "below" });
        all.push({ spec: { ...common, lhsRow: 40, lhsStep: 1, wholeSteps: true, accumulates: false }, next: "below" });
        for (const linesAhead of [1, 2, 7]) {
          all.push({ spec: { ...common, lhsRow: 40, lhsStep: 1, wholeSteps: linesAhead === 1, linesAhead }, next: "below" });
        }
        const runs = { lhs: 13 * rows, rhs: 11 * columns };
        all.push({ spec: { ...common, lhsRow: 1, lhsStep: rows, wholeSteps: false, accumulates: false, runs } });
      }
    }
    const both = new Both(machine, all);
    all.forEach((tiles, number) => {
      for (const steps of tiles.spec.wholeSteps ? [0, 4, 12] : [0, 1, 6, 7]) {
        for (const count of [1, 2, 5]) {
          const { rows, columns, runs } = tiles.spec;
          const what = `${count} of ${rows} x ${columns} ${tiles.next ?? "in runs"}, ${steps} steps`;
          if (runs) assertSame(both.run(number, operandsOf(tiles, steps, 1, count), steps, count, 1), what);
          else {for (const accumulate of [0, 1]) {
              assertSame(both.run(number, operandsOf(tiles, steps, count), steps, accumulate, count), what);
            }}
        }
      }
    });
    both.free();
  });

  Deno.test(`native tiles, ${name}: lines of tiles of two sizes`, () => {
    const all: Tiles[] = [];
    for (const rows of [2, 4, 6]) {
      for (const columns of [8, tileColumns - 3, tileColumns]) {
        for (const [count, linesAhead] of [[1, 0], [1, 2], [3, 1]]) {
          const common = { rows, columns, lhsRow: 44, lhsStep: 1, rhsStep: columns, resultRow: columns };
          const total = (count + 1) * rows - 1;
          const lines = { count, lhs: (total + 2) * 44, result: total * columns };
          all.push({ spec: { ...common, wholeSteps: count === 1, accumulates: true, linesAhead }, lines });
        }
      }
    }
    const both = new Both(machine, all);
    all.forEach((tiles, number) => {
      for (const steps of tiles.spec.wholeSteps ? [0, 4, 12] : [0, 1, 6, 7]) {
        for (const count of [1, 2, 5]) {
          for (const accumulate of [0, 1]) {
            const what = `${count} lines of ${tiles.spec.rows} x ${tiles.spec.columns}, ${steps} steps`;
            assertSame(both.run(number, operandsOf(tiles, steps, count), steps, accumulate, count), what);
          }
        }
      }
    });
    both.free();
  });

  Deno.test(`native tiles, ${name}: rows of tiles of many rows, in runs, for images in lanes`, () => {
    const lanes = machine.code.vectors.lanes;
    const all: Tiles[] = [];
    for (const vectors of [1, 2]) {
      const most = lanes === 16 ? (vectors === 1 ? 30 : 14) : 6;
      for (let rows = 1; rows <= most; rows++) {
        const columns = vectors * lanes;
        const common = { rows, columns, lhsRow: 1, lhsStep: rows, rhsStep: columns, wholeSteps: false, accumulates: false };
        const spec = { ...common, resultRow: 5 * columns, runs: { lhs: 7 * rows, rhs: 9 * columns } };
        all.push({ spec, next: { rhs: 2 * columns, result: columns } });
      }
    }
    const both = new Both(machine, all);
    all.forEach((tiles, number) => {
      for (const [steps, runs, count] of [[0, 0, 1], [0, 2, 2], [1, 1, 5], [5, 3, 1], [7, 2, 4], [8, 0, 3]]) {
        const what = `${count} of ${tiles.spec.rows} x ${tiles.spec.columns}, ${runs} runs of ${steps} steps`;
        assertSame(both.run(number, operandsOf(tiles, steps, count, runs), steps, runs, count), what);
      }
    });
    both.free();
  });

  Deno.test(`native tiles, ${name}: what is no number stays none, and infinities and zeros keep their signs`, () => {
    const spec: TileSpec = {
      ...{ rows: 6, columns: tileColumns - 1, lhsRow: 1, lhsStep: 6, rhsStep: tileColumns, resultRow: tileColumns },
      ...{ wholeSteps: false, accumulates: true },
    };
    const both = new Both(machine, [{ spec }]);
    const operands = operandsOf({ spec }, 9, 1);
    const special = [NaN, Infinity, -Infinity, -0, 0, 1e38, -1e38, 1e-40];
    special.forEach((value, i) => {
      operands.lhs[i * 6] = value;
      operands.rhs[i * 5] = special[(i * 3) % special.length];
    });
    // Which NaN is not said.
    const plain = (words: Uint32Array) => words.map((word) => (word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word);
    const [native, wasm] = both.run(0, operands, 9, 1, 1);
    assertSame([plain(native), plain(wasm)], "special values");
    both.free();
  });
}

Deno.test("native tiles: the code of a program is freed with it, and its place is taken again", () => {
  for (const { code } of machineCodes.values()) {
    const placed = () => {
      const program = code.program();
      program.add(["count"], (c, [n]) => c.repeat(n, () => {}));
      assert.ok(program.place());
      return program;
    };
    const [first, second] = [placed(), placed()];
    assert.notEqual(first.offset, second.offset);
    const { offset } = first;
    first.free();
    first.free();
    const again = placed();
    assert.equal(again.offset, offset);
    for (const each of [second, again]) {
      each.call(0, 3, 0, 0, 0, 0, 0, 0);
      each.free();
    }
  }
});
