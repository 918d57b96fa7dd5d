/**
 * The frame of a small example: the flags that all of them have, the device, and how the program ends.
 *
 * ```ts ignore
 * const command = exampleCommand("sums.ts", "Adds numbers.");
 * if (import.meta.main) await runExample(command, async ({ seed }) => console.log(random.normal(random.key(seed), [3])));
 * ```
 *
 * @module
 */
import { Either, pipe, TaskEither } from "../../deps.ts";
import { Option } from "../../dev_deps.ts";
import { deviceOption, integer, makeCommand, parseCommand } from "./command.ts";
import { chooseDevice, type DeviceFlags, guarded } from "./device.ts";
import type { Failure } from "./failure.ts";

/**
 * A command line with `--smoke`, `--seed`, `--device` and `--help`; more can be added.
 *
 * @param inSmoke The values of other flags that `--smoke` stands for, where they are not given.
 */
export function exampleCommand(name: string, description: string, inSmoke: Readonly<Record<string, string | number>> = {}) {
  const implied = Object.entries(inSmoke).map(([flag, value]) => ` --${flag} ${value}`).join("");
  const smoke = new Option("--smoke", `a run of a few seconds${implied && `: stands for${implied} where not given`}`);
  smoke.implies(inSmoke);
  return makeCommand(name, description)
    .addOption(smoke)
    .option("--seed <number>", "chooses all that is random", integer(0), 0)
    .addOption(deviceOption())
    .addHelpText("afterAll", notes);
}

const notes = `
Permissions: none are needed, and none are asked for. To read or write files, or to download, Deno needs -A or the flags that are then named.

Exit codes: 0 done, 1 something did not work (data, device, log), 2 wrong command line.`;

/** What an example does: Left if it ends early. */
export type ExampleBody<O> = (options: O) => Promise<Either.Either<Failure, void> | void>;

/**
 * Reads the command line, chooses the device and runs the example. A failure is printed without a stack, and the exit code says
 * what it was.
 */
export async function runExample<O extends DeviceFlags>(
  command: Parameters<typeof parseCommand<O>>[0],
  body: ExampleBody<O>,
  args: readonly string[] = Deno.args,
): Promise<void> {
  const program = pipe(
    TaskEither.fromEither(parseCommand(command, args)),
    TaskEither.chainFirst((options) => chooseDevice(options)),
    TaskEither.flatMap((options) => guarded(async () => await body(options) ?? Either.right(undefined))),
  );
  const outcome = await program();
  if (Either.isRight(outcome)) return;
  const { message, exitCode } = outcome.left;
  if (message) console.error(message);
  Deno.exit(exitCode);
}
