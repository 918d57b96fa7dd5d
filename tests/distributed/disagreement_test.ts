/**
 * Processes that disagree, are missing or die: an error on each of the others, with the rank and the leaf, and nothing left running.
 *
 * @module
 */
import assert from "node:assert/strict";
import { eachCase } from "../support/each_case.ts";
import { type Ended, type Launcher, processes, running, runProcesses, testWithProcesses } from "../support/processes.ts";

const program = "tests/distributed/programs/disagree.ts";

interface Refusal {
  readonly rank: number;
  readonly name: string;
  readonly message: string;
}

/** What the processes of a run that has failed said. */
function refusals({ code, out, err, seconds }: Ended): { all: Refusal[]; err: string; seconds: number } {
  assert.notEqual(code, 0, out);
  const all = out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Refusal);
  return { all: all.sort((a, b) => a.rank - b.rank), err, seconds };
}

const cases: readonly (readonly [what: string, others: RegExp, odd: RegExp])[] = [
  ["another shape", /allReduce sum of layer\.weight f32\[3\]/, /allReduce sum of layer\.weight f32\[4\]/],
  ["another shape in a program", /layer\.weight f32\[3\]/, /layer\.weight f32\[4\]/],
  ["another type", /layer\.weight f32\[3\]/, /layer\.weight i32\[3\]/],
  ["another leaf", /layer\.weight f32/, /layer\.bias f32/],
  ["another reduction", /allReduce sum of/, /allReduce max of/],
  ["a call left out", /exchange 2, allReduce sum of layer\.weight/, /exchange 2, broadcast of layer\.weight/],
  ["a call twice", /exchange 3, broadcast of layer\.weight/, /exchange 3, allReduce sum of layer\.weight/],
];

// All at once: a launcher that ends others waits, and computes nothing.
testWithProcesses("where they disagree every process says which rank does what", async (launcher) => {
  const runs = await Promise.all(cases.map(([what]) => runProcesses(launcher, 3, program, [what])));
  await eachCase(cases.entries(), ([, [what]]) => what, ([i, [, others, odd]]) => {
    const { all, seconds } = refusals(runs[i]);
    assert.deepEqual(all.map(({ rank }) => rank), [0, 1, 2]);
    for (const { name, message } of all) {
      assert.equal(name, "DistributedError");
      const [, first, second] = /the processes disagree: ranks 0, 2 are at (.*); rank 1 is at (.*)$/.exec(message) ?? [];
      assert.match(first, others, message);
      assert.match(second, odd, message);
    }
    assert.ok(seconds < 20, `${seconds}`);
  });
});

testWithProcesses("an early end: the others say who has ended", async (launcher) => {
  const { all, err } = refusals(await runProcesses(launcher, 3, program, ["an early end"]));
  assert.deepEqual(all.map(({ rank }) => rank), [0, 2]);
  for (const { message } of all) {
    assert.match(message, /ranks 0, 2 are at .*layer\.weight.*; rank 1 is at .*the end of the program/);
  }
  assert.match(err, /rank 1 is at .*the end of the program/);
});

testWithProcesses("a process that does not come is named after the timeout", async (launcher) => {
  const { all, seconds } = refusals(await runProcesses(launcher, 3, program, ["a late process"]));
  assert.deepEqual(all.map(({ rank }) => rank), [0, 2]);
  for (const { message } of all) {
    assert.match(message, /waited 2 s at exchange 2, allReduce sum of layer\.weight.*nothing was heard of rank 1/);
  }
  assert.ok(seconds < 20, `${seconds}`);
});

/** A launched program whose processes can be found by a word of their command lines, once both train. */
async function started(launcher: Launcher, marker: string) {
  const child = processes(launcher, 2, "tests/distributed/programs/train.ts", ["cnn", "10000", "2", "1", marker]).spawn();
  const err = new Response(child.stderr).text();
  const begun = Promise.withResolvers<void>();
  const ended = (async () => {
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.match(/^begun$/gm)?.length === 2) begun.resolve();
    }
    begun.resolve();
    return { success: (await child.status).success, err: await err };
  })();
  await begun.promise;
  return { child, ended };
}

async function goneBefore(marker: string, seconds: number): Promise<void> {
  const deadline = performance.now() + 1000 * seconds;
  while ((await running(marker)).length > 0) {
    assert.ok(performance.now() < deadline, `${await running(marker)} still run`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

testWithProcesses("a process that is killed ends the others; Ctrl-C on the launcher ends all", async (launcher) => {
  await Promise.all((["killed", "interrupted"] as const).map(async (how) => {
    const marker = `marker-${crypto.randomUUID()}`;
    const { child, ended } = await started(launcher, marker);
    // The launcher has the word in its command line, too.
    const [, ...ranks] = await running(marker);
    if (how === "killed") Deno.kill(ranks.at(-1)!, "SIGKILL");
    else child.kill("SIGINT");
    const { success, err } = await ended;
    // MPICH's launcher says nothing of Ctrl-C by its exit code.
    if (how === "killed") assert.equal(success, false, err);
    await goneBefore(marker, 20);
  }));
});
