/**
 * What the command lines of all examples have in common: how they are read, flags that several have, what values may be.
 *
 * @module
 */
import { Either } from "../../deps.ts";
import { Command, CommanderError, InvalidArgumentError, Option } from "../../dev_deps.ts";
import { exitCodes, type Failure, misused } from "./failure.ts";

/** A command line without flags yet, but for `--help`. Nothing that it does may need a permission. */
export function makeCommand(name: string, description: string): Command {
  return new Command()
    .name(name)
    .usage("[options]")
    .description(description)
    .helpOption("-h, --help", "show this")
    .allowExcessArguments(false)
    .exitOverride()
    // commander would look for colours in the environment. Errors are printed where they are caught.
    .configureOutput({
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => 100,
      writeErr: () => {},
    });
}

/** Reads the flags; an early end is a wrong command line, or `--help`, which has then been printed. */
export function parseCommand<O extends object>(
  command: { parse(args: readonly string[], how: { from: "user" }): { opts(): O } },
  args: readonly string[],
): Either.Either<Failure, O> {
  try {
    return Either.right(command.parse(args, { from: "user" }).opts());
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return Either.left({ exitCode: exitCodes.done, message: "" });
    return Either.left(misused(error.message));
  }
}

/** The flag `--device`. */
export function deviceOption() {
  return new Option("--device <name>", "where to compute; auto is a GPU if there is one, else all CPU cores (wasm)")
    .choices(["auto", "webgpu", "wasm", "reference"] as const).default("auto" as const);
}

/** Reads an integer in decimal digits. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be an integer ${range}.`);
  };
}

/** Reads a decimal number. */
export function decimal(what: string, accept: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
    if (Number.isFinite(value) && accept(value)) return value;
    throw new InvalidArgumentError(`It must be ${what}.`);
  };
}

/** Reads a text that is not empty: the name of a file or a folder. */
export function notEmpty(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It must not be empty.");
}
