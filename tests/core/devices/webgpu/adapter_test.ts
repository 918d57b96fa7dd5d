/** What looking for adapters leaves on the terminal and in the environment: nothing. */
import assert from "node:assert/strict";

const adapter = new URL("../../../../core/devices/webgpu/adapter.ts", import.meta.url).href;

Deno.test("where there is no session of a user, as in containers, looking for adapters prints nothing", async () => {
  const program =
    `import { hasRealAdapter } from "${adapter}"; await hasRealAdapter(); console.log(Deno.env.has("NODEVICE_SELECT"))`;
  const { XDG_RUNTIME_DIR: _, ...env } = Deno.env.toObject();
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", program],
    clearEnv: true,
    env,
  })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.deepEqual([text(stdout), text(stderr)], ["false\n", ""]);
});
