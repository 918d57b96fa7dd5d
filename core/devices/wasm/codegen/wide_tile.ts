/**
 * The two tiles of a matrix product as loops to be timed against each other.
 *
 * V8 can merge operations on two neighbouring vectors into one of AVX2 (`--experimental-wasm-revectorize`), but tells nobody whether
 * it does. A tile of 6 by 16 is about twice as fast as one of 6 by 8 if so, and slower if not, for want of registers.
 *
 * @module
 */
import { WasmModule } from "./assembler/module.ts";
import { floatBytes } from "./emit/vectors.ts";
import { maxTileRows, microKernel, narrowTile, wideTile } from "./microkernel.ts";

/** Steps of the inner product in one call of a micro-kernel. */
const STEPS = 128;

/** The exported loops: (times). Each does the same number of multiply-adds for the same `times`, a multiple of two. */
export const tileLoops = { narrow: "narrow", wide: "wide" } as const;

/** A module that imports one page of memory of its own as "env" "memory". */
export function tileLoopsModule(): Uint8Array<ArrayBuffer> {
  const module = new WasmModule();
  module.importMemory("env", "memory", 1, 1);
  for (const name of [tileLoops.narrow, tileLoops.wide]) {
    const columns = name === tileLoops.wide ? wideTile : narrowTile;
    const tile = microKernel(module, {
      rows: maxTileRows,
      columns,
      lhsRow: 1,
      lhsStep: maxTileRows,
      rhsStep: columns,
      resultRow: columns,
      wholeSteps: true,
      accumulates: false,
    });
    const rhs = STEPS * maxTileRows * floatBytes;
    const result = rhs + STEPS * wideTile * floatBytes;
    module.func({ params: ["i32"], export: name }, (c) => {
      const i = c.local("i32");
      c.for(i, 0, () => c.get(0), columns / narrowTile, () => c.i32(0).i32(rhs).i32(result).i32(STEPS).i32(0).call(tile));
    });
  }
  return module.finish();
}
