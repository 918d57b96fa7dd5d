/**
 * A failure changes nothing: after an error that was caught, what is alive has its values, and the next programs run.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createWasmDevice } from "../../core/devices/wasm/device.ts";
import { useDevice } from "../../core/execution/current_device.ts";
import { add, data, DeviceError, item, jit, matmul, mul, ones, sum, type Tensor } from "../../mod.ts";

/** Threads belong to the device, which lives on. */
const longLived = { sanitizeOps: false, sanitizeResources: false };

const mebibyte = 2 ** 20;

for (const threads of [1, 2]) {
  Deno.test({ name: `wasm, ${threads} threads: the largest batch that fits is found by trying`, ...longLived }, async () => {
    const memoryLimit = 16 * mebibyte;
    useDevice(createWasmDevice({ threads, memoryLimit }));
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
