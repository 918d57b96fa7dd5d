/**
 * Training that is killed and resumed again and again.
 *
 * @module
 */
import { join } from "node:path";
import { checkEnded, type Ended, exampleCommand, runExample } from "./run_example.ts";

/** The program that is resumed. */
export const program = "mnist_cnn.ts";

const permissions = ["-A"];

/** The bytes of the model that one run without a break saves. */
export async function unbroken(folder: string, args: readonly string[]): Promise<Uint8Array> {
  const path = join(folder, "unbroken.safetensors");
  checkEnded(await runExample(program, [...args, "--save", path], { permissions }), 0, /epoch 1\//);
  return await Deno.readFile(path);
}

/** How a run with breaks went. */
export interface Resumed {
  /** The bytes of the model that was saved at last. */
  readonly model: Uint8Array;
  /** What each of the processes said. */
  readonly said: readonly string[];
  /** How many of them were killed. */
  readonly kills: number;
}

/** A moment to kill a process: the promise is kept when it has come. */
export type Moment = (process: { readonly checkpoints: string; readonly begun: Promise<void> }) => Promise<void>;

/** Runs the program until it comes to its end; a process is killed once its moment, if there is one left, has come. */
export async function killedAndResumed(folder: string, args: readonly string[], moments: readonly Moment[]): Promise<Resumed> {
  const [checkpoints, path] = [join(folder, "checkpoints"), join(folder, "resumed.safetensors")];
  const said: string[] = [];
  for (let kills = 0;; kills++) {
    const flags = ["--checkpoint", checkpoints, "--resume", "--save", path];
    const child = exampleCommand(program, [...args, ...flags], { permissions }).spawn();
    const begins = Promise.withResolvers<void>();
    const ended = endOf(child, begins.resolve);
    await Promise.race([ended, moments[kills]?.({ checkpoints, begun: begins.promise }) ?? ended]);
    try {
      child.kill("SIGKILL");
    } catch {
      // It has come to its end.
    }
    const { code, out, err } = await ended;
    said.push(out);
    if (code === 137) continue;
    checkEnded({ code, out, err }, 0, /./);
    return { model: await Deno.readFile(path), said, kills };
  }
}

/** How a process ends; `begins` is called when it has said where its training begins. */
async function endOf(child: Deno.ChildProcess, begins: () => void): Promise<Ended> {
  const err = new Response(child.stderr).text();
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    if (/Goes on from|There is no checkpoint/.test(out)) begins();
  }
  return { code: (await child.status).code, out, err: await err };
}

/** The step of the newest checkpoint in a folder; 0 if there is none. */
export async function newestIn(folder: string): Promise<number> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name).catch((): string[] => []);
  return Math.max(0, ...names.map((name) => Number(/^step-(\d+)\./.exec(name)?.[1] ?? 0)));
}

/** Once a checkpoint of this step or a later one is there. */
export function atStep(step: number): Moment {
  return async ({ checkpoints }) => {
    while (await newestIn(checkpoints) < step) await new Promise((resolve) => setTimeout(resolve, 5));
  };
}
