/** A sample of `tests/long/damage_test.ts`: damaged files of every format. */
import { setDevice } from "../../mod.ts";
import { damaged, subjects } from "./damage.ts";

await setDevice("reference");

for (const [name, { files }] of Object.entries(subjects)) {
  Deno.test(`damaged copies are read or refused, and nothing else: ${name}`, async () => {
    const bytes = files.reduce((sum, file) => sum + file.length, 0);
    await damaged(name, 100, Math.ceil(bytes / 100));
  });
}
