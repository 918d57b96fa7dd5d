/**
 * Whether the algorithm that is chosen for a convolution is the fastest: random shapes, each computed by every algorithm that can.
 *
 * ```sh
 * deno task bench:choice --shapes 300
 * ```
 *
 * Prints a JSON object for each shape where the chosen one takes more than 1.15 of the least time, and one at the end: the share of those
 * where it does not. On one thread and vectors of 128 bits, by least times, so that other programs disturb little.
 *
 * @module
 */
import { emitProgram } from "../core/devices/wasm/codegen/program.ts";
import { narrowTile } from "../core/devices/wasm/codegen/matmul/tile.ts";
import type { ConvKernel } from "../core/ir/kernel.ts";
import type { Program } from "../core/ir/program.ts";
import type { ConvGeometry } from "../core/ir/windows.ts";
import { randomStream } from "../core/random_stream.ts";
import { contiguousStrides, type Shape, sizeOf } from "../core/shape.ts";
import { Command } from "../dev_deps.ts";
import { integer } from "./options.ts";

const { shapes: count, seed, milliseconds, depthwise } = new Command()
  .name("bench:choice")
  .description("Whether the algorithm that is chosen for a convolution is the fastest, as JSON.")
  .option("--shapes <count>", "how many random convolutions", integer(1), 300)
  .option("--seed <number>", "of the random shapes", integer(0), 0)
  .option("--milliseconds <count>", "how long each algorithm is timed", integer(1), 100)
  .option("--depthwise", "of single channels")
  .parse(Deno.args, { from: "user" })
  .opts();

/** Most multiply-adds of a shape: some milliseconds. */
const mostMultiplyAdds = 4e7;

const random = randomStream([0, seed]);
const among = <T>(values: readonly T[]): T => values[random.below(values.length)];

function randomGeometry(): ConvGeometry {
  for (;;) {
    const [n, c] = [among([1, 2, 4, 8, 16, 32, 64, 256]), channels()];
    const [o, groups] = depthwise ? [c, c] : [channels(), 1];
    const size = among([1, 2, 4, 7, 8, 14, 16, 28, 32, 56, 112]);
    const [k, stride] = [among([1, 3, 3, 3, 5, 7]), among([1, 1, 1, 2])];
    const pad = k >> 1;
    const out = Math.floor((size + 2 * pad - k) / stride) + 1;
    const madds = n * c / groups * o * k * k * out * out;
    if (madds < 4e5 || madds > mostMultiplyAdds) continue;
    const both = (value: number) => [value, value] as const;
    const padding = { top: pad, bottom: pad, left: pad, right: pad };
    const extents = { n, c, o, h: size, w: size, oh: out, ow: out, kh: k, kw: k };
    return { ...extents, groups, stride: both(stride), dilation: both(1), padding };
  }
}

/** Mostly even numbers, as networks have. */
function channels(): number {
  return among([1, 3, 6, 10, 16, 20, 32, 48, 64, 96, 128, 256, 512]);
}

/** The program of one convolution. */
function programOf(kind: ConvKernel["kind"], g: ConvGeometry): Program {
  const [x, weight, y]: Shape[] = [[g.n, g.c, g.h, g.w], [g.o, g.c / g.groups, g.kh, g.kw], [g.n, g.o, g.oh, g.ow]];
  const [lhs, rhs, domain] = { conv2d: [x, weight, y], conv2dInputGrad: [y, weight, x], conv2dFilterGrad: [x, y, weight] }[kind];
  const access = (buffer: number, shape: Shape) => ({ buffer, offset: 0, strides: contiguousStrides(shape) });
  const value = { kind: "result", type: "f32", slot: 0 } as const;
  return {
    buffers: [lhs, rhs].map((shape, index) => ({
      dtype: "f32" as const,
      size: sizeOf(shape),
      location: { kind: "input" as const, index },
    }))
      .concat([{ dtype: "f32", size: sizeOf(domain), location: { kind: "input", index: 2 } }]),
    slots: [],
    kernels: [{
      kind,
      shape: domain,
      geometry: g,
      operands: [access(0, lhs), access(1, rhs)],
      loads: [],
      stores: [{ ...access(2, domain), value }],
    }],
    inputs: [0, 1, 2],
    outputs: [2],
  };
}

/** The least time of a program in microseconds, and which algorithms there are for it, if one of them is taken by number. */
function timeOf(program: Program, wanted: number | undefined): { us: number; names: readonly string[]; chosen: number } {
  let [names, chosen]: [readonly string[], number] = [[], 0];
  const code = emitProgram(program, {
    threads: 1,
    spins: 0,
    separate: true,
    tileColumns: () => narrowTile,
    choose: (all, best) => {
      names = all;
      return chosen = wanted ?? best;
    },
  });
  let end = 65536;
  const place = (bytes: number) => {
    const at = end;
    end += Math.ceil(bytes / 64) * 64 + 64;
    return at;
  };
  const buffers = program.buffers.map(({ size }) => place(4 * size));
  const shared = place(code.sharedBytes);
  const scratch = place(code.privateBytes);
  const pages = Math.ceil(end / 65536) + 1;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  new Int32Array(memory.buffer).set([
    ...buffers,
    // One kernel has no equals, so that no slot is a copy.
    ...code.slots.map((slot) => slot.kind === "shared" ? shared + slot.offset : 0),
  ]);
  const values = new Float32Array(memory.buffer, buffers[0], (shared - buffers[0]) / 4);
  for (let i = 0; i < values.length; i++) values[i] = random.uniform(-0.5, 0.5);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory } });
  const run = exports.run0 as (table: number, thread: number, scratch: number) => void;
  let least = Infinity;
  const timed = (until: number) => {
    for (const begun = performance.now(); performance.now() - begun < until;) {
      const start = performance.now();
      run(0, 0, scratch);
      least = Math.min(least, performance.now() - start);
    }
  };
  timed(milliseconds / 2);
  timed(milliseconds);
  return { us: Math.round(least * 1000), names, chosen };
}

const kinds = ["conv2d", "conv2dInputGrad", "conv2dFilterGrad"] as const;
let [good, all] = [0, 0];
for (let i = 0; i < count; i++) {
  const [kind, g] = [kinds[i % 3], randomGeometry()];
  const program = programOf(kind, g);
  const own = timeOf(program, undefined);
  const times = own.names.map((_, wanted) => wanted === own.chosen ? own.us : timeOf(program, wanted).us);
  const ratio = own.us / Math.min(...times);
  all++;
  if (ratio <= 1.15) good++;
  else {
    const shape = [g.n, g.c, g.h, g.o, g.kh, g.stride[0]].join(":");
    const us = Object.fromEntries(own.names.map((name, k) => [name, times[k]]));
    console.log(JSON.stringify({ kind, shape, chosen: own.names[own.chosen], ratio: Number(ratio.toFixed(2)), us }));
  }
}
console.log(JSON.stringify({ shapes: all, chosenWithin15Percent: Number((good / all).toFixed(3)) }));
