/**
 * Makes the page of its sources: modules for browsers, split so that what is not needed is not loaded, beside the page and its style.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

/** What browsers load first: the page, and its workers. */
const entries = ["page.ts", "training_worker.ts", "console_worker.ts"];

/**
 * Writes the page into a folder, which any web server can serve.
 *
 * @throws {Error} If it cannot be made; the message is the bundler's.
 */
export async function buildPage(folder: string): Promise<void> {
  // What an earlier build left has other names.
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const flags = [
    "--quiet",
    "--platform",
    "browser",
    "--code-splitting",
    "--minify",
    "--external",
    "./codecs.js",
    "--outdir",
    folder,
  ];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", ...flags, ...entries.map((entry) => join(here, entry))],
    cwd: here,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  for (const file of ["index.html", "style.css"]) await Deno.copyFile(join(here, file), join(folder, file));
}
