/**
 * What programs keep of inputs that stay the same: never what was made of other values, and only while there is room.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { HostArray } from "../../../../core/dtype.ts";
import { OutOfMemoryError } from "../../../../core/errors.ts";
import { binary } from "../../../../core/ir/expr.ts";
import { mapAccesses } from "../../../../core/ir/kernel.ts";
import type { Program } from "../../../../core/ir/program.ts";
import type { WasmBuffer } from "../../../../core/devices/wasm/buffer.ts";
import { createWasmDevice, type WasmDevice } from "../../../../core/devices/wasm/device.ts";
import { openNative } from "../../../../core/devices/wasm/native/native.ts";
import { exact } from "../../../support/close.ts";
import { buildCase, dense, load, result, store } from "../../../support/kernel_cases/builder.ts";
import { convGeometry, convShapes } from "../../../support/kernel_cases/conv.ts";
import { machineCodes } from "../../../support/machine_code.ts";
import { noise } from "../../../support/noise.ts";

/** Threads belong to the device, which lives on. */
const longLived = { sanitizeOps: false, sanitizeResources: false };

/** A convolution that Winograd's algorithm computes, of filters that a function captured. */
const geometry = convGeometry({ n: 1, c: 64, input: [14, 14], o: 64, kernel: [3, 3], padding: [1, 1, 1, 1] });
const { x: imageShape, weight: filterShape, y: outputShape } = convShapes(geometry);
const size = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);
const { program: built } = buildCase("convolution", exact, (p) => {
  const input = (shape: readonly number[]) => dense(p.input("f32", new Float32Array(size(shape))), shape);
  const operands = [input(imageShape), input(filterShape)] as const;
  const stores = [store(dense(p.output("f32", size(outputShape)), outputShape), result(0))];
  p.run({ kind: "conv2d", geometry, operands, shape: outputShape, loads: [], stores });
});
const convolution = {
  ...built,
  buffers: built.buffers.map((buffer, i) =>
    i === 1 ? { ...buffer, location: { kind: "input", index: 1, lasting: true } as const } : buffer
  ),
};

/** Two of them, of other images and filters: their code is written once. */
const two = {
  buffers: [...convolution.buffers, ...convolution.buffers].map((buffer, i) => ({
    ...buffer,
    location: i < convolution.buffers.length
      ? buffer.location
      : { ...buffer.location, index: (buffer.location as { index: number }).index + (buffer.location.kind === "input" ? 2 : 1) },
  })),
  slots: [],
  kernels: [0, convolution.buffers.length].flatMap((by) =>
    convolution.kernels.map((kernel) => mapAccesses(kernel, (access) => ({ ...access, buffer: access.buffer + by })))
  ),
  inputs: [0, 1, 3, 4],
  outputs: [2, 5],
} as Program;

/** Doubles its input in place. */
const { program: doubling } = buildCase("doubling", exact, (p) => {
  const filters = p.donate(p.input("f32", new Float32Array(size(filterShape))));
  const access = dense(filters, filterShape);
  p.run({
    kind: "map",
    operands: [],
    shape: filterShape,
    loads: [access],
    stores: [store(access, binary("add", load(0), load(0)))],
  });
});

/** What a program that keeps nothing yet makes of the same buffers. */
function expected(device: WasmDevice, image: Float32Array, filters: WasmBuffer): HostArray {
  const executable = device.compile(convolution);
  const values = read(device, executable.run([image, filters])[0]);
  executable.destroy();
  return values;
}

function read(device: WasmDevice, output: WasmBuffer): HostArray {
  const values = device.downloadNow(output);
  device.free(output);
  return values;
}

for (const threads of [1, 2, 3]) {
  Deno.test({ name: `wasm: transformed filters are those of the filters given, ${threads} threads`, ...longLived }, async () => {
    const device = await createWasmDevice({ threads }).started();
    const executable = device.compile(convolution);
    const double = device.compile(doubling);
    const [first, second] = [1, 2].map((seed) => device.upload("f32", noise(seed, size(filterShape))));
    let seed = 3;
    const check = (filters: WasmBuffer, times: number) => {
      for (let i = 0; i < times; i++) {
        const image = noise(seed++, size(imageShape));
        assert.deepEqual(read(device, executable.run([image, filters])[0]), expected(device, image, filters));
      }
    };
    check(first, 4);
    double.run([first]);
    check(first, 3);
    double.run([first]);
    check(first, 1);
    for (let i = 0; i < 3; i++) [first, second, second].forEach((filters) => check(filters, 1));
    // The same address, another buffer.
    device.free(second);
    check(device.upload("f32", noise(9, size(filterShape))), 3);
    executable.destroy();
  });
}

Deno.test({ name: "wasm: of equal convolutions each keeps its own filters", ...longLived }, async () => {
  for (const threads of [1, 2]) {
    const device = await createWasmDevice({ threads }).started();
    const executable = device.compile(two);
    const [double, [first, second]] = [
      device.compile(doubling),
      [1, 2].map((seed) => device.upload("f32", noise(seed, size(filterShape)))),
    ];
    for (let round = 0; round < 6; round++) {
      const images = [2 * round, 2 * round + 1].map((seed) => noise(seed, size(imageShape)));
      if (round === 3) double.run([second]);
      const outputs = executable.run([images[0], first, images[1], second]).map((output) => read(device, output));
      assert.deepEqual(outputs, [expected(device, images[0], first), expected(device, images[1], second)]);
    }
  }
});

/** Of how many bytes of this process's memory the system knows that large pages are wanted. */
function enlargedBytes(): number {
  const mappings = Deno.readTextFileSync("/proc/self/smaps").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings.filter((text) => /^VmFlags:.* hg\b/m.test(text)).reduce((sum, text) => {
    const [from, to] = text.slice(0, text.indexOf(" ")).split("-").map((digits) => parseInt(digits, 16));
    return sum + to - from;
  }, 0);
}

Deno.test({
  name: "native: for what is kept, and from the second run on, large pages are wanted",
  ...longLived,
  ignore: machineCodes.size === 0 || !existsSync("/sys/kernel/mm/transparent_hugepage"),
  fn: () => {
    const device = createWasmDevice({ threads: 1, native: openNative });
    const executable = device.compile(convolution);
    const filters = device.upload("f32", noise(1, size(filterShape)));
    const image = noise(2, size(imageShape));
    const before = enlargedBytes();
    const first = read(device, executable.run([image, filters])[0]);
    assert.equal(enlargedBytes(), before);
    assert.deepEqual(read(device, executable.run([image, filters])[0]), first);
    // At least as many components as filters have elements.
    assert.ok(enlargedBytes() - before > 4 * size(filterShape));
    assert.deepEqual(read(device, executable.run([image, filters])[0]), first);
    executable.destroy();
  },
});

Deno.test({ name: "wasm: what is kept gives way to values", ...longLived }, () => {
  const roomAfter = (runs: number) => {
    const device = createWasmDevice({ threads: 1, memoryLimit: 2 ** 22 });
    const executable = device.compile(convolution);
    const filters = device.upload("f32", noise(1, size(filterShape)));
    const image = noise(2, size(imageShape));
    const run = () => read(device, executable.run([image, filters])[0]);
    const known = run();
    for (let i = 1; i < runs; i++) assert.deepEqual(run(), known);
    const held: WasmBuffer[] = [];
    try {
      for (;;) held.push(device.upload("f32", new Float32Array(2 ** 14)));
    } catch (error) {
      assert(error instanceof OutOfMemoryError);
    }
    held.splice(0, 32).forEach((buffer) => device.free(buffer));
    assert.deepEqual(run(), known);
    return held.length;
  };
  assert.equal(roomAfter(4), roomAfter(1));
});
