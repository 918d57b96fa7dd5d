/** Environment variables with wrong values: told in one sentence, and only where they matter. */
import assert from "node:assert/strict";
import { type Ended, exampleUrl, runExample } from "../examples/run_example.ts";

const device = 'COTANGENT_DEVICE=wasn: Cannot use device "wasn": did you mean wasm? there are auto, webgpu, wasm, reference';

async function runProgram(program: string, env: Record<string, string>): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1", ...env },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("a wrong COTANGENT_DEVICE is one sentence, and only for who computes there", async () => {
  const env = { COTANGENT_DEVICE: "wasn" };
  const how = { permissions: ["--allow-env"], env };
  const [help, chosen, computing] = await Promise.all([
    runExample("tensors.ts", ["--help"], how),
    runExample("tensors.ts", ["--smoke", "--device", "reference"], how),
    runExample("tensors.ts", ["--smoke"], how),
  ]);
  assert.deepEqual([help.code, help.err], [0, ""]);
  assert.match(help.out, /--device/);
  assert.deepEqual([chosen.code, chosen.err], [0, ""]);
  assert.deepEqual([computing.code, computing.err], [1, `DeviceError: ${device}\n`]);
  const program = `import { item, setDevice, tensor, add } from "${exampleUrl("../mod.ts")}";
    try { await item(add(tensor(1), 1)) } catch { await setDevice("reference"); console.log(await item(add(tensor(1), 1))) }
    await setDevice("wasn");`;
  const [caught, uncaught] = await Promise.all([
    runProgram(program, env),
    runProgram(
      `import { tensor, show } from "${exampleUrl("../mod.ts")}"; tensor([1]); deviceInfo();
      import { deviceInfo } from "${exampleUrl("../mod.ts")}";`,
      env,
    ),
  ]);
  assert.equal(caught.out, "2\n", "another device can be chosen");
  assert.equal(uncaught.err.trim(), `error: Uncaught (in promise) DeviceError: ${device}`, "no stack");
});

Deno.test("unknown words of COTANGENT_DEBUG are told, with the nearest ones", async () => {
  const { code, err } = await runProgram(`import "${exampleUrl("../mod.ts")}"`, { COTANGENT_DEBUG: "kernel, time,everything" });
  assert.equal(code, 0);
  assert.deepEqual(err.trim().split("\n").map((line) => line.split(": there are")[0]), [
    'COTANGENT_DEBUG has no "kernel": did you mean kernels? there are graph, kernels, source, time, nan',
    'COTANGENT_DEBUG has no "everything"',
  ]);
});
