/** What lies directly in `examples` is what one runs; parts that programs share are in its folders. */
import assert from "node:assert/strict";

const root = new URL("../../examples/", import.meta.url);
const entries = await Array.fromAsync(Deno.readDir(root));
const isProgram = (text: string) => text.includes("import.meta.main");

Deno.test("a file of examples is a program, and says how to run it", async () => {
  const files = entries.filter(({ isFile }) => isFile);
  assert.ok(files.length >= 9);
  for (const { name } of files) {
    const text = await Deno.readTextFile(new URL(name, root));
    assert.ok(isProgram(text), name);
    assert.ok(text.slice(0, text.indexOf("*/")).includes(` deno run examples/${name}`), name);
    assert.ok(text.includes(`"${name}"`), `${name} has a command line that bears its name`);
  }
});

Deno.test("a file of a folder of examples is none", async () => {
  for (const { name: folder } of entries.filter(({ isDirectory }) => isDirectory)) {
    for await (const { name } of Deno.readDir(new URL(`${folder}/`, root))) {
      // The frame of an example shows how it is used.
      const text = (await Deno.readTextFile(new URL(`${folder}/${name}`, root))).replace(/\/\*\*[^]*?\*\//g, "");
      assert.ok(!isProgram(text), `${folder}/${name}`);
    }
  }
});
