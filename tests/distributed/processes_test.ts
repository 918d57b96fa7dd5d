/**
 * Several processes: what they exchange, what becomes of derivatives, and that training gives the same numbers as by one process.
 *
 * @module
 */
import assert from "node:assert/strict";
import { deviceNames } from "../support/each_device.ts";
import { openLibrary } from "../../distributed/mpi/library.ts";
import { reported, runProcesses, testWithProcesses } from "../support/processes.ts";
import { digests, relativeDistance, type Trained } from "../support/trained.ts";

const operations = "tests/distributed/programs/operations.ts";
const train = "tests/distributed/programs/train.ts";

/** What three processes get, of which process r has [r + 1, 2, -r] and other leaves like it. */
function expected(rank: number) {
  const same = (values: readonly unknown[]) => ({ f32: values, i32: values, f16: values, bf16: values });
  const all = [0, 1, 2].map((r) => [r + 1, 2, -r]);
  const weights = [6, 30, 300]; // 1 + 2 + 3, three times 10 and 100
  const sums = [6, 6, -3];
  const gradient = sums.map((sum, i) => 2 * sum * weights[i]);
  const rowGradient = (row: readonly number[]) => row.map((sum, i) => 2 * sum * weights[i]);
  return {
    rank,
    size: 3,
    sum: { ...same(sums), u8: [3, 600 % 256], bool: [true, true, false], none: [], scalar: 30 },
    max: { ...same([3, 2, 0]), u8: [2, 200], bool: [true, true, false], none: [], scalar: 20 },
    min: { ...same([1, 2, -2]), u8: [0, 200], bool: [false, true, false], none: [], scalar: 0 },
    mean: { f32: [2, 2, -1], f16: [2, 2, -1] },
    gathered: {
      ...same(all),
      u8: [[0, 200], [1, 200], [2, 200]],
      bool: [[false, true, false], [true, true, false], [false, true, false]],
      none: [[], [], []],
      scalar: [0, 10, 20],
    },
    broadcast: { ...same([2, 2, -1]), u8: [1, 200], bool: [true, true, false], none: [], scalar: 10 },
    jitted: [1 + 4 + 9, 12, 5].map((squares) => squares * Math.max(rank + 1, 2)),
    grad: gradient,
    jittedGrad: gradient,
    // Each process asks for the derivative of the sum of its gradient, which is that of all three.
    second: weights.map((weight) => 3 * 2 * weight),
    // The tangents are [1, 0, r].
    tangent: 2 * 6 * 3 * (rank + 1) + 2 * -3 * 3 * 100,
    gradOfMax: [rank === 2 ? 6 : 0, 30 / 3, rank === 0 ? 300 : 0],
    gradOfAll: [3, 3, 3].map((times) => times * (rank + 1)),
    gradOfRoot: rank === 1 ? weights : [0, 0, 0],
    batched: [0 + 1 + 2 + 3 * (1 + 2), 0 + 1 + 2 + 3 * (3 + 5)],
    batchedGrad: [rowGradient([3, 3, 6]), rowGradient([9, 3, 15])],
    aliased: sums,
  };
}

for (const device of deviceNames) {
  testWithProcesses(`exchanges and their derivatives, on ${device}`, async (launcher) => {
    const reports = reported<{ rank: number; localRank: number }>(await runProcesses(launcher, 3, operations, [device]));
    assert.deepEqual(reports.map(({ localRank }) => localRank), [0, 1, 2]);
    for (const { localRank: _, ...report } of reports) {
      // JSON has no -0; zeros of either sign are equal here.
      assert.deepEqual(report, JSON.parse(JSON.stringify(expected(report.rank))));
    }
  });
}

testWithProcesses(
  "twelve steps by two processes, with overlap and without, and by one that accumulates: the same bits",
  async (launcher) => {
    const two = reported<Trained>(await runProcesses(launcher, 2, train, ["cnn", "12", "64", "1"]));
    const apart = reported<Trained>(await runProcesses(launcher, 2, train, ["cnn", "12", "64", "1", "false"]));
    const one = reported<Trained>(await runProcesses(launcher, 1, train, ["cnn", "12", "64", "2"]));
    assert.equal(two.length, 2);
    assert.equal(digests([...two, ...apart, ...one]).size, 1);
  },
);

testWithProcesses("four processes differ from two in the order of sums only", async (launcher) => {
  const [two] = reported<Trained>(await runProcesses(launcher, 2, train, ["cnn", "8", "64", "1"]));
  const four = reported<Trained>(await runProcesses(launcher, 4, train, ["cnn", "8", "64", "1"]));
  assert.equal(digests(four).size, 1);
  const distance = relativeDistance(four[0], two);
  assert.ok(distance <= 1e-6, `${distance}`);
});

testWithProcesses("batch normalisation over all processes is that of the whole batch, derivatives too", async (launcher) => {
  const ended = await runProcesses(launcher, 3, "tests/distributed/programs/batch_norm.ts");
  for (const { rank, ...differences } of reported<{ rank: number } & Record<string, number>>(ended)) {
    for (const [what, difference] of Object.entries(differences)) {
      assert.ok(difference < 1e-4, `${what} of rank ${rank}: ${difference}`);
    }
  }
});

Deno.test("where no launcher has started it, a process is alone, and exchanges give what they get", async () => {
  const { execPath } = Deno;
  const file = new URL("programs/train.ts", import.meta.url).pathname;
  const alone = new Deno.Command(execPath(), { args: ["run", "-A", file, "cnn", "1", "8", "1"], env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await alone.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.match(new TextDecoder().decode(stdout), /^begun\n\{"rank":0,.*\}\n$/);
});

Deno.test("without permission to find out whether there are others it is an error that says which permission", async () => {
  const file = new URL("programs/train.ts", import.meta.url).pathname;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", "--no-prompt", file], env: { NO_COLOR: "1" } })
    .output();
  assert.equal(code, 1);
  assert.match(
    new TextDecoder().decode(stderr),
    /Cannot find out whether other processes take part without permission: run deno with --allow-env/,
  );
});

function isInstalled(library: "MPICH"): boolean {
  try {
    openLibrary(library);
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "the launcher of a library that is not installed is named, and what to install",
  ignore: isInstalled("MPICH"),
  fn: async () => {
    const env = { NO_COLOR: "1", PMI_RANK: "0", PMI_SIZE: "2" };
    const file = new URL("programs/train.ts", import.meta.url).pathname;
    const args = ["run", "-A", file, "cnn", "1", "8", "1"];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /Cannot find the library of MPICH, .*: install it \(Debian, Ubuntu: apt install mpich/,
    );
  },
});
