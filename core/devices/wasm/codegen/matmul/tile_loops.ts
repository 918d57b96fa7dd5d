/**
 * The two tiles of a matrix product as loops to be timed against each other.
 *
 * V8 can merge operations on two neighbouring vectors into one of AVX2 (`--experimental-wasm-revectorize`), but does not tell
 * whether it does. A tile of 6 by 16 is about twice as fast as one of 6 by 8 if so, and slower if not, for want of registers.
 *
 * @module
 */
import { WasmModule } from "../assembler/module.ts";
import { wasmVectorWriter } from "../emit/vector_code.ts";
import { floatBytes } from "../emit/vectors.ts";
import { microKernel } from "./micro_kernel.ts";
import { maxTileRows, narrowTile, wideTile } from "./tile.ts";

/** Steps of the inner product in one call of a micro-kernel. */
const stepCount = 128;

/** The exported loops: (times). Each does the same number of multiply-adds for the same `times`, a multiple of two. */
export const tileLoops = { narrow: "narrow", wide: "wide" } as const;

/** A module that imports one page of memory of its own as "env" "memory". */
export function tileLoopsModule(): Uint8Array<ArrayBuffer> {
  const module = new WasmModule();
  module.importMemory("env", "memory", 1, 1);
  for (const name of [tileLoops.narrow, tileLoops.wide]) {
    const columns = name === tileLoops.wide ? wideTile : narrowTile;
    const tile = microKernel(wasmVectorWriter(module, name === tileLoops.wide ? 2 : 1), {
      rows: maxTileRows,
      columns,
      lhsRow: 1,
      lhsStep: maxTileRows,
      rhsStep: columns,
      resultRow: columns,
      wholeSteps: true,
      accumulates: false,
    });
    const rhs = stepCount * maxTileRows * floatBytes;
    const result = rhs + stepCount * wideTile * floatBytes;
    module.func({ params: ["i32"], export: name }, (c) => {
      const i = c.local("i32");
      c.for(i, 0, () => c.get(0), columns / narrowTile, () => c.i32(0).i32(rhs).i32(result).i32(stepCount).i32(0).call(tile));
    });
  }
  return module.finish();
}
