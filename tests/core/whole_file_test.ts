/** Files are written whole or not at all, whatever fails, with the modes that files have. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { tryFile, writeWhole } from "../../core/whole_file.ts";
import { withFolder } from "../datasets/fixtures.ts";
import { Faults } from "../support/faults.ts";

const module = new URL("../../core/whole_file.ts", import.meta.url).href;
const posix = Deno.build.os !== "windows";
const text = "x".repeat(100_000);

/** Writes a text as it comes, in parts. */
async function write(path: string, text: string, sync = false): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await writeWhole(path, [bytes.subarray(0, 10), bytes.subarray(10)], { sync });
}

const error = () => new Error("no space left, on purpose");
const points = [
  ...["stat", "realPath", "open", "remove", "chmod", "rename"].map((name) => ({ owner: Deno, name, error, rejects: true })),
  ...["write", "sync"].map((name) => ({ owner: Deno.FsFile.prototype, name, error, rejects: true })),
];

/** Everything that is in a folder, with its text. */
async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await Array.fromAsync(
    Deno.readDir(folder),
    async ({ name }) => [name, await Deno.readTextFile(join(folder, name))] as const,
  );
  return Object.fromEntries(entries);
}

Deno.test("whatever fails while a file is written, what was there stays, and nothing else is left", async () => {
  for (const before of [{}, { "report.json": "an earlier one" }]) {
    const tryAndWrite = async (folder: string) => {
      await tryFile(join(folder, "report.json"));
      await write(join(folder, "report.json"), text, true);
    };
    const removal = "report.json" in before ? 3 : 2;
    const fresh = (test: (folder: string) => Promise<void>) =>
      withFolder(async (folder) => {
        for (const [name, content] of Object.entries(before)) await Deno.writeTextFile(join(folder, name), content);
        await test(folder);
      });
    using faults = new Faults(points);
    let calls = 0;
    await fresh(async (folder) => {
      calls = await faults.count(() => tryAndWrite(folder));
      assert.deepEqual(await contents(folder), { "report.json": text });
    });
    assert.ok(calls >= 9, `${calls} calls`);
    for (let call = 0; call < calls; call++) {
      await fresh(async (folder) => {
        const failed = await faults.inject(call, false, () => tryAndWrite(folder));
        // Where only the file that was tried cannot be removed, it stays.
        const names = Object.keys(await contents(folder)).filter((name) => !name.endsWith(".tmp"));
        const left = Object.keys(await contents(folder)).length - names.length;
        assert.ok(left === 0 || call === removal, `call ${call} leaves ${left} files`);
        if (failed === undefined) assert.deepEqual(await contents(folder), { "report.json": text }, `call ${call}`);
        else for (const name of names) assert.equal(await Deno.readTextFile(join(folder, name)), "an earlier one");
      });
    }
  }
});

Deno.test({
  name: "a file keeps its mode and its place behind a link; a new one has the mode of new files",
  ignore: !posix,
  fn: async () => {
    await withFolder(async (folder) => {
      const mode = async (name: string) => (await Deno.stat(join(folder, name))).mode! & 0o7777;
      // The mask of files is the process's, which other tests share.
      const script = `import { writeWhole } from ${JSON.stringify(module)};
        Deno.umask(0o027);
        await writeWhole(${JSON.stringify(join(folder, "new"))}, [new Uint8Array(9)]);`;
      const args = ["run", "-A", "--no-lock", `data:application/typescript,${encodeURIComponent(script)}`];
      const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.equal(await mode("new"), 0o640);
      for (const given of [0o600, 0o644, 0o755]) {
        await Deno.chmod(join(folder, "new"), given);
        await write(join(folder, "new"), `${given}`);
        assert.equal(await mode("new"), given);
      }
      await Deno.symlink(join(folder, "new"), join(folder, "link"));
      await write(join(folder, "link"), "through the link");
      assert.ok((await Deno.lstat(join(folder, "link"))).isSymlink);
      assert.equal(await Deno.readTextFile(join(folder, "new")), "through the link");
    });
  },
});
