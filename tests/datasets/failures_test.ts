/** Whatever fails of the file system while a data set is downloaded: no wrong file gets a name, and the next time all is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { idxDataset } from "../../datasets/mod.ts";
import { Faults, stride } from "../support/faults.ts";
import { list, right, serve, serveFile, smallSource, withCache } from "./fixtures.ts";

const { source, packed } = await smallSource();

const error = () => new Error("no space left, on purpose");
const functions = ["mkdir", "open", "stat", "readFile", "rename", "remove", "readDir"];
const methods = ["write", "seek", "lock"];

Deno.test("a download that fails anywhere in the file system leaves nothing wrong behind", async () => {
  await using server = serve((path, request) => serveFile(packed[path], request));
  using faults = new Faults([
    ...functions.map((name) => ({ owner: Deno, name, error, rejects: name !== "readDir" })),
    ...methods.map((name) => ({ owner: Deno.FsFile.prototype, name, error, rejects: true })),
  ]);
  const load = () => idxDataset(source, { mirrors: [server.url] })();
  let calls = 0;
  await withCache(async () => {
    calls = await faults.count(load);
  });
  assert.ok(calls > 40, `${calls} calls`);
  for (const all of [false, true]) {
    for (let call = 0; call < calls; call += stride) {
      await withCache(async (folder) => {
        const thrown = await faults.inject(call, all, load);
        assert.equal(thrown, undefined, `call ${call} throws instead of giving Left`);
        for (const name of await list(folder).catch(() => [])) {
          if (name in packed) assert.deepEqual(await Deno.readFile(join(folder, name)), packed[name], `call ${call}: ${name}`);
        }
        assert.equal(right(await load()).train.count, 30);
        assert.deepEqual(await list(folder), Object.keys(packed).toSorted());
      });
    }
  }
});
