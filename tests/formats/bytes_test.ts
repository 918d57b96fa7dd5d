/** Bytes in memory, wherever they lie there: a part of a larger buffer, one of Node's whose `slice` is a view, one that is changed later. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { formats, type Tensor, tensor, toBytes } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";
import stored from "../fixtures/files.json" with { type: "json" };
import models from "../fixtures/onnx.json" with { type: "json" };
import { right } from "./results.ts";

const { npy, npz, safetensors, torch } = formats;
const named = { a: tensor([1, 2.5]), b: tensor([[3], [4]], { dtype: "i32" }) };

/** Every reader of bytes, with the bytes of a file, and what is in it. */
const readers: Readonly<
  Record<string, readonly [file: Uint8Array, read: (bytes: Uint8Array) => Promise<Record<string, Tensor>>]>
> = {
  safetensors: [await safetensors.encode(named), (bytes) => Promise.resolve(right(safetensors.decode(bytes)).tensors)],
  npy: [await npy.encode(named.a), (bytes) => Promise.resolve({ a: right(npy.decode(bytes)) })],
  npz: [await npz.encode(named), async (bytes) => right(await npz.decode(bytes)())],
  "npz, packed": [Uint8Array.fromBase64(stored["npz, packed"]), async (bytes) => right(await npz.decode(bytes)())],
  torch: [
    Uint8Array.fromBase64(stored.torch.views.bytes),
    async (bytes) => torch.tensors(right(await torch.decode(bytes)())),
  ],
  onnx: [
    Uint8Array.fromBase64(models.rnn.model),
    async (bytes) => ({ ...right(await onnx.load(bytes)()).params }),
  ],
};

async function numbersOf(tensors: Readonly<Record<string, Tensor>>): Promise<unknown> {
  const entries = Object.entries(tensors).map(async ([name, x]) => [name, x.dtype, x.shape, [...await toBytes(x)]]);
  return await Promise.all(entries);
}

for (const [name, [file, read]] of Object.entries(readers)) {
  Deno.test(`${name}: a file is read wherever its bytes lie, and what becomes of them is nothing to its tensors`, async () => {
    const expected = await numbersOf(await read(file.slice()));
    const within = (make: (bytes: number) => Uint8Array) => {
      const whole = make(file.length + 32);
      whole.fill(0xee);
      whole.set(file, 13);
      return whole.subarray(13, 13 + file.length);
    };
    for (const bytes of [within((length) => new Uint8Array(length)), within(Buffer.alloc), Buffer.from(file)]) {
      const tensors = await read(bytes);
      assert.deepEqual(bytes.subarray(), bytes.constructor === Buffer ? Buffer.from(file) : file);
      bytes.fill(0xff);
      assert.deepEqual(await numbersOf(tensors), expected);
    }
  });
}
