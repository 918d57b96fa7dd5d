/**
 * `examples/mnist_cnn.ts` broken off and resumed: the parameters at the end are those of one run without a break, bit for bit; folders that
 * do not fit are refused before the training.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../datasets/fixtures.ts";
import { isLong } from "../support/share.ts";
import { atStep, differing, killedAndResumed, newestIn, program, unbroken } from "./resuming.ts";
import { checkEnded, exampleCommand, runExample } from "./run_example.ts";

const permissions = ["-A"];
const run = (args: readonly string[]) => runExample(program, args, { permissions });

Deno.test("killed and resumed in two epochs: with dropout and moments, the same parameters bit for bit", async () => {
  await withFolder(async (folder) => {
    const args = ["--smoke", "--limit", "168", "--batch-size", "16", "--epochs", "2", "--model", "simple", "--optimizer", "adam"];
    args.push("--lr", "0.001", "--device", "wasm");
    const report = join(folder, "report.json");
    const { model, said, kills } = await killedAndResumed(
      folder,
      [...args, "--checkpoint-steps", "1", "--report", report],
      (isLong ? [1, 6, 13] : [6, 13]).map(atStep), // of 22
    );
    assert.ok(kills > 0);
    assert.match(said[0], /There is no checkpoint in .* yet/);
    for (const text of said.slice(1)) assert.match(text, /Goes on from step \d+/);
    assert.deepEqual(await differing(model, await unbroken(folder, args)), []);
    const { epochs } = JSON.parse(await Deno.readTextFile(report));
    assert.deepEqual(epochs.map(({ epoch }: { epoch: number }) => epoch), [1, 2]);
  });
});

const small = ["--smoke", "--limit", "200", "--device", "wasm"]; // four steps an epoch

Deno.test({
  name: "Ctrl-C keeps what it takes to go on; a damaged checkpoint is passed over; a run that is done is not done again",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withFolder(async (folder) => {
      const kept = ["--checkpoint", join(folder, "kept")];
      const child = exampleCommand(program, [...small, ...kept, "--epochs", "100000"], { permissions }).spawn();
      let isAsked = false;
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        if (isAsked || !text.includes("epoch ")) continue;
        isAsked = true;
        child.kill("SIGINT");
      }
      const err = await new Response(child.stderr).text();
      assert.equal((await child.status).code, 130, err);
      const [, said] = /^Interrupted\nWhat the training needs to go on is in .*kept \(step (\d+)\)/.exec(err) ?? [];
      const step = Number(said);
      assert.equal(step, await newestIn(join(folder, "kept")), err);
      const last = step + 1;
      await Deno.writeTextFile(join(folder, "kept", `step-${last}.safetensors`), "damaged");

      const epochs = ["--epochs", `${Math.floor(step / 4) + 1}`];
      const path = join(folder, "resumed.safetensors");
      const ended = await run([...small, ...kept, ...epochs, "--resume", "--save", path]);
      checkEnded(
        ended,
        0,
        new RegExp(`The checkpoint of step ${last} is passed over\\. Cannot read .*\nGoes on from step ${step},`),
      );
      assert.deepEqual(await differing(await Deno.readFile(path), await unbroken(folder, [...small, ...epochs])), []);

      const again = await run([...small, ...kept, ...epochs, "--resume", "--save", path]);
      checkEnded(again, 0, /Goes on from step/);
      assert.doesNotMatch(again.out, /^epoch/m);
    });
  },
});

Deno.test({
  name: "a checkpoint that cannot be written is told, and ends no training; nor does Ctrl-C say then that it was kept",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withFolder(async (folder) => {
      const kept = join(folder, "kept");
      const args = [...small, "--checkpoint", kept, "--epochs", "100000"];
      const child = exampleCommand(program, args, { permissions }).spawn();
      // Each is done when what is before it has been shown.
      const turns: [shown: RegExp, turn: () => void | Promise<void>][] = [
        [/^epoch \d+\//m, () => fileInPlaceOf(kept)],
        [/^Cannot write .*kept[^]*^epoch \d+\//m, () => child.kill("SIGINT")],
      ];
      let shown = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        shown += text;
        if (!turns[0]?.[0].test(shown)) continue;
        shown = "";
        await turns.shift()![1]();
      }
      const err = await new Response(child.stderr).text();
      assert.equal((await child.status).code, 130, err);
      assert.equal(err, "Interrupted\n");
    });
  },
});

/** Puts a file where a folder is, which others may be writing in, and making again. */
async function fileInPlaceOf(folder: string): Promise<void> {
  for (;;) {
    await Deno.rename(folder, `${folder} ${crypto.randomUUID()}`).catch(() => {});
    if (await Deno.writeTextFile(folder, "", { createNew: true }).then(() => true, () => false)) return;
  }
}

Deno.test("a folder that does not fit is refused before the training: what differs is named", async () => {
  await withFolder(async (folder) => {
    const kept = join(folder, "kept");
    checkEnded(await run([...small, "--checkpoint", kept]), 0, /epoch 1\/1/);
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    const refused: readonly (readonly [args: readonly string[], said: RegExp])[] = [
      [["--checkpoint", kept], /it has those of another run, up to step 4; go on with it by --resume, or choose another/],
      [
        ["--checkpoint", kept, "--resume", "--model", "lenet", "--optimizer", "adam"],
        /missing: [^;]*optim\.\S*mu[^;]*; unexpected: [^;]*; other: train\.params\.conv1\.weight is f32 \[10, 1, 5, 5\], not/,
      ],
      [
        ["--checkpoint", kept, "--resume", "--lr", "0.5", "--seed", "3", "--batch-size", "32"],
        /its run has lr 0\.01, not 0\.5, batch-size 64, not 32, seed 0, not 3$/m,
      ],
      [["--checkpoint", file], /Cannot keep checkpoints in .*file/],
      [["--checkpoint", join(file, "folder")], /Cannot keep checkpoints in .*folder/],
      [["--save", join(folder, "none", "model")], /Cannot write the model .*there is no folder/],
      [["--save", folder], /Cannot write the model .*it is a folder/],
    ];
    for (const [args, said] of refused) {
      const ended = await run([...small, ...args]);
      checkEnded(ended, 1, said);
      assert.doesNotMatch(ended.out, /epoch/);
    }
    const flags = /--allow-read=kept --allow-write=kept/;
    checkEnded(await runExample(program, [...small, "--checkpoint", "kept"]), 1, flags);
    assert.deepEqual(await newestIn(kept), 4);
  });
});
