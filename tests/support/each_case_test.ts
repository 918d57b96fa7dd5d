/** Tests of many cases fail if one of them does, with its name; the others are run. */
import assert from "node:assert/strict";
import { eachCase } from "./each_case.ts";

Deno.test("cases that fail are told by their names, all of them, and the others are run", async () => {
  const ran: number[] = [];
  const run = async (one: number) => {
    ran.push(one);
    await Promise.resolve();
    assert.notEqual(one % 3, 0, `${one} is three times something`);
  };
  const cases = Array.from({ length: 40 }, (_, i) => i + 1);
  await assert.rejects(eachCase(cases, (one) => `case ${one}`, run), ({ message }: Error) => {
    assert.match(message, /^13 of 40 cases fail\n\ncase 3: AssertionError.*: 3 is three times something/);
    return message.endsWith("case 36\n\ncase 39");
  });
  assert.deepEqual(ran, cases);
  await eachCase([1, 2, 4], String, run);
  await assert.rejects(eachCase([1], String, () => assert.fail("at once")), /1 of 1 cases fail[^]*at once/);
});
