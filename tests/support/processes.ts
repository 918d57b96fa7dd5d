/**
 * Tests that start several processes by MPI's launcher. Where there is none they are reported as ignored, unless COTANGENT_REQUIRE_MPI says that
 * there must be one.
 *
 * @module
 */
import assert from "node:assert/strict";

/** A launcher of processes. */
export interface Launcher {
  readonly name: "Open MPI" | "MPICH";
  readonly command: string;
}

function launcherAt(command: string): Launcher | undefined {
  try {
    const { stdout } = new Deno.Command(command, { args: ["--version"], stderr: "null" }).outputSync();
    const text = new TextDecoder().decode(stdout);
    if (/Open MPI/.test(text)) return { name: "Open MPI", command };
    return /HYDRA/i.test(text) ? { name: "MPICH", command } : undefined;
  } catch {
    return undefined;
  }
}

function found(): Launcher[] {
  const byName = new Map<string, Launcher>();
  for (const command of ["mpirun.openmpi", "mpirun.mpich", "mpirun"]) {
    const launcher = launcherAt(command);
    if (launcher && !byName.has(launcher.name)) byName.set(launcher.name, launcher);
  }
  return [...byName.values()];
}

/** The launchers of this machine, one for each library. */
const launchers: readonly Launcher[] = found();

/** Registers a test for processes of every library that there is. */
export function testWithProcesses(name: string, run: (launcher: Launcher) => Promise<void>): void {
  const required = Deno.env.has("COTANGENT_REQUIRE_MPI");
  if (launchers.length === 0) {
    Deno.test({ name, ignore: !required, fn: () => assert.fail("There is no mpirun, which COTANGENT_REQUIRE_MPI asks for") });
  }
  for (const launcher of launchers) Deno.test(`${name} (${launcher.name})`, () => run(launcher));
}

/** Root may start processes, and more of them than there are cores. */
const permissive = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
};

/** What processes have done. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

/** The command that starts `count` processes of a program of this project. */
export function processes({ command }: Launcher, count: number, program: string, args: readonly string[] = []): Deno.Command {
  const file = new URL(`../../${program}`, import.meta.url).pathname;
  return new Deno.Command(command, {
    args: ["-n", `${count}`, Deno.execPath(), "run", "-A", "--no-check", file, ...args],
    env: { ...permissive, NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs them to their end. */
export async function runProcesses(
  launcher: Launcher,
  count: number,
  program: string,
  args: readonly string[] = [],
): Promise<Ended> {
  const started = performance.now();
  const { code, stdout, stderr } = await processes(launcher, count, program, args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr), seconds: (performance.now() - started) / 1000 };
}

/** The JSON that each process has printed in a line, by rank. */
export function reported<T extends { readonly rank: number }>({ code, out, err }: Ended): T[] {
  assert.equal(code, 0, err || out);
  const lines = out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as T);
  return lines.sort((a, b) => a.rank - b.rank);
}

/** The numbers of the processes that have a word in their command lines, the launcher's first. */
export async function running(word: string): Promise<number[]> {
  const { stdout } = await new Deno.Command("pgrep", { args: ["-f", word] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean).map(Number).filter((pid) => pid !== Deno.pid);
}
