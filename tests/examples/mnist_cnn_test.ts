/**
 * `examples/mnist_cnn.ts` as a user runs it: a process of its own, with the permissions it is given and no terminal.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseOptions } from "../../examples/cli/options.ts";
import { gzip, imageFile, labelFile, put, smallSource, withFolder } from "../datasets/fixtures.ts";
import { webgpu } from "../support/devices.ts";
import { isLong } from "../support/share.ts";
import { checkEnded, exampleCommand, exampleUrl, type How, runExample } from "./run_example.ts";

const file = "mnist_cnn.ts";
const run = (args: readonly string[], how?: How) => runExample(file, args, how);

/** A run of a moment. */
const brief = ["--smoke", "--limit", "200"];

Deno.test("without permission: trains on the built-in digits, says how to get MNIST, and asks for nothing", async () => {
  await withFolder(async (folder) => {
    const log = join(folder, "permissions");
    // Quick tests have one epoch of the three.
    const ended = await run(isLong ? [] : ["--epochs", "1"], { env: { DENO_AUDIT_PERMISSIONS: log } });
    checkEnded(ended, 0, /To train on MNIST: deno run -A/);
    assert.match(ended.out, /synthetic digits, 20,000 to train/);
    const accuracies = [...ended.out.matchAll(/test accuracy ([\d.]+) %/g)].map(([, percent]) => Number(percent));
    assert.equal(accuracies.length, isLong ? 3 : 1);
    assert.ok(accuracies.at(-1)! >= (isLong ? 95 : 85), `${accuracies}`);
    assert.doesNotMatch(ended.err, /permission|access/i);
    // Deno notes each permission that was asked for, granted or not.
    assert.equal(await Deno.readTextFile(log).catch(() => ""), "");
  });
});

Deno.test("--help lists every flag, without permission", async () => {
  await withFolder(async (folder) => {
    const log = join(folder, "permissions");
    const ended = await run(["--help"], { env: { DENO_AUDIT_PERMISSIONS: log } });
    checkEnded(ended, 0, /^Usage: mnist_cnn.ts \[options\]/);
    const flags = ["model", "epochs", "batch-size", "lr", "momentum", "optimizer", "seed", "device", "threads", "data", "limit"];
    for (const flag of [...flags, "report", "checkpoint", "checkpoint-steps", "resume", "save", "smoke", "help"]) {
      assert.match(ended.out, new RegExp(`--${flag}\\b`));
    }
    assert.equal(ended.err, "");
    assert.equal(await Deno.readTextFile(log).catch(() => ""), "");
  });
});

Deno.test("wrong flags are refused, with exit code 2", () => {
  const wrong: readonly (readonly [args: string[], said: RegExp])[] = [
    [["--bogus"], /unknown option '--bogus'/],
    [["--modle", "cnn"], /Did you mean --model\?/],
    [["cnn"], /too many arguments/],
    [["--model", "vgg"], /Allowed choices are cnn, simple, fcn, lenet/],
    [["--epochs", "0"], /'0' is invalid\. It must be an integer of at least 1/],
    [["--epochs", "1.5"], /integer/],
    [["--epochs"], /argument missing/],
    [["--batch-size", "many"], /'many' is invalid/],
    [["--lr", "0"], /It must be a number above 0/],
    [["--lr", "fast"], /It must be a number above 0/],
    [["--lr", "1e999"], /It must be a number above 0/],
    [["--momentum", "1"], /It must be 0 or more and below 1/],
    [["--momentum", "-0.1"], /It must be 0 or more and below 1/],
    [["--optimizer", "rmsprop"], /Allowed choices are sgd, adam, adamW/],
    [["--optimizer", "adam", "--momentum", "0.9"], /'--momentum' is for --optimizer sgd/],
    [["--seed", "-1"], /'-1' is invalid/],
    [["--seed", "9007199254740993"], /'9007199254740993' is invalid/],
    [["--device", "tpu"], /Allowed choices are auto, webgpu, wasm, reference/],
    [["--threads", "0"], /integer from 1 to 256/],
    [["--limit", "0"], /integer of at least 1/],
    [["--data="], /must not be empty/],
    [["--report="], /must not be empty/],
    [["--checkpoint="], /must not be empty/],
    [["--save="], /must not be empty/],
    [["--resume"], /'--resume' needs --checkpoint/],
    [["--checkpoint-steps", "5"], /'--checkpoint-steps' needs --checkpoint/],
    [["--checkpoint", "folder", "--checkpoint-steps", "0"], /integer of at least 1/],
  ];
  for (const [args, said] of wrong) {
    const refused = parseOptions(args);
    assert.ok(refused._tag === "Left", `${args}`);
    assert.equal(refused.left.exitCode, 2);
    assert.match(refused.left.message, said);
    assert.match(refused.left.message, /--help/);
  }
});

Deno.test("a wrong command line is refused before anything is done", async () => {
  const wrong = [
    [["--bogus"], /^error: unknown option '--bogus'/],
    [["--resume"], /^error: option '--resume' needs --checkpoint/],
    [["--threads", "2", "--device", "reference"], /^error: option '--threads' is for the device wasm/],
  ] as const;
  for (const [args, said] of wrong) {
    const ended = await run(args);
    checkEnded(ended, 2, said);
    assert.match(ended.err, /--help/);
    assert.equal(ended.out, "");
  }
});

Deno.test("what may not be done is refused with the flag that permits it", async () => {
  checkEnded(await run([...brief, "--report", "r.json"]), 1, /Cannot write the report r\.json.*--allow-read=\. --allow-write=\./);
  checkEnded(await run(["--data", "folder"]), 1, /--allow-read=folder/);
  checkEnded(await run(["--data", "mnist"]), 1, /--allow-net/);
});

Deno.test("a folder that is not there and files that are wrong are reported", async () => {
  const permissions = ["--allow-read"];
  checkEnded(
    await run(["--data", "no such folder"], { permissions }),
    1,
    /Cannot find train-images-idx3-ubyte in no such folder/,
  );
  await withFolder(async (folder) => {
    const { plain, packed } = await smallSource();
    const [images] = Object.keys(packed);
    const bad: readonly (readonly [files: Record<string, Uint8Array>, said: RegExp])[] = [
      [{ ...packed, [images]: packed[images].slice(0, -50) }, /gzip stream .* is cut short or damaged/],
      [{ ...plain, "train-labels-idx1-ubyte": labelFile(29) }, /Cannot read .*train-labels-idx1-ubyte as an IDX array/],
      [{ ...plain, "train-images-idx3-ubyte": labelFile(30) }, /as an IDX array/],
      [{ ...plain, "train-images-idx3-ubyte": imageFile(0), "train-labels-idx1-ubyte": labelFile(0) }, /it has no images/],
    ];
    for (const [i, [files, said]] of bad.entries()) {
      const data = join(folder, `${i}`);
      await put(data, files);
      checkEnded(await run(["--data", data], { permissions }), 1, said);
    }
  });
});

Deno.test("a folder of one's own: names the data, takes packed files, last batches may be smaller", async () => {
  await withFolder(async (folder) => {
    const { plain } = await smallSource();
    await put(folder, { ...plain, "t10k-images-idx3-ubyte": await gzip(imageFile(12, 7)) });
    const args = [
      "--data",
      folder,
      "--batch-size",
      "8",
      "--epochs",
      "2",
      "--model",
      "lenet",
      "--threads",
      "1",
      "--device",
      "wasm",
    ];
    checkEnded(await run(args, { permissions: ["--allow-read"] }), 0, /30 to train, 12 to test\n[^]*1 thread\)\n[^]*epoch 2\/2/);
  });
});

Deno.test("--report writes all fields, over an earlier report, and leaves nothing else", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "report.json");
    await Deno.writeTextFile(path, "an earlier report");
    const args = [...brief, "--epochs", "2", "--model", "fcn", "--optimizer", "adamW", "--lr", "1e-3", "--report", path];
    checkEnded(await run(args, { permissions: [`--allow-read=${folder}`, `--allow-write=${folder}`] }), 0, /epoch 2\/2/);
    const report = JSON.parse(await Deno.readTextFile(path));
    assert.deepEqual(
      Object.keys(report),
      ["device", "model", "data", "batchSize", "epochs", "totalSeconds", "peakMemoryBytes"],
    );
    assert.equal(report.model, "fcn");
    assert.equal(report.data, "synthetic digits");
    assert.equal(report.batchSize, 64);
    assert.equal(report.epochs.length, 2);
    assert.ok(report.totalSeconds > 0);
    assert.ok(report.peakMemoryBytes > 2 ** 24);
    for (const [i, epoch] of report.epochs.entries()) {
      assert.deepEqual(
        Object.keys(epoch),
        ["epoch", "seconds", "trainLoss", "testLoss", "testAccuracy", "msPerStepMedian"],
      );
      assert.equal(epoch.epoch, i + 1);
      assert.ok(Object.values(epoch).every((value) => Number.isFinite(value)));
      assert.ok(epoch.testAccuracy >= 0 && epoch.testAccuracy <= 1);
    }
    assert.ok(report.epochs[1].trainLoss < report.epochs[0].trainLoss);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["report.json"]);
  });
});

Deno.test("a report that cannot be written is refused before the training", async () => {
  await withFolder(async (folder) => {
    const places = [[join(folder, "none", "report.json"), /there is no folder/], [folder, /it is a folder/]] as const;
    for (const [path, said] of places) {
      const ended = await run([...brief, "--report", path], { permissions: ["-A"] });
      checkEnded(ended, 1, said);
      assert.equal(ended.out, "");
    }
  });
});

Deno.test("--device webgpu without an adapter: says how to get one", async () => {
  // A back end that this system does not have has no adapters.
  const env = { DENO_WEBGPU_BACKEND: Deno.build.os === "darwin" ? "dx12" : "metal" };
  checkEnded(
    await run([...brief, "--device", "webgpu"], { env }),
    1,
    /Cannot use webgpu: there is no adapter, not even a software one; install/,
  );
});

Deno.test({
  name: "a network is trained and tested on webgpu", // the largest: tests/long
  ignore: webgpu instanceof Error,
  fn: async () => {
    const ended = await run(["--smoke", "--limit", "64", "--device", "webgpu"]);
    checkEnded(ended, 0, /Device: webgpu[^]*epoch 1\/1 /);
  },
});

Deno.test("--smoke is done in a moment; flags that are given count", async () => {
  const ended = await run(["--smoke", "--limit", "100"]);
  checkEnded(ended, 0, /100 to train, 200 to test/);
  assert.match(ended.out, /epoch 1\/1/);
});

Deno.test("a learning rate that is too high: says so, exit code 1, the epochs before are in the report", async () => {
  await withFolder(async (folder) => {
    const cases: readonly (readonly [flags: readonly string[], said: RegExp, epochs: number])[] = [
      [[], /The training diverged: after step \d+ of epoch 1 .* try an --lr below/, 0],
      // Only the test shows what the last step has done.
      [["--limit", "64"], /The training diverged: after epoch 1 the test loss is not a finite number; try an --lr below/, 0],
      [["--limit", "64", "--epochs", "2", "--lr", "1e10"], /The training diverged: after .*epoch 2/, 1],
    ];
    for (const [i, [flags, said, count]] of cases.entries()) {
      const path = join(folder, `${i}.json`);
      const args = [...brief, "--lr", "1e30", ...flags, "--device", "wasm", "--report", path];
      checkEnded(await run(args, { permissions: ["-A"] }), 1, said);
      const { epochs } = JSON.parse(await Deno.readTextFile(path));
      assert.equal(epochs.length, count);
      for (const { trainLoss, testLoss } of epochs) assert.ok(Number.isFinite(trainLoss) && Number.isFinite(testLoss));
    }
  });
});

Deno.test({
  name: "a signal to end: stops, writes the report so far, exit code 128 and its number",
  // Windows cannot send them to another process.
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const signals = [["SIGINT", 130], ["SIGTERM", 143], ["SIGQUIT", 131]] as const;
    await Promise.all(signals.map(([signal, expected]) =>
      withFolder(async (folder) => {
        const path = join(folder, "report.json");
        const child = exampleCommand(file, [...brief, "--epochs", "100000", "--report", path], { permissions: ["-A"] }).spawn();
        // SIGQUIT does nothing where the tests run behind nohup, which has it ignored.
        const tooLong = setTimeout(() => child.kill("SIGKILL"), 60_000);
        let out = "";
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          const before = out.length;
          out += text;
          if (out.includes("epoch 1/") && !out.slice(0, before).includes("epoch 1/")) child.kill(signal);
        }
        const err = await new Response(child.stderr).text();
        const { code } = await child.status;
        clearTimeout(tooLong);
        assert.equal(code, expected, err);
        if (signal !== "SIGQUIT") assert.match(err, /Interrupted/);
        const { epochs } = JSON.parse(await Deno.readTextFile(path));
        assert.ok(epochs.length >= 1 && epochs.length < 1000, `${epochs.length} epochs`);
        // At once, SIGQUIT may come while the next report is being written.
        const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
        assert.deepEqual(files.filter((name) => signal !== "SIGQUIT" || !name.endsWith(".tmp")), ["report.json"]);
      })
    ));
  },
});

Deno.test({
  name: "a report that cannot be written for a while ends no training",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await withFolder(async (folder) => {
      const [reports, elsewhere] = [join(folder, "reports"), join(folder, "elsewhere")];
      await Deno.mkdir(reports);
      const path = join(reports, "report.json");
      const child = exampleCommand(file, [...brief, "--epochs", "100000", "--report", path], { permissions: ["-A"] }).spawn();
      // Each is done when what is before it has been shown.
      const turns: [shown: RegExp, turn: () => void | Promise<void>][] = [
        [/^epoch \d+\//m, () => Deno.rename(reports, elsewhere)],
        [/^Cannot write the report .*: there is no folder/m, () => Deno.rename(elsewhere, reports)],
        [/^epoch \d+\//m, () => child.kill("SIGINT")],
      ];
      let shown = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        shown += text;
        const [turn] = turns;
        if (!turn?.[0].test(shown)) continue;
        turns.shift();
        shown = "";
        await turn[1]();
      }
      const err = await new Response(child.stderr).text();
      assert.equal((await child.status).code, 130, err);
      assert.ok(JSON.parse(await Deno.readTextFile(path)).epochs.length >= 2);
    });
  },
});

/** Whether there is util-linux's `script`, which runs a program on a terminal of its own. */
function hasTerminal(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    return new TextDecoder().decode(new Deno.Command("script", { args: ["--version"] }).outputSync().stdout).includes(
      "util-linux",
    );
  } catch {
    return false;
  }
}

/** What a program is asked to end by: a key that is pressed, or a signal that is sent. */
const askedToEnd: readonly { readonly key?: string; readonly signal?: Deno.Signal; readonly code: number }[] = [
  { key: "\x03", code: 130 },
  { signal: "SIGHUP", code: 129 },
  { signal: "SIGKILL", code: 137 },
  // Without a terminal both are sent in quick tests, too.
  ...isLong ? [{ key: "\x1c", code: 131 }, { signal: "SIGTERM", code: 143 } as const] : [],
];

Deno.test({
  name: "on a terminal: a bar, nothing asked for, and whatever ends the program leaves the terminal as it was",
  ignore: !hasTerminal(),
  fn: async () => {
    await Promise.all(askedToEnd.map(({ key, signal, code }) =>
      withFolder(async (folder) => {
        const log = join(folder, "permissions");
        // The shell that the program replaces says its number.
        const line = `echo "number=$$"; exec '${Deno.execPath()}' run '${exampleUrl(file)}' ` +
          "--smoke --limit 1000 --epochs 100000 --device wasm --threads 1";
        const child = new Deno.Command("script", {
          args: ["-qec", line, "/dev/null"],
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
          env: { DENO_AUDIT_PERMISSIONS: log },
        }).spawn();
        const keyboard = child.stdin.getWriter();
        // A prompt would wait for ever.
        const tooLong = setTimeout(() => child.kill("SIGKILL"), 60_000);
        let shown = "", epochsBefore = 0;
        const epochs = () => shown.match(/epoch \d+\/100000 {2}train loss/g)?.length ?? 0;
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          shown += text;
          if (epochsBefore > 0 || !/epoch [2-9]\d*\/100000 .*images\/s/.test(shown)) continue;
          epochsBefore = epochs();
          if (signal) Deno.kill(Number(/number=(\d+)/.exec(shown)![1]), signal);
          else await keyboard.write(new TextEncoder().encode(key));
        }
        clearTimeout(tooLong);
        await keyboard.close().catch(() => {});
        assert.equal((await child.status).code, code, shown);
        assert.ok(epochsBefore > 0 && epochs() - epochsBefore < 5, `${epochsBefore} epochs, and ${epochs()} in the end`);
        if (signal !== "SIGKILL" && code !== 131) assert.match(shown, /Interrupted/);
        // Neither that lines wrap nor the cursor is ever turned off.
        assert.ok(!shown.includes("\x1b[?7l") && !shown.includes("\x1b[?25l"), shown);
        assert.equal(await Deno.readTextFile(log).catch(() => ""), "");
      })
    ));
  },
});
