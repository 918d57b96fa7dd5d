/**
 * What is particular to the `webgpu` device: that nothing is created in a steady loop, how reads are done, how failures surface, and
 * kernels of shapes that are cut up in other ways than the small ones of the kernel cases (`cut_up.ts`).
 *
 * @module
 */
import assert from "node:assert/strict";
import { openReads } from "../../../../core/devices/webgpu/open_reads.ts";
import { binary, cast, constant, type Expr, unary, type UnaryOp } from "../../../../core/ir/expr.ts";
import { generateKernel } from "../../../../core/devices/webgpu/codegen/generate.ts";
import type { TypedArray } from "../../../../core/dtype.ts";
import { DeviceError, DonatedError, DTypeError, ShapeError } from "../../../../core/errors.ts";
import { binaryFunction, unaryFunction } from "../../../../core/devices/reference/scalar.ts";
import {
  createWebgpuDevice,
  hasRealAdapter,
  type WebgpuBuffer,
  type WebgpuDevice,
  type WebgpuOptions,
} from "../../../../core/devices/webgpu/device.ts";
import type { WebgpuExecutable } from "../../../../core/devices/webgpu/executable.ts";
import { Failures } from "../../../../core/devices/webgpu/failures.ts";
import { PipelineCache } from "../../../../core/devices/webgpu/pipelines.ts";
import { sizeClass } from "../../../../core/devices/webgpu/buffer_pool.ts";
import { exact } from "../../../support/close.ts";
import { webgpu } from "../../../support/devices.ts";
import { buildCase, dense, f32, load, result, store, strided } from "../../../support/kernel_cases/builder.ts";
import { noise } from "../../../support/noise.ts";
import { checkCase } from "../../../support/run_case.ts";
import { shareOfCutUp, testCutUp } from "./cut_up.ts";

const ignore = webgpu instanceof Error;
const software = !await hasRealAdapter();

/** Registers a test with a device of its own. */
function testDevice(name: string, run: (device: WebgpuDevice) => void | Promise<void>, options: WebgpuOptions = {}): void {
  Deno.test({
    name: `webgpu: ${name}`,
    ignore,
    // The adapter outlives a test.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const device = await createWebgpuDevice({ software, ...options });
      await run(device);
      device.destroy();
    },
  });
}

/** weights += rate * gradient in place; loss = sum of weights: a step with a donated input, a scalar and an intermediate. */
const step = buildCase("step", { relative: 1e-5, absolute: 1e-5 }, (p) => {
  const weights = p.input("f32", noise(1, 1000));
  const gradient = p.input("f32", noise(2, 1000));
  const rate = p.input("f32", [0.5]);
  p.donate(weights);
  const loss = p.output("f32", 1);
  const squares = p.temporary("f32", 1000, 0);
  const sum = binary("add", load(0), binary("mul", load(1), load(2)));
  p.run({
    kind: "map",
    operands: [],
    shape: [1000],
    loads: [dense(weights, [1000]), dense(gradient, [1000]), strided(rate, [0])],
    stores: [store(dense(weights, [1000]), sum), store(dense(squares, [1000]), binary("mul", sum, sum))],
  });
  p.run({
    kind: "reduce",
    shape: [],
    window: [1000],
    operands: [dense(squares, [1000])],
    reductions: [{ op: "sum", value: load(0) }],
    loads: [],
    stores: [store(dense(loss, []), result(0))],
  });
});

testDevice("a steady loop creates nothing and keeps its memory", (device) => {
  const executable = device.compile(step.program);
  let weights = device.upload("f32", step.inputs[0]);
  const turn = () => {
    const [next, loss] = executable.run([weights, step.inputs[1], step.inputs[2]]);
    assert.equal(next, weights, "the donated buffer comes back");
    weights = next;
    const value = device.downloadNow(loss);
    device.free(loss);
    return value;
  };
  for (let i = 0; i < 3; i++) turn();
  const created = device.created;
  const bytes = device.bytesInUse;
  for (let i = 0; i < 3000; i++) turn();
  assert.deepEqual(device.created, created);
  assert.equal(device.bytesInUse, bytes);
  executable.destroy();
  device.free(weights);
  assert.equal(device.bytesInUse, 0);
});

testDevice("what programs need in between is not counted as values", (device) => {
  const size = 2 ** 20;
  const one = buildCase("large intermediate", exact, (p) => {
    const x = p.input("f32", noise(1, size));
    const squares = p.temporary("f32", size, 0);
    const total = p.output("f32", 1);
    const map = { kind: "map", operands: [], shape: [size] } as const;
    p.run({ ...map, loads: [dense(x, [size])], stores: [store(dense(squares, [size]), binary("mul", load(0), load(0)))] });
    p.run({
      kind: "reduce",
      shape: [],
      window: [size],
      operands: [dense(squares, [size])],
      reductions: [{ op: "sum", value: load(0) }],
      loads: [],
      stores: [store(dense(total, []), result(0))],
    });
  });
  const executable = device.compile(one.program);
  const x = device.upload("f32", one.inputs[0]);
  const before = device.bytesInUse;
  const [total] = executable.run([x]);
  assert.ok(device.bytesInUse - before <= 256, `${device.bytesInUse - before}`);
  executable.destroy();
  device.free(x);
  device.free(total);
  assert.equal(device.bytesInUse, 0);
});

testDevice("a loop that awaits its reads leaves few promises behind", async (device) => {
  const buffer = device.upload("f32", Float32Array.of(1, 2, 3));
  let most = 0;
  for (let i = 0; i < 3000; i++) {
    assert.deepEqual([...await device.download(buffer)], [1, 2, 3]);
    most = Math.max(most, openReads());
  }
  assert.ok(most <= 1024, `${most} open reads`);
  device.free(buffer);
});

testDevice("outputs that are kept rotate through buffers without new bind groups", (device) => {
  const double = buildCase("double", exact, (p) => {
    const x = p.input("f32", noise(1, 64));
    const y = p.output("f32", 64);
    p.run({
      kind: "map",
      operands: [],
      shape: [64],
      loads: [dense(x, [64])],
      stores: [store(dense(y, [64]), binary("mul", load(0), f32(2)))],
    });
  });
  const executable = device.compile(double.program);
  let x = device.upload("f32", double.inputs[0]);
  const turn = () => {
    const [y] = executable.run([x]);
    device.free(x);
    x = y;
  };
  for (let i = 0; i < 10; i++) turn();
  const created = device.created;
  for (let i = 0; i < 1000; i++) turn();
  assert.deepEqual(device.created, created);
});

testDevice("equal shaders are compiled once", (device) => {
  device.compile(step.program).destroy();
  const { pipelines } = device.created;
  device.compile(step.program).destroy();
  assert.equal(device.created.pipelines, pipelines);
});

testDevice("elements that are only moved need no shader, wherever they come from and go to", (device) => {
  const pieces = buildCase("pieces", exact, (p) => {
    const out = p.output("f32", 300);
    for (let i = 0; i < 100; i++) {
      const x = p.input("f32", [i, 1, 2, 3]);
      p.run({
        kind: "map",
        operands: [],
        shape: [3],
        loads: [strided(x, [1], i % 2)],
        stores: [store(strided(out, [1], 3 * i), load(0))],
      });
    }
  });
  const { pipelines } = device.created;
  device.compile(pieces.program).destroy();
  assert.equal(device.created.pipelines, pipelines);
});

const contents: readonly (readonly [Parameters<WebgpuDevice["upload"]>[0], TypedArray])[] = [
  ["f32", Float32Array.of(1, -0, NaN, Infinity, 1e-38)],
  ["i32", Int32Array.of(-(2 ** 31), 5, 2 ** 31 - 1)],
  ["u32", Uint32Array.of(0, 2 ** 32 - 1)],
  ["u8", Uint8Array.from({ length: 1001 }, (_, i) => i)],
  ["u8", Uint8Array.of(7)],
  ["f16", Float16Array.of(1, -0, NaN, Infinity, 2 ** -24)],
  ["f16", Float16Array.of(7)],
  ["bool", Uint8Array.of(1, 0, 1, 1, 0)],
  ["f32", new Float32Array(0)],
  ["f32", noise(3, 100_000)],
];

for (const immediateReads of [true, false]) {
  testDevice(`what was uploaded is downloaded, ${immediateReads ? "at once" : "through the event loop"}`, async (device) => {
    for (const [dtype, values] of contents) {
      const buffer = device.upload(dtype, values);
      assert.deepEqual(await device.download(buffer), values);
      const now = device.downloadNow(buffer);
      if (immediateReads) assert.deepEqual(now, values);
      else assert.equal(now, undefined);
      device.free(buffer);
    }
  }, { immediateReads });
}

testDevice("a download is a copy of its own", (device) => {
  const buffer = device.upload("f32", Float32Array.of(1, 2));
  const first = device.downloadNow(buffer)!;
  first[0] = 9;
  assert.deepEqual(device.downloadNow(buffer), Float32Array.of(1, 2));
});

testDevice("mistakes are refused with what is wrong", (device) => {
  const executable = device.compile(step.program);
  const [weights, gradient, rate] = step.inputs;
  assert.throws(() => executable.run([weights, gradient]), ShapeError);
  assert.throws(() => executable.run([weights, gradient, Int32Array.of(1)]), DTypeError);
  assert.throws(() => executable.run([weights, new Float32Array(7), rate]), ShapeError);
  assert.throws(() => executable.run([device.upload("i32", new Int32Array(1000)), gradient, rate]), DTypeError);
  assert.throws(() => device.upload("f64", new Float64Array(3)), DTypeError);
  const shared = device.upload("f32", weights);
  assert.throws(() => executable.run([shared, shared, rate]), DonatedError);
  device.free(shared);
  device.free(shared);
  assert.throws(() => executable.run([shared, gradient, rate]), DonatedError);
  assert.throws(() => device.downloadNow(shared), DonatedError);
  executable.destroy();
  assert.throws(() => executable.run([weights, gradient, rate]), DeviceError);
});

testDevice("f64 is refused by name", (device) => {
  const wide = buildCase("wide", exact, (p) => {
    const x = p.input("f32", [1]);
    const y = p.output("f32", 1);
    const value = cast("f32", binary("add", cast("f64", load(0)), constant("f64", 1)));
    p.run({ kind: "map", operands: [], shape: [1], loads: [dense(x, [1])], stores: [store(dense(y, [1]), value)] });
  });
  assert.throws(() => device.compile(wide.program), /f64 on webgpu/);
});

testDevice("a buffer above the adapter's limit is refused with its size", (device) => {
  const huge = { dtype: "f32", size: 2 ** 31, location: { kind: "output", index: 0 } } as const;
  const executable = device.compile({ buffers: [huge], slots: [], kernels: [], inputs: [], outputs: [0] });
  assert.throws(() => executable.run([]), /Cannot make a buffer of 8589934592 bytes on webgpu/);
});

Deno.test({
  name: "webgpu: a shader that does not compile is an error with its text, at once or at the next call",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const adapter = await navigator.gpu.requestAdapter({ forceFallbackAdapter: software });
    const device = await adapter!.requestDevice();
    const failures = new Failures(device);
    const pipelines = new PipelineCache(device, failures);
    const code = "@compute @workgroup_size(1) fn main() { let x: i32 = 1.5; }";
    await assert.rejects(async () => {
      pipelines.get({ label: "broken", code, bindings: [], workgroups: [1, 1, 1] });
      await new Promise((resolve) => setTimeout(resolve));
      failures.check();
    }, (error: Error) => error instanceof DeviceError && error.message.includes("1.5"));
    // An error outside any scope is reported by the next check, once.
    device.createShaderModule({ code: "nonsense" });
    await new Promise((resolve) => setTimeout(resolve));
    assert.throws(() => failures.check(), DeviceError);
    failures.check();
    failures.close();
    device.destroy();
  },
});

/** Runs with the verdicts of error scopes coming later than the calls, as on other runtimes, and perhaps others; waits for them. */
async function withLateVerdicts(use: () => void, change = (error: GPUError | null) => error): Promise<void> {
  const { popErrorScope } = GPUDevice.prototype;
  GPUDevice.prototype.popErrorScope = function () {
    return popErrorScope.call(this).then(change); // settled, but not yet
  };
  try {
    use();
  } finally {
    GPUDevice.prototype.popErrorScope = popErrorScope;
  }
  await new Promise((resolve) => setTimeout(resolve));
}

testDevice("a shader that is refused late is not kept, and no program runs it", async (device) => {
  const { createShaderModule } = GPUDevice.prototype;
  let executable: WebgpuExecutable | undefined;
  await withLateVerdicts(() => {
    GPUDevice.prototype.createShaderModule = function (descriptor) {
      return createShaderModule.call(this, {
        ...descriptor,
        code: "@compute @workgroup_size(1) fn main() { let x: i32 = 1.5; }",
      });
    };
    try {
      executable = device.compile(step.program);
    } finally {
      GPUDevice.prototype.createShaderModule = createShaderModule;
    }
  });
  assert.throws(() => executable!.run(step.inputs), /An earlier operation on webgpu failed: .*1\.5/s);
  for (let i = 0; i < 2; i++) assert.throws(() => executable!.run(step.inputs), /Cannot run a .* shader on webgpu: .*1\.5/s);
  executable!.destroy();
  assert.equal(device.bytesInUse, 0);
  await checkCase(device, step);
});

testDevice("memory that turns out to be missing serves no second use", async (device) => {
  const { createBuffer } = GPUDevice.prototype;
  const made: GPUBuffer[] = [];
  GPUDevice.prototype.createBuffer = function (descriptor) {
    made.push(createBuffer.call(this, descriptor));
    return made.at(-1)!;
  };
  try {
    for (const [isIdle, size] of [[false, 1000], [true, 5000]] as const) {
      let first: WebgpuBuffer | undefined;
      await withLateVerdicts(() => {
        first = device.upload("f32", new Float32Array(size));
        if (isIdle) device.free(first);
      }, () => ({ message: "no memory, on purpose" }));
      if (!isIdle) device.free(first!);
      assert.equal(device.bytesInUse, 0);
      assert.throws(() => device.upload("f32", new Float32Array(size)), /no memory, on purpose/);
      const count = made.length;
      const second = device.upload("f32", new Float32Array(size));
      assert.equal(made.length, count + 1, "a new buffer is made");
      device.free(second);
    }
  } finally {
    GPUDevice.prototype.createBuffer = createBuffer;
  }
});

const timed: string[] = [];
testDevice("a profile names the dispatches", (device) => {
  timed.length = 0;
  const executable = device.compile(step.program);
  for (const output of executable.run(step.inputs)) device.free(output);
  // Only adapters with a clock tell times.
  if (timed.length > 0) assert.ok(timed.includes("map"), `${timed}`);
}, { profile: (_program, _kernel, part) => timed.push(part) });

Deno.test("webgpu: buffer sizes waste at most an eighth, and nothing below 2 KiB but the last 256 bytes", () => {
  for (const bytes of [1, 256, 257, 1000, 4096, 4097, 100_000, 2 ** 20, 2 ** 20 + 1, 123_456_789]) {
    const size = sizeClass(bytes);
    assert.ok(size >= bytes && size % 256 === 0 && size <= Math.max(bytes + 256, bytes * 1.125), `${bytes} -> ${size}`);
    assert.equal(sizeClass(size), size);
  }
});

for (const tuning of ["hardware", "software"] as const) testCutUp(tuning, shareOfCutUp(tuning));

Deno.test("webgpu: kernels over more workgroups than one axis allows are folded", () => {
  const size = 65535 * 128 * 4 * 3 + 4;
  const program = {
    buffers: [{ dtype: "f32", size, location: { kind: "output", index: 0 } }],
    slots: [],
    kernels: [],
    inputs: [],
    outputs: [0],
  } as const;
  const kernel = { kind: "map", operands: [], shape: [size], loads: [], stores: [store(dense(0, [size]), f32(1))] } as const;
  const target = {
    software: false,
    subgroupSize: 0,
    maxWorkgroupsPerDimension: 65535,
    maxInvocationsPerWorkgroup: 256,
    maxWorkgroupBytes: 16384,
    roundsEachStep: true,
    enablesSubgroups: false,
  };
  const { dispatches: [{ workgroups }] } = generateKernel(program, kernel, target);
  assert.ok(workgroups.every((count) => count <= 65535), workgroups.join());
  assert.ok(workgroups[0] * workgroups[1] * 128 * 4 >= size);
});

/** The distance to the next f32. */
function ulp(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), 2 ** -126))) - 23);
}

/** How many ulps a function of f32 is off at worst, over normal results. */
function worstError(
  device: WebgpuDevice,
  inputs: readonly Float32Array[],
  value: Expr,
  exact: (...xs: number[]) => number,
): number {
  const size = inputs[0].length;
  const { program } = buildCase("accuracy", { relative: 0, absolute: 0 }, (p) => {
    const loads = inputs.map((values) => dense(p.input("f32", values), [size]));
    p.run({ kind: "map", operands: [], shape: [size], loads, stores: [store(dense(p.output("f32", size), [size]), value)] });
  });
  const [output] = device.compile(program).run(inputs);
  const values = device.downloadNow(output)!;
  let worst = 0;
  for (let i = 0; i < size; i++) {
    const wanted = exact(...inputs.map((xs) => xs[i]));
    const isNormal = Math.abs(wanted) >= 2 ** -126 && Math.abs(wanted) < 3.4e38;
    const error = isNormal ? Math.abs(values[i] - wanted) / ulp(wanted) : 0;
    // Not `Math.max`: a NaN must not pass.
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

const unaries: readonly UnaryOp[] = [
  ...["exp", "expm1", "log", "log1p", "sqrt", "erf"] as const,
  ...["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"] as const,
];

testDevice("functions are right to a few units in the last place, everywhere", (device) => {
  const size = 20000;
  const powers = Float32Array.from(noise(4, size, 37), (x, i) => (i % 2 ? 1 : -1) * 10 ** x);
  for (const op of unaries) {
    for (const inputs of [noise(1, size), noise(2, size, 10), noise(3, size, 100), powers]) {
      const valid = inputs.filter((x) => !Number.isNaN(unaryFunction(op, "f64")(x)));
      const worst = worstError(device, [valid], unary(op, load(0)), unaryFunction(op, "f64"));
      assert.ok(worst <= 5, `${op} is off by ${worst} ulp`);
    }
  }
  const bases = Float32Array.from(noise(5, size, 20), (x) => 10 ** x);
  const nearOne = Float32Array.from(noise(6, size, 0.01), (x) => 1 + x);
  for (const [x, y] of [[bases, noise(7, size, 2)], [nearOne, noise(8, size, 2000)]]) {
    for (const op of ["pow", "atan2", "rem"] as const) {
      const worst = worstError(device, [x, y], binary(op, load(0), load(1)), binaryFunction(op, "f64"));
      assert.ok(worst <= 4, `${op} is off by ${worst} ulp`);
    }
  }
});

testDevice("long sums are as exact as short ones", (device) => {
  const values = Float32Array.from(noise(1, 3_000_000), (x) => x + 1.5);
  const { program } = buildCase("sum", exact, (p) => {
    const x = p.input("f32", values);
    p.run({
      kind: "reduce",
      shape: [],
      window: [values.length],
      operands: [dense(x, [values.length])],
      reductions: [{ op: "sum", value: load(0) }],
      loads: [],
      stores: [store(dense(p.output("f32", 1), []), result(0))],
    });
  });
  const [sum] = device.downloadNow(device.compile(program).run([values])[0])!;
  const wanted = values.reduce((total, x) => total + x, 0);
  assert.ok(Math.abs(sum / wanted - 1) < 1e-6, `${sum}, not ${wanted}`);
});
