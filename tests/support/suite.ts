/**
 * Test files that run in one isolate. A file that runs alone loads the library for itself and compiles it as it goes: all files together
 * took a sixth more processor time so (434 s, 372 in suites).
 *
 * @module
 */
import { deviceInfo, type DeviceName, setDevice } from "../../mod.ts";

const root = new URL("../", import.meta.url);
const writable = Deno as { test: unknown };
const declare = Deno.test;
const { name: firstDevice } = deviceInfo();

/** The test files that lie in a folder of `tests` itself, not in folders within, by their paths below `tests`. */
function* filesIn(folder: string): Generator<string> {
  for (const { name, isFile } of Deno.readDirSync(new URL(`./${folder}`, root))) {
    if (isFile && name.endsWith("_test.ts")) yield `${folder}${name}`;
  }
}

type TestFunction = Deno.TestDefinition["fn"];

/** `Deno.test` for the tests of a file: their names begin with the file's, and each starts on the device that the file has chosen. */
function testOf(file: string, device: () => DeviceName) {
  return (...args: (string | Partial<Deno.TestDefinition> | TestFunction)[]): void => {
    const name = args.find((arg) => typeof arg === "string");
    const run = args.find((arg) => typeof arg === "function");
    const options = args.find((arg) => typeof arg === "object");
    const { name: test, fn, ...others } = { name, fn: run, ...options };
    declare({
      name: `${file} ${test}`,
      ...others,
      fn: async (t) => {
        if (deviceInfo().name !== device()) await setDevice(device());
        await fn!(t);
      },
    });
  };
}

/** Declares the tests of folders, each a path below `tests` that ends with a slash; "" are the files of `tests` itself. */
export async function suite(...folders: string[]): Promise<void> {
  for (const file of folders.flatMap((folder) => [...filesIn(folder)].sort())) {
    await setDevice(firstDevice);
    let device = firstDevice;
    writable.test = testOf(file, () => device);
    await import(new URL(file, root).href);
    device = deviceInfo().name;
  }
  writable.test = declare;
}
