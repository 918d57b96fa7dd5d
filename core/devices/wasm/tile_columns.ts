/**
 * Which tile matrix products should have on this engine, by measurement: only time tells whether vectors are merged in pairs.
 *
 * @module
 */
import { narrowTile, type TileColumns, wideTile } from "./codegen/matmul/tile.ts";
import { tileLoops, tileLoopsModule } from "./codegen/matmul/tile_loops.ts";

/** Milliseconds after which the narrow tile is taken; on an idle machine three or four are enough. */
const timeLimit = 20;
/** Calls of a micro-kernel in one measurement: about 10 microseconds of machine code. */
const callsPerMeasurement = 32;
/** Measurements of a loop before the optimizing compiler can have finished it, and after. */
const baselineMeasurements = 3;
const optimizedMeasurements = 8;
/** Calls of a micro-kernel after which V8 asks the optimizing compiler for it, and half as many more. */
const callsToOptimize = 384;
/** The optimizing compiler makes a loop at least this much faster than the baseline compiler. */
const optimizedSpeedup = 1.8;
/** The wide tile must be this much faster: with pairs of vectors it is 1.4 to 1.9 times as fast, without them slower. */
const requiredSpeedup = 1.15;

let loops: { readonly narrow: Stopwatch; readonly wide: Stopwatch } | undefined;
let known: TileColumns | undefined;

/** Lets the optimizing compiler begin with the loops that are to be timed, if it has not: it takes some milliseconds. */
export function prepareTileColumns(): void {
  loops ??= makeLoops();
}

/** The better tile. The first call takes a few milliseconds if nothing was prepared, later ones none. */
export function measuredTileColumns(): TileColumns {
  return known ??= measure(loops ??= makeLoops());
}

function makeLoops(): NonNullable<typeof loops> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(tileLoopsModule()), { env: { memory } });
  return {
    narrow: new Stopwatch(exports[tileLoops.narrow] as Loop),
    wide: new Stopwatch(exports[tileLoops.wide] as Loop),
  };
}

function measure({ narrow, wide }: NonNullable<typeof loops>): TileColumns {
  const deadline = performance.now() + timeLimit;
  while (!(narrow.settled && wide.settled)) {
    if (performance.now() > deadline) return narrowTile;
    narrow.measure();
    wide.measure();
  }
  return wide.best * requiredSpeedup < narrow.best ? wideTile : narrowTile;
}

type Loop = (times: number) => void;

/** Times a loop that the optimizing compiler takes over at some moment. */
class Stopwatch {
  /** Least milliseconds. */
  best = Infinity;
  readonly #loop: Loop;
  #baseline = Infinity;
  #measured = 0;
  #optimized = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
    // The first call compiles, and by the last one the optimizing compiler has been asked for.
    loop(2);
    for (let i = 0; i < baselineMeasurements; i++) this.measure();
    loop(callsToOptimize);
  }

  get settled(): boolean {
    return this.#optimized >= optimizedMeasurements;
  }

  measure(): void {
    const start = performance.now();
    this.#loop(callsPerMeasurement);
    this.best = Math.min(this.best, performance.now() - start);
    if (this.#measured++ < baselineMeasurements) this.#baseline = this.best;
    else if (this.best * optimizedSpeedup < this.#baseline) this.#optimized++;
  }
}
