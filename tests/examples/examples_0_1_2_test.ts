/**
 * The examples of notes 0 (a CNN explained), 1 (training, LeNet to NiN) and 2 (a CNN taken apart), as a user runs them: what they print is
 * what the notes print, or what PyTorch gives where they print nothing.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../datasets/fixtures.ts";
import { isLong } from "../support/share.ts";
import { chaptersOf, checkEnded, runExample, smoke } from "./run_example.ts";

function includes(text: string, ...parts: readonly string[]): void {
  for (const part of parts) assert.ok(text.includes(part), `no "${part}" in:\n${text}`);
}

Deno.test("cnn_explained.ts: 0.1 to 0.10", async () => {
  const [digits, convolution, sizes, activations, losses, connections, dropouts, decay, network] = await chaptersOf(
    "cnn_explained.ts",
  );
  includes(digits, "synthetic digits: 640 images to learn from", "28 x 28 bytes", "█");
  assert.equal(digits.match(/^ +\d( +\d)?$/gm)?.join(" ").match(/\d/g)?.length, 5);

  includes(
    convolution,
    "[21., 22., 23., 24., 25.]]]], f32[1, 1, 5, 5])",
    "[1, 1, 5, 5] becomes [1, 32, 3, 3]",
    "f32[1, 6, 3, 3]",
  );
  const counted = /(\d+) of 288 numbers are negative, after relu (\d+)/.exec(convolution);
  assert.ok(Number(counted?.[1]) > 0 && counted?.[2] === "0", convolution);
  const [before, after] = convolution.split("the same after relu:");
  assert.match(before.split("the first 6")[1], / -\d/);
  assert.doesNotMatch(after, / -\d/);

  const formulas = [...sizes.matchAll(/formula (\d+), layer \[32, (\d+), (\d+)\]/g)];
  assert.deepEqual(formulas.map(([, size]) => size), ["3", "26", "24", "28", "14"]);
  for (const [, size, height, width] of formulas) assert.deepEqual([height, width], [size, size]);
  includes(sizes, 'ShapeError: Cannot apply layer "conv2" to input [32, 3, 3]: ', "the input has 3 channels, the weight takes 1");

  includes(activations, "leakyRelu -0.0200 -0.0100", "gelu      -0.0455 -0.1587", "silu      -0.2384 -0.2689");
  includes(losses, "nan", "-20000.0000");
  const loss = [...losses.matchAll(/(?:softmax|logits) +(\d[\d.]+)$/gm)].map(([, value]) => value);
  assert.equal(loss.length, 2);
  assert.equal(loss[0], loss[1]);
  includes(connections, "[16, 8, 14, 14]", "[16, 20, 14, 14]");
  includes(dropouts, "times 2.00", "times 1.33", "times 1.25");
  assert.equal(dropouts.match(/eval .* 0\.0 % are 0, the others times 1\.00/g)?.length, 3);
  const norms = [...decay.matchAll(/norm of fc\.weight ([\d.]+)/g)].map(([, norm]) => Number(norm));
  assert.ok(norms[1] < norms[0], decay);
  includes(network, "flatten  flatten    [9216]", "1,199,882");
  assert.match(network, /loss [\d.]+, then [\d.]+ % of the test images right/);
});

Deno.test("lenet_to_nin.ts: 1.1 to 1.6", async () => {
  const [accuracy, counts, maps, walk, norm, training] = await chaptersOf("lenet_to_nin.ts");
  includes(accuracy, "tensor([2, 0, 1, 1], i32[4])", "accuracy: 0.75");
  includes(counts, "640 images, batch size 64: an epoch has 10 iterations");

  const shapes = (network: string) => {
    const [, list] = new RegExp(`^${network}, input .*\n((?:.+ output shape: .*\n)+)`, "m").exec(maps) ?? [];
    return list.trimEnd().split("\n");
  };
  assert.deepEqual(shapes("NiN"), [
    "0 output shape: [1, 96, 54, 54]",
    "1 output shape: [1, 96, 26, 26]",
    "2 output shape: [1, 256, 26, 26]",
    "3 output shape: [1, 256, 12, 12]",
    "4 output shape: [1, 384, 12, 12]",
    "5 output shape: [1, 384, 5, 5]",
    "6 output shape: [1, 384, 5, 5]",
    "7 output shape: [1, 10, 5, 5]",
    "8 output shape: [1, 10, 1, 1]",
    "9 output shape: [1, 10]",
  ]);
  includes(shapes("LeNet").join("\n"), "conv.5 output shape: [1, 16, 4, 4]", "fc.4 output shape: [1, 10]");
  includes(shapes("AlexNet").join("\n"), "conv.0 output shape: [1, 96, 54, 54]", "flatten output shape: [1, 6400]");
  includes(
    shapes("VGG-11").join("\n"),
    "vgg_block_1 output shape: [1, 64, 112, 112]",
    "vgg_block_5 output shape: [1, 512, 7, 7]",
  );

  includes(walk, "7 - features.relu1: relu", "features.conv4.weight [128, 128, 3, 3]", "260,160");
  assert.equal(walk.match(/^4 - features: serial$/gm)?.length, 2);
  const apart = [...norm.matchAll(/\d+e[+-]\d+/g)].map(([number]) => Number(number));
  assert.equal(apart.length, 8);
  assert.ok(apart.every((distance) => distance < 1e-5), norm);
  assert.equal(training.match(/epoch 1: last loss [\d.]+, test accuracy [\d.]+/g)?.length, 2);
});

Deno.test("detector.ts: 2.1 to 2.4", async () => {
  const [detector, gradient, updates, passes] = await chaptersOf("detector.ts");
  const epochs = [...detector.matchAll(/^epoch (\d+):$/gm)].map(([, epoch]) => Number(epoch));
  assert.deepEqual(epochs, Array.from({ length: 10 }, (_, i) => 20 * i));
  includes(detector, "in the end:", "conv2.bias", "loss of the equal", "loss of the noise", "epoch");
  const answers = [...detector.matchAll(/^(\[\[.*\]\]): (equal|not equal) \(([\d.]+)\)$/gm)];
  assert.deepEqual(answers.map(([, matrix, answer]) => [JSON.parse(matrix)[0][0], answer]), [
    [200, "equal"],
    [11.11, "equal"],
    [10, "not equal"],
    [5.6, "not equal"],
  ]);
  for (const [, , answer, value] of answers) assert.ok(Math.abs(Number(value) - (answer === "equal" ? 1 : 0)) < 0.05, detector);

  includes(gradient, "dc/da tensor(3., f64[])", "dc/db tensor(1., f64[])");
  includes(updates, "0.8000  0.6400  0.5120  0.4096", "0.8000  0.4600  0.0620  -0.3086", "0.9000  0.8004  0.7016  0.6039");
  includes(passes, "gradients -4 -6", "with their sum: 2\n", "after pass 1: 1\n", "after pass 2: 2\n");
});

Deno.test("their flags: listed by --help, wrong ones refused", async () => {
  for (const [file, flags] of [["cnn_explained.ts", ["data"]], ["lenet_to_nin.ts", ["data"]], ["detector.ts", []]] as const) {
    const ended = await runExample(file, ["--help"]);
    checkEnded(ended, 0, new RegExp(`^Usage: ${file} \\[options\\]`));
    includes(ended.out, ...["smoke", "seed", "device", "pictures", "help", ...flags].map((flag) => `--${flag}`));
  }
  checkEnded(await runExample("detector.ts", ["--data", "mnist"]), 2, /unknown option '--data'/);
  checkEnded(await runExample("detector.ts", ["--seed", "x"]), 2, /integer/);
  checkEnded(
    await runExample("lenet_to_nin.ts", ["--data", "none"], { permissions: ["--allow-read"] }),
    1,
    /Cannot find .* in none/,
  );
});

Deno.test("pictures are written where --pictures says so, and Deno may", async () => {
  await withFolder(async (folder) => {
    const pictures = join(folder, "new", "pictures");
    const permissions = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    checkEnded(await runExample("detector.ts", ["--pictures", pictures], { permissions }), 0, /Picture: .*detector_losses\.svg/);
    assert.match(await Deno.readTextFile(join(pictures, "detector_losses.svg")), /^<svg[^]*Are all nine numbers equal\?/);
    if (isLong) {
      const digits = await runExample("cnn_explained.ts", [...smoke, "--pictures", pictures], { permissions });
      checkEnded(digits, 0, /Picture: .*first_digits\.svg/);
      const svg = await Deno.readTextFile(join(pictures, "first_digits.svg"));
      assert.equal(svg.match(/<image /g)?.length, 5);
      assert.equal(svg.match(/Label: \d/g)?.length, 5);
      const lenet = await runExample("lenet_to_nin.ts", [...smoke, "--pictures", pictures], { permissions });
      checkEnded(lenet, 0, /Picture: .*lenet_losses\.svg/);
      assert.match(await Deno.readTextFile(join(pictures, "lenet_losses.svg")), /^<svg[^]*LeNet with batch norm/);
    }
    const files = await Array.fromAsync(Deno.readDir(pictures), ({ name }) => name);
    assert.deepEqual(files.sort(), ["detector_losses.svg", ...isLong ? ["first_digits.svg", "lenet_losses.svg"] : []]);
    const taken = join(pictures, "detector_losses.svg");
    checkEnded(
      await runExample("detector.ts", ["--pictures", taken], { permissions }),
      1,
      /Cannot make files in the folder .*detector_losses\.svg/,
    );
    await Deno.remove(join(pictures, "detector_losses.svg"));
    await Deno.mkdir(join(pictures, "detector_losses.svg"));
    const refused = await runExample("detector.ts", ["--pictures", pictures], { permissions });
    checkEnded(refused, 1, /^Cannot write the picture .*detector_losses\.svg: [^\n]*\n$/);
  });
  checkEnded(
    await runExample("detector.ts", ["--pictures", "somewhere"]),
    1,
    /run deno with --allow-read=somewhere --allow-write=somewhere/,
  );
});
