/**
 * The examples of notes 3 (pictures, loaders, logs, regularisation, gradients) and 4 (tensors, softmax, networks for digits), as a user
 * runs them: what they print and log is what the notes print and log, or what PyTorch gives where they print nothing.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../datasets/fixtures.ts";
import { chaptersOf, checkEnded, runExample, smoke } from "./run_example.ts";
import { type ReadEvent, readEvent, readRecords } from "../visual/tfrecord.ts";

/** Runs an example with a log, and reads that. */
async function logOf(file: string): Promise<{ readonly out: string; readonly events: ReadEvent[] }> {
  return await withFolder(async (folder) => {
    const permissions = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    const ended = await runExample(file, [...smoke, "--log", folder], { permissions });
    checkEnded(ended, 0, /./);
    const [{ name }] = await Array.fromAsync(Deno.readDir(folder));
    return { out: ended.out, events: readRecords(await Deno.readFile(join(folder, name))).map(readEvent) };
  });
}

/** What an expression printed. */
function after(text: string, expression: string): string {
  const start = text.indexOf(`> ${expression}\n`);
  assert.ok(start >= 0, `no "${expression}" in:\n${text}`);
  return text.slice(start + expression.length + 3).split(/\n(?:> |$)/)[0].trimEnd();
}

/** The numbers in a text, without those of a tensor's type and shape. */
function numbers(text: string): number[] {
  return (text.replace(/, \w+\[[\d, ]*\]\)$/, "").match(/-?\d+(\.\d*)?(e[+-]\d+)?/g) ?? []).map(Number);
}

Deno.test("tensors.ts: 4.1 to 4.4 and 4.6", async () => {
  const [creation, reading, arithmetic, broadcasting, algebra, axes] = await chaptersOf("tensors.ts");
  assert.equal(
    after(creation, "zeros([3, 4])"),
    "tensor([[0., 0., 0., 0.],\n        [0., 0., 0., 0.],\n        [0., 0., 0., 0.]], f32[3, 4])",
  );
  assert.ok(numbers(after(creation, "random.uniform(key, [3, 4])")).every((x) => x >= 0 && x < 1));
  const drawn = numbers(after(creation, "random.randint(key, [16], { max: 10 })"));
  assert.ok(drawn.length === 16 && drawn.every((x) => Number.isInteger(x) && x >= 0 && x < 10));
  assert.match(after(creation, "reshape(arange(9), [3, 3])"), /\[6, 7, 8\]\], i32\[3, 3\]\)$/);
  assert.match(creation, /f64\[2, 3\]/);
  assert.equal(after(creation, "[zeros([3, 4]).shape, zeros([3, 4]).dtype]"), '[ [ 3, 4 ], "f32" ]');

  assert.equal(after(reading, "item(at(a, 0))"), "1");
  assert.match(after(reading, "item(a)"), /^ShapeError: .*3 elements, not one/);
  assert.deepEqual(numbers(after(reading, "at(x, 1)")), [5, 6, 7, 8]);
  assert.match(
    after(reading, 'at(x, [":", { start: 1, stop: 2 }])'),
    /^tensor\(\[\[ 2\.\],\n +\[ 6\.\],\n +\[10\.\]\], f32\[3, 1\]\)$/,
  );
  assert.deepEqual(numbers(after(reading, "at(x, [{ start: 1, stop: 3 }, { start: 0, stop: 3 }])")), [5, 6, 7, 9, 10, 11]);
  assert.deepEqual(numbers(after(reading, "at(x, { start: -2 })")), [5, 6, 7, 8, 9, 10, 11, 12]);
  assert.deepEqual(numbers(after(reading, 'at(x, [":", [2, 1, 0]])')), [3, 2, 1, 7, 6, 5, 11, 10, 9]);
  assert.deepEqual(numbers(after(reading, "at(x, [[0, 1, 2], [2, 1, 0]])")), [3, 6, 9]);
  assert.match(after(reading, "at(x, 3)"), /^RangeError/);

  assert.deepEqual(numbers(after(arithmetic, "mul(x, y)")), [5, 12, 21, 32]);
  assert.deepEqual(numbers(after(arithmetic, "reciprocal(x)")), [1, 0.5, 0.3333, 0.25]);
  assert.deepEqual(numbers(after(arithmetic, "pow(x, y)")), [1, 64, 2187, 65536]);
  assert.deepEqual(numbers(after(broadcasting, "add(column, row)")), [2, 3, 3, 4, 4, 5]);
  assert.match(broadcasting, /ShapeError: Cannot add shapes \[3, 4\] and \[3, 5\]/);

  assert.deepEqual(numbers(after(algebra, "transpose(A)")), [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(numbers(after(algebra, "matmul(A, B)")), [10, 13, 28, 40]);
  assert.deepEqual(numbers(after(algebra, "matmul(A, x)")), [5, 14]);
  assert.equal(after(algebra, "norm(tensor([3, 4]))"), "tensor(5., f32[])");
  assert.match(algebra, /DTypeError: Cannot take norm of a tensor of type i32: it needs a floating type/);

  assert.deepEqual(numbers(after(axes, "sum(a, { axis: 0 })")), Array(12).fill(2));
  assert.deepEqual(numbers(after(axes, "sum(a, { axis: 1 })")), Array(8).fill(3));
  assert.deepEqual(numbers(after(axes, "sum(a, { axis: 2 })")), Array(6).fill(4));
  assert.match(axes, /\[ \[ 1, 3, 4 \], \[ 2, 1, 4 \], \[ 2, 3, 1 \] \]/);
});

Deno.test("autograd.ts: 4.5, 4.7, 4.8", async () => {
  const [gradients, intermediate, sigmoids, softmax, poly] = await chaptersOf("autograd.ts");
  assert.deepEqual(numbers(after(gradients, "grad(y)(x)")), [0, 2, 4]);
  assert.deepEqual(numbers(after(gradients, "add(grad(y)(x), grad(sum)(x))")), [1, 3, 5]);
  assert.match(after(gradients, "grad(y)(arange(3))"), /^DTypeError: .* i32: it needs a floating type/);
  assert.match(after(gradients, "grad(square)(x)"), /^TypeError: .*must be a scalar/);

  assert.deepEqual(numbers(after(intermediate, "grad(square)(y)")), [10]);
  assert.deepEqual(numbers(after(intermediate, "pull(grad(square)(y))[0]")), [0, 20, 40]);
  assert.deepEqual(numbers(after(intermediate, "grad((x) => square(inner(x)))(x)")), [0, 20, 40]);

  const atTwo = Array.from(sigmoids.split("At x = 2:")[1].matchAll(/ (0\.\d{4})$/gm), ([, value]) => Number(value));
  const gd = 2 / Math.PI * 2 * Math.atan(Math.tanh(Math.PI / 2));
  const expected = [0.98781, 2 / Math.sqrt(5), Math.tanh(2), 2 / Math.PI * Math.atan(Math.PI), gd, 2 / 3];
  assert.deepEqual(atTwo, expected.map((value) => Number(value.toFixed(4))));

  const [p, z] = [numbers(after(softmax, "softmax(z)")), numbers(after(softmax, "z"))];
  assert.ok(Math.abs(p.reduce((a, b) => a + b) - 1) < 1e-3);
  assert.deepEqual(numbers(after(softmax, "div(exp(z), sum(exp(z)))")), p);
  const [loss] = numbers(after(softmax, "loss(z)"));
  assert.ok(Math.abs(loss - Math.log(z.reduce((total, each) => total + Math.exp(each), 0)) + z[2]) < 1e-3);
  assert.deepEqual(numbers(after(softmax, "sub(logSumExp(z), sum(mul(y, z)))")), [loss]);
  assert.equal(after(softmax, "grad(loss)(z)"), after(softmax, "sub(softmax(z), y)"));
  assert.ok(Number.isFinite(numbers(after(softmax, "loss(mul(z, 1e4))"))[0]));

  const [q] = numbers(after(poly, "q")), [entropy] = numbers(after(poly, "crossEntropy(z, label)"));
  assert.equal(numbers(after(poly, "cumsum(div(pow(q, k), k))")).at(-1), entropy);
  assert.ok(Math.abs(numbers(after(poly, "polyLoss(z, label)"))[0] - entropy - q) < 2e-4);
  assert.ok(Math.abs(numbers(after(poly, "polyLoss(z, label, { epsilon: 2 })"))[0] - entropy - 2 * q) < 2e-4);
});

Deno.test("windows.ts: 3.4 to 3.7, 4.11", async () => {
  const [module, convolution, pools, activations, sizes] = await chaptersOf("windows.ts");
  assert.match(module, /tensor\(\[2\.\], f32\[1\]\)/);
  assert.match(convolution, /\[ \[ 1, 1, 5, 5 \], \[ 1, 1, 3, 3 \] \]/);
  assert.deepEqual(numbers(after(convolution, "conv2d(input, kernel, { stride: 1 })")), [10, 12, 12, 18, 16, 16, 13, 9, 3]);
  assert.deepEqual(numbers(after(convolution, "conv2d(input, kernel, { stride: 2 })")), [10, 12, 13, 3]);
  // deno-fmt-ignore
  assert.deepEqual(numbers(after(convolution, "conv2d(input, kernel, { stride: 1, padding: 1 })")), [
    1, 3, 4, 10, 8, 5, 10, 12, 12, 6, 7, 18, 16, 16, 8, 11, 13, 9, 3, 4, 14, 13, 9, 7, 4,
  ]);
  assert.match(convolution, /ShapeError: .*the input has 3 channels, the weight takes 1/);
  assert.deepEqual(numbers(after(pools, "maxPool2d(input, { kernel: 3 })")), [2]);
  assert.deepEqual(numbers(after(pools, "maxPool2d(input, { kernel: 3, ceilMode: true })")), [2, 3, 5, 1]);
  assert.deepEqual(numbers(after(pools, "maxPool2d(input, { kernel: 3, stride: 1, dilation: 2 })")), [2]);
  assert.deepEqual(numbers(after(activations, "relu(x)")), [1, 0, 0, 3]);
  assert.deepEqual(numbers(after(activations, "sigmoid(relu(x))")), [0.7311, 0.5, 0.5, 0.9526]);

  assert.match(sizes, /\[ 1, 5, 100, 100 \]\n[^]*\[ 1, 10, 98, 98 \]\n[^]*\[ 10, 98, 98 \]\n[^]*\[ 10, 5, 3, 3 \]\n/);
  // deno-fmt-ignore
  assert.deepEqual(numbers(after(sizes, "conv2d(ones([1, 1, 5, 5]), nine, { padding: 1 })")), [
    28, 39, 39, 39, 24, 33, 45, 45, 45, 27, 33, 45, 45, 45, 27, 33, 45, 45, 45, 27, 16, 21, 21, 21, 12,
  ]);
  assert.deepEqual(numbers(after(sizes, "maxPool2d(ones([1, 1, 5, 5]), { kernel: 2 })")), [1, 1, 1, 1]);
});

Deno.test("loader_and_board.ts: 3.1 to 3.3, 3.5 to 3.7", async () => {
  const [set, transformed, loaded] = await chaptersOf("loader_and_board.ts");
  assert.match(set, /200 pictures of 10 classes, each \[ 3, 32, 32 \]\n[^]*f32\[3, 32, 32\]\)\n\d \w+\n/);
  assert.match(transformed, /normalised: -[\d.]+ to [\d.]+\n/);
  const orders = Array.from(loaded.matchAll(/batches of \[ 64, 3, 32, 32 \] that begin with ([\d,]+)/g), ([, order]) => order);
  assert.equal(new Set(orders).size, 2);
  assert.equal(loaded.match(/: 3 batches$/gm)?.length, 2); // 200 = 3 * 64 + 8, which are dropped

  const { out, events } = await logOf("loader_and_board.ts");
  assert.match(out, /The log: tensorboard --logdir /);
  const images = events.filter(({ image }) => image).map(({ tag, step, image }) => [tag, step, image?.height, image?.width]);
  const batch = (tag: string, step: number, side = 32) => [tag, step, 8 * side, 8 * side];
  assert.deepEqual(images, [
    ...Array.from({ length: 10 }, (_, i) => ["test_set", i, 32, 32]),
    ["augmented", 0, 64, 256],
    ...[0, 1].flatMap((epoch) => [0, 1, 2].map((step) => batch(`Epoch: ${epoch}`, step))),
    batch("input", 0),
    batch("convolution", 0, 30),
    batch("max-pool", 0, 10),
    batch("relu, sigmoid", 0),
  ]);
});

Deno.test("generalization.ts: 3.8", async () => {
  const { out, events } = await logOf("generalization.ts");
  const rows = new Map(Array.from(
    out.matchAll(/^(nothing|L2 penalty|weight decay|L1 penalty) +(.*)$/gm),
    ([, name, row]) => [name, numbers(row)] as const,
  ));
  const [nothing, l2, decay, l1] = ["nothing", "L2 penalty", "weight decay", "L1 penalty"].map((name) => rows.get(name)!);
  const [training, validation, length, small] = [0, 1, 2, 3];
  assert.ok(nothing[training] < nothing[validation] - 10, "without regularisation it learns by heart");
  assert.ok(l2[length] < 0.8 * nothing[length]);
  l2.forEach((value, i) => assert.ok(Math.abs(value - decay[i]) <= 1, `${l2} and ${decay} are two ways to say the same`));
  assert.ok(l1[small] > 10 * nothing[small], "L1 makes numbers 0");

  const curve = events.filter(({ tag }) => tag === "validation error/nothing").map(({ step, scalar }) => [step, scalar]);
  assert.equal(curve.length, 30);
  assert.deepEqual(curve[29].map((value) => value?.toFixed(3)), ["29.000", (nothing[validation] / 100).toFixed(3)]);
});

Deno.test("gradient_flow.ts: 3.9", async () => {
  const { out, events } = await logOf("gradient_flow.ts");
  const ends = Object.fromEntries(
    Array.from(
      out.matchAll(/^(.+?) +first \w+ (\S+), last \w+ (\S+)$/gm),
      ([, name, first, last]) => [name, [Number(first), Number(last)]],
    ),
  );
  const ratio = (name: string) => ends[name][0] / ends[name][1];
  assert.ok(ratio("sigmoid") < 1e-6, "vanishes");
  for (const name of ["relu, He", "batch norm", "residual", "tanh, Xavier"]) {
    assert.ok(ratio(name) > 1e-3 && ratio(name) < 1e3, name);
  }
  assert.ok(ends["relu, deviation 0.5"][0] > 1e4 && ends["relu, He"][0] < 100, "explodes");
  assert.match(out, /by value 0\.01: norm \S+ -> \S+, cosine with the gradient 0\.[0-8]/);
  assert.match(out, /by global norm 1: norm \S+ -> 1\.00, cosine with the gradient 1\.000/);
  assert.ok(ratio("tanh") < 0.01 * ratio("LSTM, forget bias 4"));
  const histograms = events.filter(({ histogram }) => histogram);
  assert.equal(histograms.length, 7 * 12 + 3);
  assert.ok(histograms.every(({ histogram }) => histogram!.num > 0));
});

Deno.test("mnist_cnn.ts: 4.9, 4.10: the running loss of 300 iterations, the accuracy of each epoch", async () => {
  const args = [
    "--model",
    "fcn",
    "--data",
    "synthetic",
    "--limit",
    "1200",
    "--batch-size",
    "2",
    "--epochs",
    "1",
    "--device",
    "wasm",
  ];
  const ended = await runExample("mnist_cnn.ts", args);
  checkEnded(ended, 0, /epoch 1\/1 .* test accuracy [\d.]+ %/);
  const running = Array.from(
    ended.out.matchAll(/step (\d+)\/600 {2}loss ([\d.]+)/g),
    ([, step, loss]) => [step, loss].map(Number),
  );
  const whole = Number(/train loss ([\d.]+)/.exec(ended.out)?.[1]);
  assert.deepEqual(running.map(([step]) => step), [300, 600]);
  assert.ok(Math.abs((running[0][1] + running[1][1]) / 2 - whole) < 1e-3);
});

Deno.test("their flags: listed by --help, and refused with what would permit them", async () => {
  const help = await runExample("loader_and_board.ts", ["--help"]);
  checkEnded(help, 0, /^Usage: loader_and_board.ts \[options\]/);
  for (const flag of ["smoke", "seed", "device", "data", "limit", "epochs", "workers", "log", "help"]) {
    assert.match(help.out, new RegExp(`--${flag}\\b`));
  }
  assert.match(help.out, /Data:\n[^]*Permissions:[^]*Exit codes:/);
  checkEnded(await runExample("loader_and_board.ts", [...smoke, "--log", "logs"]), 1, /--allow-write=logs/);
  checkEnded(await runExample("loader_and_board.ts", ["--data", "cifar10"]), 1, /--allow-net/);
  checkEnded(await runExample("gradient_flow.ts", ["--depth", "1"]), 2, /integer from 2 to 100/);
});
