/**
 * Builds the page, in which a network learns to read digits, and serves it.
 *
 * ```sh
 * deno task page                 # http://localhost:8000
 * deno task page --port 9000
 * deno task page --build-only    # dist/page, for any web server
 * ```
 *
 * The headers isolate the page from other origins, which browsers ask for before threads may share memory. Served without them it
 * trains on one thread.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { integer, makeCommand, parseCommand } from "../cli/command.ts";
import { buildPage } from "./build.ts";
import { servePage } from "./server.ts";

const folder = fileURLToPath(new URL("../../dist/page", import.meta.url));

const command = makeCommand("page", "Builds the page in which a network learns to read digits, and serves it.")
  .option("--port <number>", "where to serve it", integer(0, 65535), 8000)
  .option("--build-only", "write dist/page, and serve nothing");

const read = parseCommand(command, Deno.args);
if (read._tag === "Left") {
  if (read.left.message) console.error(read.left.message);
  Deno.exit(read.left.exitCode);
}
await buildPage(folder);
if (read.right.buildOnly) console.log(`The page is in ${folder}`);
else {
  const { addr } = servePage(folder, { port: read.right.port, isolated: true });
  console.log(`http://localhost:${addr.port}`);
}
