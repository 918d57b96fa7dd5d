/**
 * Ways out of tensors: numbers that JavaScript would lose are refused or described, types follow what is read, memory that was only
 * lent stays whole, and tensors of another copy of the library are recognized.
 */
import assert from "node:assert/strict";
import {
  add,
  at,
  concat,
  CotangentError,
  data,
  DonatedError,
  grad,
  item,
  jit,
  layers,
  maxPool2d,
  optimizers,
  random,
  show,
  sum,
  type Tensor,
  tensor,
  toArray,
  treeMap,
  type TypedArray,
  vmap,
  zeros,
} from "../../mod.ts";
import { testOnDevices } from "../support/each_device.ts";
import { withFacts } from "../support/with_facts.ts";

const onReference = (name: string, run: () => void | Promise<void>) => testOnDevices(name, run, ["reference"]);

onReference("JavaScript's operators do not touch tensors", () => {
  const x = tensor([1, 2]) as unknown as number;
  assert.throws(() => x + 1, /Cannot use a Tensor f32\[2\] as a JavaScript number: use add, mul, ... or await toArray\(x\)/);
  for (const wrong of [() => x < 1, () => -x, () => +x, () => Math.max(x), () => `${x}` + x]) assert.throws(wrong, TypeError);
});

onReference("a tensor as text says what it is and how it is read", () => {
  const x = tensor([[1, 2]]);
  const text = "Tensor(f32[1, 2], read by await toArray(x))";
  assert.deepEqual([`${x}`, String(x), x.toString(), [x].join(), `${tensor(1)}`], [
    ...Array.from({ length: 4 }, () => text),
    "Tensor(f32[], read by await item(x))",
  ]);
  assert.equal(Deno.inspect({ x }), "{ x: tensor([[1., 2.]], f32[1, 2]) }");
});

onReference("tensors are no JSON", () => {
  const key = { shape: [2], dtype: "f32", key: "bias" };
  assert.throws(() => JSON.stringify({ fc: { bias: zeros([2]) } }), withFacts(CotangentError, key));
  assert.throws(() => JSON.stringify(zeros([2])), /Cannot write a Tensor f32\[2\] as JSON.*use await toArray\(x\) in its place/);
  // What shows a wrong value shows a tensor too.
  assert.throws(() => maxPool2d(zeros([1, 1, 4, 4]), { kernel: tensor(2) as unknown as number }), /Tensor\(f32\[\]/);
});

onReference("tensors are not cloned or posted without their numbers", () => {
  const text = /DataCloneError: .*Cannot clone or post a Tensor: send await data\(x\), and make a tensor of it there/;
  const { port1, port2 } = new MessageChannel();
  for (const copy of [() => structuredClone({ params: [zeros([2])] }), () => port1.postMessage(zeros([2]))]) {
    assert.throws(copy, (error) => text.test(`${error}`));
  }
  port1.close();
  port2.close();
});

onReference("what is read has the type that is expected of it", async () => {
  const x = tensor([[1, 2], [3, 4]]);
  // This compiles, which is what is tested.
  const floats: Float32Array = await data(add(x, 1));
  const counts: Int32Array = await data(tensor([1], { dtype: "i32" }));
  const any: TypedArray = await data(x);
  const rows: number[][] = await toArray(x);
  const flags: boolean[] = await toArray(tensor([true]));
  const scalar: number = await toArray(tensor(7));
  const sums = (await toArray(x)).map((row) => row[0] + row[1]);
  const element: number = (await toArray(x))[0][1];
  for (const [one, other] of await toArray(x)) assert.ok(one < other);
  // @ts-expect-error No tensor has such an array.
  const signed: Int16Array = await data(x);
  // @ts-expect-error Nor is anything but numbers and booleans in it.
  const words: string[] = await toArray(x);
  // @ts-expect-error Without more said it is any of the arrays, not this one.
  const unsaid: Float32Array = await (data(x) as ReturnType<typeof data>);
  assert.ok(floats instanceof Float32Array && counts instanceof Int32Array);
  assert.deepEqual([rows, flags, scalar, sums, element], [[[1, 2], [3, 4]], [true], 7, [3, 7], 2]);
  assert.deepEqual([any, signed, unsaid, words].map(({ length }) => length), [4, 4, 4, 2]);
});

testOnDevices("a tensor on part of a buffer leaves the buffer whole", async (_, device) => {
  const all = Float32Array.from({ length: 4000 }, (_, i) => i);
  const whole = tensor(all, { copy: false });
  const part = tensor(all.subarray(1000, 3000), { copy: false });
  const increment = jit((x: Tensor) => add(x, 1), { donate: [0] });
  const [y, z] = [increment(whole), increment(part)];
  assert.deepEqual([(await data(y))[3999], (await data(z))[0]], [4000, 1001], device);
  assert.throws(() => show(increment(whole)), DonatedError);
  {
    using _disposed = tensor(all, { copy: false });
  }
  assert.ok(all.length === 4000 && all.every((value, i) => value === i));
  const read: Float32Array = await data(tensor(all.subarray(1, 3), { copy: false }));
  read.fill(9);
  assert.equal(all[1], 1);
});

testOnDevices("a lent array that is gone is told", async () => {
  const values = new Float32Array(2000);
  const x = tensor(values, { copy: false });
  structuredClone(values, { transfer: [values.buffer] });
  assert.throws(() => data(x), withFacts(DonatedError, { size: 2000, length: 0 }));
  await assert.rejects(async () => await item(sum(x)), DonatedError);
});

Deno.test("tensors of another copy of the library are recognized", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.symlink(new URL("../..", import.meta.url), `${folder}/copy`, { type: "dir" });
    const address = new URL(`file://${folder}/copy/mod.ts`).href;
    const other: typeof import("../../mod.ts") = await import(address);
    const [ours, theirs] = [tensor([1, 2]), other.tensor([1, 2])];
    assert.ok(!(theirs instanceof ours.constructor), "these are two copies");
    const optimizer = optimizers.sgd({ learningRate: 1 });
    const mixed: Record<string, () => unknown> = {
      "an operation of tensors and numbers": () => add(ours, theirs),
      "an operation of tensors": () => sum(theirs),
      "values": () => tensor([theirs as unknown as number]),
      "printing": () => show(theirs),
      "a list": () => concat([ours, theirs]),
      "an index": () => at(ours, other.tensor([0], { dtype: "i32" })),
      "reading": () => data(theirs),
      "item": () => item(other.tensor(1)),
      "a key": () => random.normal(other.random.key(0), [1]),
      "a tree": () => treeMap((x) => x, { theirs }),
      "trees together": () => treeMap((x) => x, { x: ours }, { x: theirs }),
      "jit": () => jit((x: Tensor) => x)(theirs),
      "grad": () => grad((x: Tensor) => sum(x))(theirs),
      "vmap": () => vmap((x: Tensor) => x)(theirs),
      "an optimizer": () => optimizer.update({ w: theirs }, optimizer.init({ w: ours }), { w: ours }),
    };
    const copies = [new URL("../../mod.ts", import.meta.url).href, address];
    for (const [what, mix] of Object.entries(mixed)) {
      assert.throws(mix, withFacts(CotangentError, { copies }), what);
    }
    const initial = layers.linear({ features: 1, bias: false }).init(random.key(0), [2]);
    const loaded = layers.loadStateDict(initial, { weight: other.ones([1, 2]) });
    assert.ok(loaded._tag === "Left" && loaded.left.message.includes(`from ${address}`), JSON.stringify(loaded));
    assert.throws(() => other.add(theirs, ours), /copy of Cotangent: this one was imported from .*copy\/mod.ts/);
    assert.equal(Deno.inspect(theirs), "tensor([1., 2.], f32[2])");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
