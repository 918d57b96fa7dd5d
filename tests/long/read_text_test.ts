/** `examples/read_text.ts` with the networks that are published: downloaded to the byte, they read the drawn picture. */
import assert from "node:assert/strict";
import { textFiles } from "../../examples/cli/text_models.ts";
import { right } from "../datasets/fixtures.ts";
import { checkEnded, runExample, smoke } from "../examples/run_example.ts";

Deno.test("PP-OCR's networks find and read level, turned and upside-down lines", async () => {
  right(await textFiles({})());
  const ended = await runExample("read_text.ts", smoke, { permissions: ["-A"] });
  checkEnded(ended, 0, /^drawn, 480x320: /);
  const read = [...ended.out.matchAll(/^ {2}(.*) {2}\(([\d.]+) %; /gm)];
  assert.equal(read.map(([, text]) => text).join(" "), "FUNCTIONS OF TENSORS TURNED 27 UPSIDE DOWN", ended.out);
  for (const [line, , sure] of read) assert.ok(Number(sure) > 90, line);
});
