/**
 * Disks that are full and folders that may not be written: an error with the path, for everything that saves; what was there stays, and
 * nothing else does.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inFolder, left } from "./results.ts";
import { checkpoints, formats, ones } from "../../mod.ts";
import * as onnx from "../../onnx/mod.ts";

const entries = ["mod.ts", "onnx/mod.ts"].map((path) => new URL(`../../${path}`, import.meta.url).href);

/** Everything that saves: the file that it makes in a folder, and how it is called with a number of elements. */
const savers: Readonly<Record<string, readonly [file: string, call: string]>> = {
  safetensors: ["x.safetensors", "formats.safetensors.save(path, { x: zeros([size]) })"],
  npy: ["x.npy", "formats.npy.save(path, zeros([size]))"],
  npz: ["x.npz", "formats.npz.save(path, { x: zeros([size]) })"],
  checkpoints: ["step-1.safetensors", "checkpoints.save(folder, 1, { x: zeros([size]) }, { keep: 1 })"],
  onnx: ["x.onnx", "onnx.save(path, (x) => add(x, w), [{ shape: [size] }], { params: { w }, batchAxis: null })"],
};

/** Saves by a program of its own; gives whether that went well, and the kind of the error. */
async function saved(folder: string, name: string, size: number, before: string): Promise<string> {
  const [file, call] = savers[name];
  const script = `import { add, checkpoints, formats, random, zeros } from ${JSON.stringify(entries[0])};
    import * as onnx from ${JSON.stringify(entries[1])};
    const size = ${size}, folder = ${JSON.stringify(folder)}, path = ${JSON.stringify(join(folder, file))};
    const w = random.normal(random.key(0), [size]);
    const saved = await ${call}();
    console.log(saved._tag, saved.left?.kind);`;
  const command = new Deno.Command("bash", {
    args: ["-c", `${before}exec ${Deno.execPath()} run -A --no-check --no-lock -`],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  await new Blob([script]).stream().pipeTo(command.stdin);
  return new TextDecoder().decode((await command.output()).stdout).trim();
}

for (const [name, [file]] of Object.entries(savers)) {
  Deno.test(`a full disk leaves what was there: ${name}`, { ignore: Deno.build.os !== "linux" }, async () => {
    await inFolder(async (folder) => {
      assert.equal(await saved(folder, name, 8, ""), "Right undefined");
      const path = join(folder, file);
      const before = await Deno.readFile(path);
      // The shell's limit of a file's size stands for the disk's.
      assert.equal(await saved(folder, name, 2 ** 20, "trap '' XFSZ; ulimit -f 1024; "), "Left Write");
      assert.deepEqual(await Deno.readFile(path), before);
      const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((each) => each !== ".lock");
      assert.deepEqual(names, [file]);
    });
  });
}

Deno.test("a folder that is not there is said to be missing", async () => {
  await inFolder(async (folder) => {
    const [x, none] = [ones([2]), join(folder, "none")];
    const results = [
      await formats.safetensors.save(join(none, "x.safetensors"), { x })(),
      await formats.npy.save(join(none, "x.npy"), x)(),
      await formats.npz.save(join(none, "x.npz"), { x })(),
      await onnx.save(join(none, "x.onnx"), (each) => each, [{ shape: [2] }])(),
    ];
    for (const result of results) {
      assert.match(left(result, "Write").message, /^Cannot write .*none.x\.\w+: its folder is not there, make it$/);
    }
    assert.equal((await checkpoints.save(none, 1, { x })())._tag, "Right"); // makes it
  });
});

// Nobody may write there, the administrator included.
const readOnly = "/sys/kernel";

Deno.test("a folder that may not be written is an error with its path", { ignore: Deno.build.os !== "linux" }, async () => {
  const x = ones([2]);
  const results = [
    await formats.safetensors.save(join(readOnly, "x.safetensors"), { x })(),
    await formats.npy.save(join(readOnly, "x.npy"), x)(),
    await formats.npz.save(join(readOnly, "x.npz"), { x })(),
    await onnx.save(join(readOnly, "x.onnx"), (each) => each, [{ shape: [2] }])(),
    await checkpoints.save(readOnly, 1, { x })(),
    await checkpoints.save(join(readOnly, "run"), 1, { x })(),
  ];
  for (const result of results) assert.match(left(result, "Write").message, /^Cannot write \/sys\/kernel/);
});
