/** Memory of training loops that are long enough to show what a step leaves behind (longer ones: tests/long), and of large results. */
import assert from "node:assert/strict";
import { isLong } from "../../support/share.ts";
import { testMemory } from "./memory.ts";

if (!isLong) testMemory({ jit: [600, 1200], eager: [100, 500] }, 2);

interface Loop {
  /** A statement that replaces results of 40 MB: `x` is what the loop begins with, and `step` is compiled. */
  readonly body: string;
  readonly dtype?: "f32" | "f64";
  readonly threads?: number;
  /** Whether there were so many results before that none is watched any more. */
  readonly unwatched?: boolean;
  /** MB that the process takes at most. */
  readonly most?: number;
  /** Whether others do what it does, and more: it is left to `tests/long`. */
  readonly isLong?: boolean;
}

// In MB, on a busy machine too: 240 to 320, unwatched 375, and 45 more where V8 has not kept the library's code; 700 if all results stayed.
const loops: Readonly<Record<string, Loop>> = {
  "of jit": { body: "x = step(x)", isLong: true },
  "of jit on two threads": { body: "x = step(x)", threads: 2 },
  "of jit in f64": { body: "x = step(x)", dtype: "f64", isLong: true },
  "that computes at once": { body: "x = realize(add(x, 1))", isLong: true },
  "that computes at once in f64 on two threads": { body: "x = realize(add(x, 1))", dtype: "f64", threads: 2 },
  "of gradients": { body: "x = realize(sub(x, mul(grad((y) => sum(square(y)))(x), 0.1)))" },
  "with several results at a time": { body: "const y = realize(mul(x, 2)); x = realize(sub(realize(add(y, 1)), y))" },
  "of both kinds": { body: "x = realize(add(step(x), 1))", isLong: true },
  "that awaits what needs no turn of the event loop": { body: "x = step(x); await undefined" },
  "unwatched": { body: "x = step(x)", unwatched: true, most: 450 },
};

const root = new URL("../../../", import.meta.url);

/**
 * What prints the most resident memory of its process, and how much is on the device at its end, in MB. (`maxRSS` begins with that of the
 * process that has started it.)
 */
function program({ body, dtype = "f32", threads = 1, unwatched = false }: Loop): string {
  return `
    import { add, deviceInfo, grad, jit, mul, realize, setDevice, square, sub, sum, zeros } from "${new URL("mod.ts", root)}";
    import { watch } from "${new URL("core/values/witness.ts", root)}";
    await setDevice("wasm", { threads: ${threads} });
    const step = jit((x) => add(mul(x, 0.5), 1));
    while (${unwatched} && watch({ witness: undefined }));
    let x = realize(zeros([${dtype === "f64" ? 5_000_000 : 10_000_000}], { dtype: "${dtype}" }));
    for (let i = 0; i < 15; i++) { ${body}; }
    const kilobytes = /VmHWM:\\s+([0-9]+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1];
    console.log(JSON.stringify([kilobytes / 1024, deviceInfo().bytesInUse / 1e6]));
    Deno.exit();`;
}

for (const [name, loop] of Object.entries(loops)) {
  const { most = 400 } = loop;
  if (loop.isLong && !isLong) continue;
  const title = `a synchronous loop over results of 40 MB stays below ${most}: ${name}`;
  Deno.test(title, { ignore: Deno.build.os !== "linux" }, async () => {
    const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", "-"], stdin: "piped", stdout: "piped" })
      .spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(program(loop)));
    await writer.close();
    const { code, stdout } = await child.output();
    assert.equal(code, 0);
    const [resident, onDevice] = JSON.parse(new TextDecoder().decode(stdout));
    assert.ok(resident < most && onDevice <= 240, `${resident} MB resident, ${onDevice} MB on the device`);
  });
}
