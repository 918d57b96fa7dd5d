/**
 * A failure changes nothing: after an error that was caught, what is alive has its values, and the next programs run.
 *
 * Programs run with one call of the platform or of a device failing after the other, and are compared with the same programs where nothing
 * failed.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createWasmDevice } from "../../core/devices/wasm/device.ts";
import { SharedMemory } from "../../core/devices/wasm/memory.ts";
import { BufferPool } from "../../core/devices/webgpu/buffer_pool.ts";
import { useDevice } from "../../core/execution/current_device.ts";
import type { Device } from "../../core/values/device.ts";
import {
  add,
  data,
  DeviceError,
  exp,
  item,
  jit,
  matmul,
  mul,
  ones,
  OutOfMemoryError,
  realize,
  type Scalar,
  scan,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../mod.ts";
import { wasm, webgpu } from "../support/devices.ts";
import { programCases } from "../support/kernel_cases/programs.ts";
import { type FaultPoint, Faults, stride } from "../support/faults.ts";

/** Threads belong to the device, which lives on. */
const longLived = { sanitizeOps: false, sanitizeResources: false };

const mebibyte = 2 ** 20;

const fault = () => new Error("on purpose");
const noRoom = () => new OutOfMemoryError("on purpose");
const points = (owner: object, error: () => Error, ...names: readonly string[]): FaultPoint[] =>
  names.map((name) => ({ owner, name, error }));

/** What may fail on a device: its allocations as if there were no room, then everything. */
function pointsOf({ name }: Device): readonly FaultPoint[][] {
  if (name === "wasm") {
    return [
      points(SharedMemory.prototype, noRoom, "allocate", "reserveArena"),
      [
        ...points(SharedMemory.prototype, fault, "allocate", "reserveArena", "write", "read"),
        ...points(WebAssembly, fault, "Module", "Instance"),
      ],
    ];
  }
  return [
    points(BufferPool.prototype, noRoom, "acquire"),
    [
      ...points(GPUDevice.prototype, fault, "createBuffer", "createBindGroup", "createShaderModule", "createComputePipeline"),
      ...points(GPUDevice.prototype, fault, "createCommandEncoder", "createBindGroupLayout", "createPipelineLayout"),
      ...points(GPUQueue.prototype, fault, "submit", "writeBuffer"),
      ...points(GPUBuffer.prototype, fault, "mapAsync", "unmap"),
      ...points(GPUCommandEncoder.prototype, fault, "beginComputePass", "copyBufferToBuffer", "finish"),
      ...points(GPUComputePassEncoder.prototype, fault, "setPipeline", "setBindGroup", "dispatchWorkgroups", "end"),
    ],
  ];
}

/** A program with its tensors, made anew for every failure, so that it is compiled anew. */
interface Subject {
  /** Runs it; gives what a user would see. */
  step(): Promise<unknown>;
  /** The tensors that a user holds. */
  alive(): readonly Tensor[];
}

const vector = (size: number, by: number) => tensor(Float32Array.from({ length: size }, (_, i) => (i * by) % 7 - 3));

async function valuesOf(tensors: readonly Tensor[]): Promise<readonly number[][]> {
  const values: number[][] = [];
  for (const each of tensors) values.push(Array.from(await data(each)));
  return values;
}

/** An eager program; `serial` makes its shape a new one. */
function eager(size: number, serial: number): Subject {
  const [x, y] = [vector(size + serial, 1), realize(mul(vector(size + serial, 3), 0.5))];
  return { step: () => valuesOf([sum(mul(x, y)), sub(exp(x), y)]), alive: () => [x, y] };
}

/** A jitted program with a captured tensor, a number, and an argument that is passed through. */
function jitted(size: number): Subject {
  const [x, captured] = [vector(size, 1), realize(mul(vector(size, 5), 0.5))];
  const f = jit((x: Tensor, by: Scalar) => [mul(add(x, captured), by), x, sum(exp(captured))]);
  return { step: () => valuesOf(f(x, 1.5)), alive: () => [x, captured] };
}

/** A training state that is donated. */
function donating(size: number): Subject {
  let state = { weights: vector(size, 1), momentum: realize(mul(vector(size, 2), 0.5)), steps: tensor(0) };
  const target = vector(size, 4);
  const f = jit((s: typeof state, x: Tensor) => {
    const gradient = sub(s.weights, x);
    const momentum = add(mul(s.momentum, 0.5), gradient);
    return { weights: sub(s.weights, mul(momentum, 0.25)), momentum, steps: add(s.steps, 1) };
  }, { donate: [0] });
  return {
    step: () => {
      state = f(state, target);
      return Promise.resolve();
    },
    alive: () => [target, state.weights, state.momentum, state.steps],
  };
}

/** A product in which all threads take part, and a loop. */
function looping(): Subject {
  const rows = tensor(Float32Array.from({ length: 4 * 64 * 64 }, (_, i) => (i % 5 - 2) / 8), { shape: [4, 64, 64] });
  const start = tensor(Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 3 - 1) / 8), { shape: [64, 64] });
  const f = jit((start: Tensor, rows: Tensor) =>
    scan(
      (carry: Tensor, row: Tensor) => {
        const next = matmul(carry, row);
        return [next, sum(next)] as [Tensor, Tensor];
      },
      start,
      rows,
    )
  );
  return { step: () => valuesOf(f(start, rows)), alive: () => [start, rows] };
}

const subjects: readonly { readonly name: string; readonly make: (serial: number) => Subject }[] = [
  { name: "eager, small", make: (serial) => eager(5, serial) },
  { name: "eager, large", make: (serial) => eager(20_000, serial) },
  { name: "jit, small", make: () => jitted(5) },
  { name: "jit, large", make: () => jitted(20_000) },
  { name: "donating, small", make: () => donating(5) },
  { name: "donating, large", make: () => donating(20_000) },
  { name: "scan of products", make: looping },
];

// Shaders take long to compile where the processor does it.
const quick = subjects.filter(({ name }) => stride === 1 || name.endsWith("small"));
const devices = [
  ...(wasm instanceof Error ? [] : wasm.map((each) => ({ ...each, subjects, every: stride }))),
  ...(webgpu instanceof Error
    ? []
    : webgpu.slice(1).map((each) => ({ ...each, subjects: quick, every: stride > 1 ? 5 * stride : 1 }))),
];

/** Bytes that are handed out; the wasm device tells of tables and code only when it has no room. */
function memoryOf(device: Device): readonly number[] {
  if (device.name !== "wasm") return [device.bytesInUse];
  try {
    device.upload("u8", { length: 2 ** 40 } as Uint8Array);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return [device.bytesInUse, Number(error.facts.bytesInUse)];
  }
  throw new Error("There is room for everything");
}

// The first tests of this file: later ones leave tensors on the devices, which the collector gives back at any time.
for (const { name, device, every } of devices) {
  Deno.test({ name: `${name}: whatever fails, its memory is given back`, ...longLived }, async () => {
    for (const { program, inputs } of programCases.slice(0, 4)) {
      const use = () => {
        const executable = device.compile(program);
        try {
          const outputs = executable.run(inputs);
          try {
            return outputs.map((output) => device.downloadNow(output));
          } finally {
            for (const output of outputs) device.free(output);
          }
        } finally {
          executable.destroy();
        }
      };
      const expected = use();
      const before = memoryOf(device);
      for (const places of pointsOf(device)) {
        using faults = new Faults(places);
        const calls = await faults.count(use);
        for (let call = 0; call < calls; call += every) {
          assert.ok(await faults.inject(call, false, use) instanceof Error, `call ${call} of ${calls}`);
          assert.deepEqual(memoryOf(device), before, `call ${call} of ${calls}`);
          assert.deepEqual(use(), expected);
        }
      }
    }
  });
}

for (const { name, device, subjects, every } of devices) {
  Deno.test({ name: `${name}: whatever fails, what is alive stays and what comes next is right`, ...longLived }, async (t) => {
    useDevice(device);
    let serial = 0;
    let failed = 0;
    for (const places of pointsOf(device)) {
      using faults = new Faults(places);
      for (const { name, make } of subjects) {
        await t.step(name, async () => {
          for (const [ran, all] of [[0, false], [0, true], [2, false], [2, true]] as const) {
            const prepare = async (serial: number) => {
              const subject = make(serial);
              for (let i = 0; i < ran; i++) await subject.step();
              return subject;
            };
            const first = await prepare(serial++);
            const calls = await faults.count(() => first.step());
            for (let call = 0; call < calls; call += every) {
              const where = `call ${call} of ${calls}${all ? " and all later ones" : ""}, after ${ran} runs`;
              const [subject, unfailing] = [await prepare(++serial), await prepare(serial)];
              const error = await faults.inject(call, all, () => subject.step());
              if (error === undefined) await unfailing.step();
              else failed++;
              assert.ok(error === undefined || /on purpose/.test(String(error)), `${where}: ${error}`);
              assert.deepEqual(await valuesOf(subject.alive()), await valuesOf(unfailing.alive()), where);
              for (let i = 0; i < 2; i++) assert.deepEqual(await subject.step(), await unfailing.step(), where);
              assert.deepEqual(await valuesOf(subject.alive()), await valuesOf(unfailing.alive()), where);
            }
          }
        });
      }
    }
    assert.ok(failed >= 10, `only ${failed} failures`);
  });
}

Deno.test({ name: "wasm: where a worker cannot load a program, no thread has begun it", ...longLived }, async () => {
  useDevice(await createWasmDevice({ threads: 2 }).started());
  const subject = donating(100_000);
  const before = await valuesOf(subject.alive());
  const { write } = SharedMemory.prototype;
  // A module that begins with zeros is none.
  SharedMemory.prototype.write = function (address, dtype, values) {
    write.call(this, address, dtype, dtype === "u8" ? new Uint8Array(values.length) : values);
  };
  try {
    for (let i = 0; i < 3; i++) assert.throws(() => subject.step(), DeviceError);
  } finally {
    SharedMemory.prototype.write = write;
  }
  assert.deepEqual(await valuesOf(subject.alive()), before);
  const unfailing = donating(100_000);
  for (let i = 0; i < 2; i++) await Promise.all([subject.step(), unfailing.step()]);
  assert.deepEqual(await valuesOf(subject.alive()), await valuesOf(unfailing.alive()));
});

for (const threads of [1, 2]) {
  Deno.test({ name: `wasm, ${threads} threads: the largest batch that fits is found by trying`, ...longLived }, async () => {
    const memoryLimit = 16 * mebibyte;
    useDevice(await createWasmDevice({ threads, memoryLimit }).started());
    const width = 100;
    const weight = mul(ones([width, width]), 0.5);
    const step = jit((x: Tensor, w: Tensor) => sum(matmul(matmul(x, w), w)));
    const expected = (batch: number) => batch * 50 * 50 * width;
    assert.equal(await item(step(ones([8, width]), weight)), expected(8));
    // Made after each failure, they may lie where memory seems to be free.
    const alive: Tensor[] = [];
    let batch = 65_536;
    for (;; batch /= 2) {
      try {
        assert.equal(await item(step(ones([batch, width]), weight)), expected(batch));
        break;
      } catch (error) {
        assert.ok(error instanceof DeviceError, String(error));
        const { bytes, bytesInUse, bytesFree, limit } = error.facts as Record<string, number>;
        assert.equal(limit, memoryLimit);
        assert.ok(bytes > bytesFree && bytesInUse + bytesFree <= limit, error.message);
        for (let i = 0; i < 4; i++) alive.push(jit((x: Tensor) => add(x, batch + i))(ones([64, width])));
        assert.equal(await item(step(ones([8, width]), weight)), expected(8));
      }
    }
    // A batch and two products of 4 bytes an element leave room for no more than 13 thousand rows, and for this many in any case.
    assert.equal(batch, 8192);
    for (const [i, tensor] of alive.entries()) {
      const value = 65_536 / 2 ** Math.floor(i / 4) + i % 4 + 1;
      assert.ok((await data(tensor)).every((each) => each === value), `tensor ${i} has changed`);
    }
  });
}
