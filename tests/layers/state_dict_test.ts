/**
 * State dicts: names there and back, and everything that can be wrong with one. (torchvision's: tests/parity/networks_test.ts.)
 *
 * @module
 */
import assert from "node:assert/strict";
import { data, layers, ones, random, relu, setDevice, tensor, zeros } from "../../mod.ts";

await setDevice("reference");

const { batchNorm, conv2d, evalMode, loadStateDict, multiHeadAttention, serial, stateDict, trainMode } = layers;
const key = random.key(0);

const model = serial({ conv1: conv2d({ features: 2, kernel: 3 }), bnOne: batchNorm(), relu });
const input = [1, 5, 5];

/** A dict that fits, with 1, 2, 3 ... for numbers. */
function fitting(): Record<string, layers.StoredTensor> {
  const { params, state } = model.init(key, input);
  let next = 0;
  return Object.fromEntries(
    Object.entries(stateDict(params, state)).map((
      [name, { shape, size }],
    ) => [name, { shape, data: Array.from({ length: size }, () => ++next) }]),
  );
}

/** What is wrong with a dict. */
function wrong(dict: unknown): layers.StateDictError {
  const loaded = loadStateDict(model.init(key, input), dict as layers.StateDict);
  assert.ok(loaded._tag === "Left");
  assert.equal(loaded.left.kind, "StateDict");
  return loaded.left;
}

Deno.test("names are PyTorch's", () => {
  assert.deepEqual(Object.keys(fitting()), [
    "conv1.weight",
    "conv1.bias",
    "bn_one.weight",
    "bn_one.bias",
    "bn_one.running_mean",
    "bn_one.running_var",
  ]);
  const { params } = multiHeadAttention({ heads: 1 }).init(key, [2, 2]);
  assert.deepEqual(Object.keys(stateDict(params)), ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]);
});

Deno.test("what was saved is loaded", async () => {
  const first = model.init(key, input);
  const x = random.normal(key, [2, ...input]);
  const [, state] = model.apply(first.params, first.state, x, trainMode(key));
  const loaded = loadStateDict(model.init(random.key(1), input), stateDict(first.params, state));
  assert.ok(loaded._tag === "Right");
  const [expected] = model.apply(first.params, state, x, evalMode);
  const { params, state: again } = loaded.right;
  assert.deepEqual(await data(model.apply(params, again, x, evalMode)[0]), await data(expected));
});

Deno.test("plain arrays, typed arrays, our names, and PyTorch's counters are taken", async () => {
  const dict: Record<string, unknown> = { ...fitting(), "bn_one.num_batches_tracked": { shape: [], data: BigInt64Array.of(7n) } };
  dict["bnOne.runningVar"] = { shape: [2], data: Float64Array.of(0.5, 0.25) };
  delete dict["bn_one.running_var"];
  dict["conv1.bias"] = tensor([7, 8], { dtype: "i32" });
  const loaded = loadStateDict(model.init(key, input), dict as layers.StateDict);
  assert.ok(loaded._tag === "Right");
  const { params, state } = loaded.right;
  assert.deepEqual(await data(state.bnOne.runningVar), Float32Array.of(0.5, 0.25));
  assert.deepEqual(await data(params.conv1.bias), Float32Array.of(7, 8));
  assert.deepEqual([...(await data(params.conv1.weight))].slice(0, 3), [1, 2, 3]);
});

Deno.test("everything that is wrong is reported at once", () => {
  const dict: Record<string, unknown> = { ...fitting(), "fc.weight": zeros([1]) };
  delete dict["conv1.bias"];
  dict["conv1.weight"] = ones([2, 1, 5, 5]);
  const { missing, unexpected, mismatched, message } = wrong(dict);
  assert.deepEqual(missing, ["conv1.bias"]);
  assert.deepEqual(unexpected, ["fc.weight"]);
  assert.deepEqual(mismatched, [{ name: "conv1.weight", reason: "has shape [2, 1, 5, 5], but must be [2, 1, 3, 3]" }]);
  assert.equal(
    message,
    "Cannot load the state dict: missing conv1.bias; unexpected fc.weight; " +
      "conv1.weight has shape [2, 1, 5, 5], but must be [2, 1, 3, 3]",
  );
  assert.match(wrong({}).message, /^Cannot load the state dict: missing conv1.weight, conv1.bias, .*, and 1 more$/);
});

Deno.test("entries that are no tensors are reported, not thrown", () => {
  const cases: [unknown, RegExp][] = [
    [null, /neither a tensor nor numbers with a shape/],
    [3, /neither/],
    [[1, 2], /neither/],
    [{ shape: [2] }, /neither/],
    [{ shape: 2, data: [1, 2] }, /neither/],
    [{ shape: [2], data: "12" }, /neither/],
    [{ shape: [2], data: ["1", "2"] }, /has no number at index 0, but string/],
    // deno-lint-ignore no-sparse-arrays
    [{ shape: [2], data: [1, ,] }, /has no number at index 1, but undefined/],
    [{ shape: [2], data: new Array(2) }, /has no number at index 0, but undefined/],
    [{ shape: [2], data: BigInt64Array.of(1n, 2n) }, /in a BigInt64Array, of which no tensor is made/],
    [{ shape: [2], data: Int8Array.of(1, 2) }, /in a Int8Array, of which/],
    [{ shape: [2], data: Uint16Array.of(1, 2) }, /in a Uint16Array, of which/],
    [{ shape: [2], data: new DataView(new ArrayBuffer(2)) }, /in a DataView, of which/],
    [{ shape: [2n], data: [1, 2] }, /has shape \[2\]/],
    [{ shape: [NaN], data: [1, 2] }, /has shape \[NaN\]/],
    [{
      get shape() {
        throw new Error("on purpose");
      },
      data: [1, 2],
    }, /cannot be read: on purpose/],
    [{
      shape: [2],
      get data() {
        throw "on purpose";
      },
    }, /cannot be read: it throws/],
    [{
      shape: [2],
      data: new Proxy([1, 2], {
        get: () => {
          throw new Error("on purpose");
        },
      }),
    }, /cannot be read: on purpose/],
    [{ shape: [2], data: [1] }, /has 1 numbers, but its shape \[2\] holds 2/],
    [{ shape: [1, 2], data: [1, 2] }, /has shape \[1, 2\], but must be \[2\]/],
  ];
  for (const [entry, reason] of cases) {
    const { mismatched } = wrong({ ...fitting(), "conv1.bias": entry });
    assert.deepEqual(mismatched.map(({ name }) => name), ["conv1.bias"]);
    assert.match(mismatched[0].reason, reason);
  }
  const throwing = Object.defineProperty(fitting(), "conv1.bias", { get: () => assert.fail("on purpose"), enumerable: true });
  assert.deepEqual(wrong(throwing).mismatched, [{ name: "conv1.bias", reason: "cannot be read: on purpose" }]);
  assert.deepEqual(wrong({ ...fitting(), constructor: zeros([1]) }).unexpected, ["constructor"]);
  const sealed = new Proxy({}, { ownKeys: () => assert.fail("on purpose") });
  for (const dict of [null, undefined, 3, "conv1.bias", [], sealed]) assert.equal(wrong(dict).missing.length, 6);
});

Deno.test("what does not fit stays as it was, if that is allowed, and is named", async () => {
  const like = model.init(random.key(3), input);
  const dict: Record<string, unknown> = { ...fitting(), "fc.weight": zeros([1]), "bn_one.bias": zeros([9]) };
  delete dict["conv1.bias"];
  const loaded = loadStateDict(like, dict as layers.StateDict, { strict: false });
  assert.ok(loaded._tag === "Right");
  const { params, missing, unexpected, mismatched } = loaded.right;
  assert.deepEqual([missing, unexpected, mismatched.map(({ name }) => name)], [["conv1.bias"], ["fc.weight"], ["bn_one.bias"]]);
  assert.deepEqual([...(await data(params.conv1.weight))].slice(0, 3), [1, 2, 3]);
  assert.equal(params.conv1.bias, like.params.conv1.bias);
  assert.equal(params.bnOne.bias, like.params.bnOne.bias);
  const whole = loadStateDict(like, fitting(), { strict: false });
  assert.ok(whole._tag === "Right");
  assert.deepEqual([whole.right.missing, whole.right.unexpected, whole.right.mismatched], [[], [], []]);
});
