/** The library made small, as for a page: classes have other names then. What messages say must be the same. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as Library from "../../mod.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

Deno.test("a minified library names errors and tensors as the other does", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "small.js");
    const args = ["bundle", "--quiet", "--minify", "--external", "./codecs.js", "--output", file, "mod.ts"];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    await Deno.writeTextFile(join(folder, "codecs.js"), "export const jpegCode = undefined, pngCode = undefined;");
    const small: typeof Library = await import(pathToFileURL(file).href);
    const errors = Object.entries({ ...small, ...small.datasets }).filter(([, value]) =>
      typeof value === "function" && value.prototype instanceof Error
    );
    assert.ok(errors.length >= 12, `${errors.length} kinds of errors`);
    for (const [name, kind] of errors) assert.equal((kind as { name: string }).name, name);
    const { jit, matmul, sum, tensor, zeros } = small;
    assert.throws(() => matmul(zeros([2, 2]), zeros([3])), /^ShapeError: Cannot matmul/);
    assert.throws(() => zeros([tensor([1, 2]) as unknown as number]), /Tensor\(f32\[2\]\)/);
    assert.throws(() => jit((n: Library.Scalar) => sum(zeros([n as number])))(3), /^TraceError/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
