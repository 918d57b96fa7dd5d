/**
 * The yardstick of matrix products: how fast all threads together multiply and add when nothing is loaded or stored.
 *
 * @module
 */
import { WasmModule } from "../core/devices/wasm/codegen/assembler/module.ts";
import { peakFlopsPerRound, peakLoop } from "../core/devices/wasm/codegen/matmul/peak.ts";

/** Rounds of one call, a tenth of a millisecond: the optimizing compiler's code is used from the next call on only. */
const rounds = 20_000;
/** Calls of one measurement. */
const calls = 60;

/** The words that the threads share: how many measurements were begun (-1: no more), and how many threads have finished theirs. */
const words = { begun: 0, finished: 1 } as const;

/** Threads that measure the peak. */
export interface Peak {
  /** GFLOP/s of all threads together, now; takes some ten milliseconds. */
  measure(): number;
  /** Ends the threads. */
  stop(): void;
}

/** The message that a thread gets. */
interface Orders {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly shared: SharedArrayBuffer;
  readonly milliseconds: SharedArrayBuffer;
  readonly thread: number;
}

/** Starts threads for measuring, the calling one included; they sleep meanwhile. */
export function startPeak(threads: number): Peak {
  const module = new WasmModule();
  peakLoop(module, "loop");
  const bytes = module.finish();
  const shared = new SharedArrayBuffer(8);
  const milliseconds = new SharedArrayBuffer(8 * threads);
  const source = `data:text/javascript,const rounds = ${rounds}, calls = ${calls}; ${time} (${serve})();`;
  for (let thread = 1; thread < threads; thread++) {
    new Worker(source, { type: "module" }).postMessage({ bytes, shared, milliseconds, thread } satisfies Orders);
  }
  const state = new Int32Array(shared);
  const own = time(bytes);
  return {
    measure: () => {
      Atomics.store(state, words.finished, 0);
      Atomics.add(state, words.begun, 1);
      Atomics.notify(state, words.begun);
      const times = new Float64Array(milliseconds);
      times[0] = own();
      for (let done; (done = Atomics.load(state, words.finished)) < threads - 1;) Atomics.wait(state, words.finished, done);
      return times.reduce((sum, ms) => sum + calls * rounds * peakFlopsPerRound / ms / 1e6, 0);
    },
    stop: () => {
      // A thread that sleeps in shared memory cannot be terminated from outside.
      Atomics.store(state, words.begun, -1);
      Atomics.notify(state, words.begun);
    },
  };
}

/** A function that runs the loop and gives the milliseconds it took. Stands alone, as its text also runs in the threads. */
function time(bytes: Uint8Array<ArrayBuffer>): () => number {
  const { loop } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as { loop: (rounds: number) => number };
  return () => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) loop(rounds);
    return performance.now() - start;
  };
}

/** What a thread does. Stands alone but for `time`. */
function serve(): void {
  const scope = self as unknown as { onmessage: (event: MessageEvent<Orders>) => void; close: () => void };
  scope.onmessage = ({ data: { bytes, shared, milliseconds, thread } }) => {
    const state = new Int32Array(shared);
    const times = new Float64Array(milliseconds);
    const own = time(bytes);
    for (let begun = 0;;) {
      Atomics.wait(state, 0, begun);
      begun = Atomics.load(state, 0);
      if (begun < 0) return scope.close();
      times[thread] = own();
      Atomics.add(state, 1, 1);
      Atomics.notify(state, 1);
    }
  };
}
