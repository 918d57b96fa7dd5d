/** Every test file is in a suite, and in one only: `deno task test` runs the suites. */
import assert from "node:assert/strict";

const tests = new URL("../", import.meta.url);

/** The folders below `tests` that have test files themselves, but for those that are run by hand. */
function foldersWithTests(folder = ""): string[] {
  const entries = [...Deno.readDirSync(new URL(`./${folder}`, tests))];
  const inner = entries.filter(({ name, isDirectory }) => isDirectory && `${folder}${name}` !== "long");
  const own = entries.some(({ name, isFile }) => isFile && name.endsWith("_test.ts")) ? [folder] : [];
  return [...own, ...inner.flatMap(({ name }) => foldersWithTests(`${folder}${name}/`))];
}

Deno.test("every folder of tests is in one suite", () => {
  const suites = [...Deno.readDirSync(new URL("suites/", tests))].map(({ name }) =>
    Deno.readTextFileSync(new URL(`suites/${name}`, tests))
  );
  const folders = suites.flatMap((text) =>
    [...text.match(/await suite\((.*)\);/s)![1].matchAll(/"(.*?)"/g)].map(([, folder]) => folder)
  );
  assert.deepEqual(folders.sort(), foldersWithTests().sort());
});
