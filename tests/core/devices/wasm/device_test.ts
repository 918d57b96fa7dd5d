/**
 * The wasm device beyond what the kernel cases cover: accuracy over ranges, work shared among threads, memory, failures, processes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { binary, type Expr, type ScalarType, unary, type UnaryOp } from "../../../../core/ir/expr.ts";
import type { Access, MatmulKernel, ReduceKernel, ReduceOp } from "../../../../core/ir/kernel.ts";
import type { HostArray } from "../../../../core/dtype.ts";
import { DeviceError } from "../../../../core/errors.ts";
import { Allocator, blockSize } from "../../../../core/devices/wasm/allocator.ts";
import { createWasmDevice } from "../../../../core/devices/wasm/device.ts";
import { doubleMath } from "../../../../core/ir/functions/double.ts";
import { assertClose } from "../../../support/close.ts";
import { buildCase, type KernelCase } from "../../../support/kernel_cases/builder.ts";
import { sortCases } from "../../../support/kernel_cases/sort.ts";
import { noise } from "../../../support/noise.ts";
import { checkCase } from "../../../support/run_case.ts";
import { isLong } from "../../../support/share.ts";

/** Threads belong to the device, which lives on. */
const longLived = { sanitizeOps: false, sanitizeResources: false };
const exactly = { relative: 0, absolute: 0 };
const withWorkers = async (threads: number) => ({ threads, device: await createWasmDevice({ threads }).started() });
const devices = await Promise.all([1, 2, 3].map(withWorkers));

const load = (slot: number, type: ScalarType = "f32"): Expr => ({ kind: "load", type, slot });
const result = (slot: number, type: ScalarType = "f32"): Expr => ({ kind: "result", type, slot });

type WasmDevice = ReturnType<typeof createWasmDevice>;

/** Runs a case with host inputs and gives its outputs; nothing stays behind. */
function runOn(device: WasmDevice, { program, inputs }: KernelCase): HostArray[] {
  const executable = device.compile(program);
  const outputs = executable.run(inputs);
  const values = outputs.map((output) => device.downloadNow(output)!);
  outputs.forEach((output) => device.free(output));
  executable.destroy();
  return values;
}

function mapCase(
  shape: readonly number[],
  inputs: readonly (readonly [values: Float32Array, strides: readonly number[], offset?: number])[],
  value: Expr,
): KernelCase {
  return buildCase("map", exactly, (p) => {
    const loads = inputs.map(([values, strides, offset = 0]): Access => ({ buffer: p.input("f32", values), offset, strides }));
    const size = shape.reduce((product, extent) => product * extent, 1);
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
    p.run({ kind: "map", operands: [], shape, loads, stores: [{ buffer: p.output("f32", size), offset: 0, strides, value }] });
  });
}

Deno.test({ name: "wasm: the number of threads is checked", ...longLived }, () => {
  for (const threads of [0, -1, 1.5, NaN, 1000]) assert.throws(() => createWasmDevice({ threads }), RangeError);
});

/** A product of square matrices. */
function productOf(size: number): KernelCase {
  return buildCase("product", exactly, (p) => {
    const whole = (buffer: number): Access => ({ buffer, offset: 0, strides: [size * size, size, 1] });
    const operands: MatmulKernel["operands"] = [
      whole(p.input("f32", noise(1, size ** 2))),
      whole(p.input("f32", noise(2, size ** 2))),
    ];
    const stores = [{ ...whole(p.output("f32", size ** 2)), value: result(0) }];
    p.run({ kind: "matmul", shape: [1, size, size], k: size, operands, loads: [], stores });
  });
}

/** A map of which the second half of the points reads below address 0, wherever the input lies: with threads, only the last of them fail. */
const failing = mapCase([2, 2 ** 16], [[noise(1, 2 ** 20), [-(2 ** 28), -1], 2 ** 16]], load(0));

Deno.test({ name: "wasm: workers start with a program that is worth it, or with small ones that add up", ...longLived }, () => {
  const [{ URL }, { now }] = [globalThis, performance];
  let [started, time] = [0, 0];
  globalThis.URL = class extends URL {
    constructor(url: string | URL, base?: string | URL) {
      super(url, base);
      if (this.protocol === "data:") started++;
    }
  } as typeof URL;
  try {
    const expected = runOn(createWasmDevice({ threads: 1 }), productOf(400));
    const alone = createWasmDevice({ threads: 3 });
    // Two workers are worth 40 milliseconds, of which each product is taken to need 6.4, and then takes 5.
    performance.now = () => time += 5;
    for (let i = 1; i <= 8; i++) {
      if (i === 8) performance.now = now;
      if (i < 4) assert.throws(() => runOn(alone, failing), DeviceError);
      assert.deepEqual(runOn(alone, productOf(400)), expected);
      assert.equal(started, i < 8 ? 0 : 2);
    }
    assert.throws(() => runOn(alone, failing), DeviceError);
    assert.deepEqual(runOn(alone, productOf(400)), expected);
    started = 0;
    runOn(createWasmDevice({ threads: 2 }), productOf(600));
    assert.equal(started, 1);
  } finally {
    performance.now = now;
    globalThis.URL = URL;
  }
});

Deno.test({ name: "wasm: workers that do not start are waited for once", ...longLived }, () => {
  const [{ URL }, { now }, { wait }] = [globalThis, performance, Atomics];
  const large = productOf(600);
  const device = createWasmDevice({ threads: 2 });
  // What workers are to run is nothing, and waiting moves the clock on.
  let time = 0;
  globalThis.URL = class extends URL {
    constructor() {
      super("data:text/javascript,");
    }
  } as typeof URL;
  performance.now = () => time;
  Atomics.wait = (_words: unknown, _index: number, _value: unknown, limit = Infinity) => {
    time += limit;
    return "timed-out";
  };
  try {
    for (let i = 0; i < 3; i++) {
      const message = /only 0 of 1 workers have started in 30 s, create the wasm device with one thread/;
      assert.throws(() => runOn(device, large), (error) => error instanceof DeviceError && message.test(error.message));
      assert.deepEqual([time, device.bytesInUse], [30_000, 0]);
    }
  } finally {
    globalThis.URL = URL;
    performance.now = now;
    Atomics.wait = wait;
  }
});

const accuracy: readonly (readonly [op: UnaryOp, low: number, high: number, relative: number, absolute?: number])[] = [
  ["exp", -87, 88.7, 1.2e-7],
  ["exp", -103, -87, 1e-7, 1.5e-45],
  ["log", 1e-30, 0.5, 1.2e-7],
  ["log", 0.5, 2, 1.2e-7],
  ["log", 1e-45, 1e-37, 1.2e-7],
  ["log", 1, 1e30, 1.2e-7],
  ["expm1", -1, 1, 2e-7],
  ["expm1", -30, 88, 2e-7],
  ["log1p", -0.99, 1, 3e-7],
  ["log1p", -1e-3, 1e-3, 3e-7],
  ["sin", -4, 4, 2.5e-7],
  ["sin", -1e5, 1e5, 2.5e-7, 1.2e-7],
  ["cos", -4, 4, 2.5e-7],
  ["cos", -1e4, 1e4, 2.5e-7, 1.2e-7],
  ["tan", -1.5, 1.5, 3e-7],
  ["asin", -1, 1, 3e-7],
  ["acos", -1, 1, 3e-7],
  ["atan", -5, 5, 3e-7],
  ["atan", -1e6, 1e6, 3e-7],
  ["sinh", -2, 2, 3e-7],
  ["sinh", -89, 89, 3e-7],
  ["cosh", -89, 89, 3e-7],
  ["tanh", -1, 1, 3e-7],
  ["tanh", -12, 12, 3e-7],
  ["erf", -1.1, 1.1, 3e-7],
  ["erf", -5, 5, 3e-7],
];

Deno.test({ name: "wasm: functions of f32 are good to a few units in the last place", ...longLived }, async (t) => {
  const host = doubleMath() as unknown as Record<string, (x: number) => number>;
  for (const [op, low, high, relative, absolute = 0] of accuracy) {
    await t.step(`${op} from ${low} to ${high}`, () => {
      const x = noise(7, 20_001).map((u) => low + (u + 1) / 2 * (high - low));
      const [y] = runOn(devices[0].device, mapCase([x.length], [[x, [1]]], unary(op, load(0))));
      assertClose(y, Array.from(x, (value) => host[op](value)), { relative, absolute }, op);
    });
  }
});

Deno.test({ name: "wasm: odd functions keep the sign of zero", ...longLived }, () => {
  for (const op of ["sin", "tan", "asin", "atan", "sinh", "tanh", "erf", "expm1", "log1p", "neg"] as const) {
    const [y] = runOn(devices[0].device, mapCase([2], [[Float32Array.of(-0, 0), [1]]], unary(op, load(0))));
    const expected = op === "neg" ? [0, -0] : [-0, 0];
    assert.deepEqual(Array.from(y), expected, op);
  }
});

Deno.test({ name: "wasm: an odd number of threads sorts too", ...longLived }, async () => {
  for (const one of sortCases.filter((_, i) => isLong || i % 3 === 0)) await checkCase(devices[2].device, one);
});

for (const { threads, device } of devices) {
  Deno.test({ name: `wasm, ${threads} threads: large maps`, ...longLived }, async (t) => {
    const [rows, columns] = [517, 401];
    const x = noise(1, rows * columns);
    const bias = noise(2, columns);
    const at = (i: number, j: number) => i * columns + j;
    const grid = (f: (i: number, j: number) => number) =>
      Float32Array.from({ length: rows * columns }, (_, n) => f(Math.floor(n / columns), n % columns));
    await t.step("columns shared", () => {
      const big = noise(3, 300_001);
      const [y] = runOn(device, mapCase([big.length], [[big, [1]]], binary("mul", load(0), 2)));
      assertClose(y, big.map((value) => value * 2), exactly, "doubled");
    });
    await t.step("rows shared, a broadcast row", () => {
      const sum = binary("add", load(0), load(1));
      const [y] = runOn(device, mapCase([rows, columns], [[x, [columns, 1]], [bias, [0, 1]]], sum));
      assertClose(y, grid((i, j) => Math.fround(x[at(i, j)] + bias[j])), exactly, "sum");
    });
    await t.step("transposed and flipped", () => {
      const [y] = runOn(device, mapCase([columns, rows], [[x, [1, columns]]], load(0)));
      assertClose(y, Float32Array.from(y, (_, n) => x[at(n % rows, Math.floor(n / rows))]), exactly, "transposed");
      const [z] = runOn(device, mapCase([rows, columns], [[x, [columns, -1], columns - 1]], load(0)));
      assertClose(z, grid((i, j) => x[at(i, columns - 1 - j)]), exactly, "flipped");
    });
    await t.step("transposed in blocks", () => {
      const square = noise(4, 256 * 320);
      const [y] = runOn(device, mapCase([320, 256], [[square, [1, 320]]], load(0)));
      assertClose(y, Float32Array.from(y, (_, n) => square[(n % 256) * 320 + Math.floor(n / 256)]), exactly, "transposed");
    });
    await t.step("positions", () => {
      const place: Expr = { kind: "index", type: "i32", offset: 5, strides: [1000, -3] };
      const value: Expr = { kind: "cast", type: "f32", x: place };
      const [y] = runOn(device, mapCase([rows, columns], [], value));
      assertClose(y, grid((i, j) => 5 + 1000 * i - 3 * j), exactly, "positions");
    });
  });

  Deno.test({ name: `wasm, ${threads} threads: large reductions`, ...longLived }, async (t) => {
    const reduceCase = (
      values: Float32Array,
      shape: number[],
      window: number[],
      strides: number[],
      ops: ReduceOp[],
    ): KernelCase =>
      buildCase("reduce", exactly, (p) => {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const dense = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, extent) => product * extent, 1));
        const operands = [{ buffer: p.input("f32", values), offset: 0, strides }];
        const kernel: ReduceKernel = {
          kind: "reduce",
          shape,
          window,
          loads: [],
          operands,
          reductions: ops.map((op) => ({ op, value: load(0) })),
          stores: ops.map((op, k) => {
            const type = op.startsWith("arg") ? "i32" : "f32";
            return { buffer: p.output(type, size), offset: 0, strides: dense, value: result(k, type) };
          }),
        };
        p.run(kernel);
      });
    const total = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0);

    await t.step("a sum of a million is good to 1e-6", () => {
      const ones = noise(5, 1_000_003).map((u) => 1 + u);
      const [y] = runOn(device, reduceCase(ones, [], [ones.length], [1], ["sum"]));
      assertClose(y, [total(ones)], { relative: 3e-7, absolute: 0 }, "sum");
    });
    await t.step("sums down long columns", () => {
      const [length, columns] = [100_003, 7];
      const values = noise(6, length * columns).map((u) => 1 + u);
      const [y] = runOn(device, reduceCase(values, [columns], [length], [1, columns], ["sum"]));
      const expected = Array.from({ length: columns }, (_, j) => total(values.filter((_, n) => n % columns === j)));
      assertClose(y, expected, { relative: 3e-7, absolute: 0 }, "sums");
    });
    await t.step("channels of a batch of images", () => {
      const [n, c, pixels] = [40, 3, 577];
      const values = noise(8, n * c * pixels);
      const [sums, most, where] = runOn(
        device,
        reduceCase(values, [c], [n, pixels], [pixels, c * pixels, 1], ["sum", "max", "argmax"]),
      );
      for (let channel = 0; channel < c; channel++) {
        const own = values.filter((_, i) => Math.floor(i / pixels) % c === channel);
        const best = own.reduce((so, value) => Math.max(so, value));
        assertClose([sums[channel]], [total(own)], { relative: 1e-6, absolute: 1e-4 }, "sum");
        assert.equal(most[channel], best);
        assert.equal(where[channel], own.indexOf(best));
      }
    });
    await t.step("the first of equals, and NaN, anywhere", () => {
      const values = new Float32Array(200_000).fill(-1);
      for (const places of [[3, 7], [99_998, 150_000], [150_001, 199_999], [0, 199_999]]) {
        const tied = values.slice();
        for (const place of places) tied[place] = 5;
        assert.equal(runOn(device, reduceCase(tied, [], [tied.length], [1], ["argmax"]))[0][0], places[0]);
        for (const place of places) tied[place] = NaN;
        tied[1] = 1e30;
        const [where, least, most] = runOn(device, reduceCase(tied, [], [tied.length], [1], ["argmin", "min", "max"]));
        assert.equal(where[0], places[0]);
        assert.ok(Number.isNaN(least[0]) && Number.isNaN(most[0]));
      }
    });
    await t.step("infinities in a blocked sum", () => {
      const values = new Float32Array(100_000).fill(1);
      values[70_000] = Infinity;
      assert.equal(runOn(device, reduceCase(values, [], [values.length], [1], ["sum"]))[0][0], Infinity);
      values[10] = -Infinity;
      assert.ok(Number.isNaN(runOn(device, reduceCase(values, [], [values.length], [1], ["sum"]))[0][0]));
    });
    await t.step("the same every time", () => {
      const one = reduceCase(noise(9, 300_000), [], [300_000], [1], ["sum"]);
      const first = runOn(device, one)[0][0];
      for (let i = 0; i < 5; i++) assert.equal(runOn(device, one)[0][0], first);
    });
  });

  Deno.test({ name: `wasm, ${threads} threads: a failure is an error, and not the end`, ...longLived }, () => {
    const executable = device.compile(failing.program);
    const before = device.bytesInUse;
    for (let i = 0; i < 3; i++) assert.throws(() => executable.run(failing.inputs), DeviceError);
    assert.equal(device.bytesInUse, before);
    executable.destroy();
    const big = noise(3, 300_001);
    const [y] = runOn(device, mapCase([big.length], [[big, [1]]], binary("add", load(0), load(0))));
    assertClose(y, big.map((value) => value * 2), exactly, "afterwards");
  });

  Deno.test(
    { name: `wasm, ${threads} threads: what was begun is finished before its memory is used otherwise`, ...longLived },
    () => {
      const size = 300_001;
      const one = mapCase([size], [[noise(3, size), [1]]], unary("exp", load(0)));
      const [expected] = runOn(device, one);
      const executable = device.compile(one.program);
      const other = productOf(100);
      const [product] = runOn(device, other);
      const before = device.bytesInUse;
      const meanwhile: ((input: ReturnType<WasmDevice["upload"]>) => void)[] = [
        () => {},
        (input) => {
          device.free(input);
          device.free(device.upload("f32", new Float32Array(size)));
        },
        (input) => device.free(device.copy(input)),
        (input) => assert.deepEqual(device.downloadNow(input), one.inputs[0]),
        () => assert.deepEqual(runOn(device, other), [product]),
        () => {
          const [output] = executable.run([new Float32Array(size).fill(1)]);
          assert.ok((device.downloadNow(output) as Float32Array).every((value) => value === Math.fround(Math.E)));
          device.free(output);
        },
      ];
      for (const use of meanwhile) {
        const input = device.upload("f32", one.inputs[0]);
        for (const given of [input, one.inputs[0]]) {
          const finish = executable.begin([given]);
          if (given === input) use(input);
          const [output] = finish();
          assert.deepEqual(device.downloadNow(output), expected);
          device.free(output);
        }
        device.free(input);
      }
      const ended = device.compile(one.program);
      const finish = ended.begin(one.inputs);
      ended.destroy();
      const [output] = finish();
      assert.deepEqual(device.downloadNow(output), expected);
      device.free(output);
      executable.destroy();
      assert.equal(device.bytesInUse, before);
    },
  );

  Deno.test({ name: `wasm, ${threads} threads: whoever has begun what fails is told so`, ...longLived }, () => {
    const executable = device.compile(failing.program);
    const before = device.bytesInUse;
    const begun = () => {
      const finish = executable.begin(failing.inputs);
      device.free(device.upload("f32", new Float32Array(8)));
      return finish();
    };
    for (let i = 0; i < 3; i++) assert.throws(begun, DeviceError);
    assert.equal(device.bytesInUse, before);
    executable.destroy();
  });

  Deno.test({ name: `wasm, ${threads} threads: memory stays flat, and grows under running threads`, ...longLived }, () => {
    const one = mapCase([100], [[noise(1, 100), [1]]], binary("add", load(0), 1));
    const executable = device.compile(one.program);
    const before = device.bytesInUse;
    const kept = device.upload("f32", one.inputs[0]);
    for (let i = 0; i < 100_000 / threads; i++) {
      const [output] = executable.run(i % 2 === 0 ? one.inputs : [kept]);
      device.free(output);
    }
    device.free(kept);
    device.free(kept);
    executable.destroy();
    assert.equal(device.bytesInUse, before);
    // Far more than all before: the memory must grow while workers wait.
    for (const size of [2_000_000, 9_000_000]) {
      const big = new Float32Array(size).fill(1);
      const [y] = runOn(device, mapCase([size], [[big, [1]]], binary("add", load(0), 1)));
      assert.ok(y.every((value) => value === 2));
    }
    assert.equal(device.bytesInUse, before);
  });
}

Deno.test({ name: "wasm: on busy cores the results are the same bits, whoever does a piece", ...longLived }, async () => {
  const [size, few] = [100_003, 8];
  // Every element of a map is read by another piece of the next one, and one of few elements, too little to share, is between them.
  const one = buildCase("rounds", exactly, (p) => {
    const x = p.donate(p.input("f32", noise(3, size)));
    const [y, z] = [p.temporary("f32", size, 0), p.temporary("f32", few, 1)];
    const along = (buffer: number): Access => ({ buffer, offset: 0, strides: [1] });
    const back = (buffer: number): Access => ({ buffer, offset: size - 1, strides: [-1] });
    const map = (extent: number, loads: readonly Access[], to: number, value: Expr) =>
      ({ kind: "map", operands: [], shape: [extent], loads, stores: [{ ...along(to), value }] }) as const;
    const product = binary("mul", load(1), load(2));
    p.run({
      kind: "loop",
      shape: [],
      operands: [],
      loads: [],
      stores: [],
      count: 12,
      kernels: [
        map(size, [back(x)], y, unary("sin", binary("mul", unary("cos", load(0)), 3))),
        map(few, [along(y), back(y)], z, binary("add", load(0), load(1))),
        map(
          size,
          [back(y), { ...along(z), strides: [0] }, { buffer: z, offset: few - 1, strides: [0] }],
          x,
          binary("add", load(0), product),
        ),
      ],
    });
  });
  const [expected] = runOn(devices[0].device, one);
  // A thread each for every core, so that ours are taken off in the middle of their pieces and come back late. It ends by itself:
  // `terminate` does not stop a loop.
  const source = "data:text/javascript,onmessage = ({ data }) => { while (!Atomics.load(data, 0)); postMessage(null); };";
  const isDone = new Int32Array(new SharedArrayBuffer(4));
  const busy = Array.from({ length: navigator.hardwareConcurrency }, () => {
    const worker = new Worker(source, { type: "module" });
    worker.postMessage(isDone);
    return { worker, ended: new Promise((resolve) => worker.onmessage = resolve) };
  });
  try {
    for (const { threads, device } of [...devices.slice(1), await withWorkers(12)]) {
      const executable = device.compile(one.program);
      for (let i = 0; i < 3; i++) {
        const [output] = executable.run(one.inputs);
        assert.deepEqual(device.downloadNow(output), expected, `${threads} threads`);
        device.free(output);
        // Between programs: what late threads find is the next one.
        await new Promise((resolve) => setTimeout(resolve, i));
      }
      executable.destroy();
    }
  } finally {
    Atomics.store(isDone, 0, 1);
    await Promise.all(busy.map(({ ended }) => ended));
    busy.forEach(({ worker }) => worker.terminate());
  }
});

Deno.test({ name: "wasm: inputs are checked, destroyed programs and freed buffers refused", ...longLived }, () => {
  const [{ device }] = devices;
  const one = mapCase([4], [[noise(1, 4), [1]]], load(0));
  const executable = device.compile(one.program);
  assert.throws(() => executable.run([]), DeviceError);
  assert.throws(() => executable.run([new Float32Array(5)]), DeviceError);
  const wrong = device.upload("i32", new Int32Array(4));
  assert.throws(() => executable.run([wrong]), DeviceError);
  device.free(wrong);
  assert.throws(() => device.downloadNow(wrong), DeviceError);
  executable.destroy();
  executable.destroy();
  assert.throws(() => executable.run(one.inputs), DeviceError);
});

Deno.test({ name: "wasm: a profile names every kernel", ...longLived }, () => {
  const seen: string[] = [];
  const device = createWasmDevice({ threads: 2, profile: (_, kernel, kind) => seen.push(`${kernel} ${kind}`) });
  const one = buildCase("two kernels", exactly, (p) => {
    const x = p.input("f32", noise(1, 300_000));
    const [y, z] = [p.output("f32", 300_000), p.output("f32", 1)];
    const whole = (buffer: number) => ({ buffer, offset: 0, strides: [1] });
    p.run({
      kind: "map",
      operands: [],
      shape: [300_000],
      loads: [whole(x)],
      stores: [{ ...whole(y), value: unary("exp", load(0)) }],
    });
    p.run({
      kind: "reduce",
      shape: [],
      window: [300_000],
      loads: [],
      operands: [whole(y)],
      reductions: [{ op: "max", value: load(0) }],
      stores: [{ buffer: z, offset: 0, strides: [], value: result(0) }],
    });
  });
  const [y, z] = runOn(device, one);
  assert.equal(z[0], Array.from(y).reduce((most, value) => Math.max(most, value)));
  assert.deepEqual(seen, ["0 map", "1 reduce"]);
});

Deno.test("wasm: the allocator reuses, merges and keeps blocks apart", () => {
  let end = 0;
  const ensure = (to: number) => {
    end = Math.max(end, to);
    return true;
  };
  const allocator = new Allocator({ start: 64, ensure });
  const live = new Map<number, number>();
  const sizes = noise(1, 20_000).map((u) => Math.floor(2 ** (6 + 7 * (u + 1))));
  sizes.forEach((bytes, i) => {
    const address = allocator.allocate(bytes)!;
    assert.equal(address % 64, 0);
    assert.ok(!live.has(address));
    live.set(address, bytes);
    if (live.size > 50) {
      const [oldest] = [...live.keys()].slice(i % 50);
      allocator.free(oldest, live.get(oldest)!);
      live.delete(oldest);
    }
  });
  const blocks = [...live].sort(([a], [b]) => a - b);
  blocks.forEach(([address, bytes], i) => {
    if (i > 0) assert.ok(blocks[i - 1][0] + blocks[i - 1][1] + 64 <= address);
    assert.ok(address + bytes + 64 <= end);
  });
  const largest = 51 * blockSize(2 ** 20);
  assert.ok(end < 2 * largest, `${end} bytes for at most ${largest} in use`);
  for (const [address, bytes] of live) allocator.free(address, bytes);
  assert.equal(allocator.bytesInUse, 0);
  assert.equal(allocator.allocate(2 ** 23)! % 64, 0);
});

Deno.test("wasm: a process with workers needs no permission and ends by itself", async () => {
  const device = new URL("../../../../core/devices/wasm/device.ts", import.meta.url);
  const source = `
    import { createWasmDevice } from "${device}";
    const device = await createWasmDevice({ threads: 3 }).started();
    const size = 1 << 20;
    const access = (buffer) => ({ buffer, offset: 0, strides: [1] });
    const load = { kind: "load", type: "f32", slot: 0 };
    const executable = device.compile({
      buffers: [
        { dtype: "f32", size, location: { kind: "input", index: 0 } },
        { dtype: "f32", size, location: { kind: "output", index: 0 } },
      ],
      slots: [], inputs: [0], outputs: [1],
      kernels: [{ kind: "map", operands: [], shape: [size], loads: [access(0)], stores: [{ ...access(1), value: { kind: "unary", type: "f32", op: "neg", x: load } }] }],
    });
    const [output] = executable.run([new Float32Array(size).fill(1)]);
    console.log(device.downloadNow(output).every((value) => value === -1));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "-"],
    stdin: "piped",
    stdout: "piped",
  })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 0);
  assert.equal(new TextDecoder().decode(stdout).trim(), "true");
});
