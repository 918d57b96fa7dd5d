/**
 * Two hundred processes killed while they save checkpoints into one folder, one of them left: none leaves it unreadable.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomStream } from "../../datasets/mod.ts";
import { killed, leftIn, newestOf } from "../formats/killed.ts";
import { inFolder } from "../formats/results.ts";

const kills = 200;

Deno.test(`${kills} kills in the middle of saving leave a folder that can be read`, async () => {
  await inFolder(async (above) => {
    const folder = join(above, "checkpoints");
    const random = randomStream([0, 9]);
    let newest = 0, halfWritten = 0;
    for (let i = 0; i < kills; i++) {
      await killed(folder, 1, random.uniform(0, 30), newest + 1);
      const { step, skipped } = await newestOf(folder);
      assert.ok(step > newest && skipped === 0, `kill ${i}: step ${step} after ${newest}, ${skipped} damaged`);
      newest = step;
      if (leftIn(folder).length > 0) halfWritten++;
    }
    console.log(`${kills} kills, ${newest} checkpoints; ${halfWritten} of the kills left a file that was half written`);
    assert.ok(halfWritten > kills / 20);
  });
});
