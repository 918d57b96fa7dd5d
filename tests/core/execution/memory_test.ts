/** Memory of training loops that are long enough to show what a step leaves behind (longer ones: tests/long), and of large results. */
import assert from "node:assert/strict";
import { testMemory } from "./memory.ts";

testMemory({ jit: [1000, 2000], eager: [100, 600] });

const large = `
  import process from "node:process";
  import { add, jit, mul, realize, setDevice, zeros } from "${new URL("../../../mod.ts", import.meta.url)}";
  await setDevice("wasm", { threads: 1 });
  const step = jit((x) => add(mul(x, 0.5), 1));
  let x = realize(zeros([10_000_000]));
  for (let i = 0; i < 60; i++) x = step(x);
  for (let i = 0; i < 30; i++) x = realize(add(x, 1));
  console.log(process.resourceUsage().maxRSS / 1024);
  Deno.exit();`;

Deno.test("a synchronous loop over results of 40 MB takes some hundred, though no turn of the event loop tells which are unreachable", async () => {
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", "-"], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(large));
  await writer.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 0);
  // 420 to 600; up to 1800 where a busy machine lets the collector come late; 3600, which is all of it, if old values stay reachable.
  assert.ok(Number(new TextDecoder().decode(stdout)) < 2400, new TextDecoder().decode(stdout));
});
