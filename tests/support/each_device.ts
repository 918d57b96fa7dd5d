/**
 * Tests of whole functions, run on every device of this machine.
 *
 * @module
 */
import { type DeviceName, setDevice } from "../../mod.ts";

async function available(names: readonly DeviceName[]): Promise<DeviceName[]> {
  const found: DeviceName[] = [];
  for (const name of names) {
    // That a device is missing is another test's business (tests/core/devices/devices_test.ts).
    const there = await setDevice(name).then(() => true, () => false);
    if (there) found.push(name);
  }
  return found;
}

/** The devices there are, the slow and exact one first. */
export const deviceNames: readonly DeviceName[] = await available(["reference", "wasm", "webgpu"]);

// What is tested on no device in particular runs on the one that users have, whatever was tested before.
await setDevice("auto");

/**
 * Registers a test for every device (or only for some), in whose run that device is the current one. Where a device is missing, the test
 * is reported as ignored.
 */
export function testOnDevices(
  name: string,
  run: (t: Deno.TestContext, device: DeviceName) => void | Promise<void>,
  devices: readonly DeviceName[] = deviceNames,
): void {
  for (const device of devices) {
    Deno.test({
      name: `${name} (${device})`,
      ignore: !deviceNames.includes(device),
      fn: async (t) => {
        await setDevice(device);
        try {
          await run(t, device);
        } finally {
          await setDevice("auto");
        }
      },
    });
  }
}
