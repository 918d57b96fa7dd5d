/**
 * Runs a program of `examples` as a user does: a process of its own, with the permissions it is given and no terminal.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withFolder } from "../datasets/fixtures.ts";

/** How a process ended and what it said. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How to run it. */
export interface How {
  /** Flags of Deno: what is permitted. None by default. */
  readonly permissions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The address of an example. */
export function exampleUrl(file: string): string {
  return new URL(`../../examples/${file}`, import.meta.url).href;
}

/** A process that has not started. */
export function exampleCommand(file: string, args: readonly string[], { permissions = [], env = {} }: How = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, exampleUrl(file), ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // Without the first variable Mesa's drivers complain on the error stream.
    env: { XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? "/tmp", ...env, NO_COLOR: "1" },
  });
}

/** Runs an example to its end. */
export async function runExample(file: string, args: readonly string[], how?: How): Promise<Ended> {
  const { code, stdout, stderr } = await exampleCommand(file, args, how).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

/** Asserts how a process ended and what it said, with all it said if not. */
export function checkEnded(ended: Ended, code: number, said: RegExp): void {
  assert.equal(ended.code, code, `${ended.out}\n${ended.err}`);
  assert.match(code === 0 ? ended.out : ended.err, said);
}

/** The flags of a run in a test. */
export const smoke: readonly string[] = ["--smoke", "--device", "wasm"];

/** What a smoke run prints, by chapter, after asserting that it asked for no permission. */
export async function chaptersOf(file: string): Promise<string[]> {
  return await withFolder(async (folder) => {
    const log = join(folder, "permissions");
    const ended = await runExample(file, smoke, { env: { DENO_AUDIT_PERMISSIONS: log } });
    checkEnded(ended, 0, /^== .* ==$/m);
    assert.equal(ended.err, "");
    // Deno notes each permission that was asked for, granted or not.
    assert.equal(await Deno.readTextFile(log).catch(() => ""), "");
    return ended.out.split(/^== .* ==$/m).slice(1);
  });
}
