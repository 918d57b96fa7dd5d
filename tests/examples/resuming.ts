/**
 * Training that is killed and resumed again and again.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { formats, toBytes } from "../../mod.ts";
import { right } from "../formats/results.ts";
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

/** A process that trains. */
export interface Training {
  readonly checkpoints: string;
  /** When it has said where it begins. */
  readonly begun: Promise<void>;
  /** Aborted when it has come to its end. */
  readonly ended: AbortSignal;
}

/** A moment to kill a process: the promise is kept when it has come. */
export type Moment = (process: Training) => Promise<void>;

/** Runs the program until it comes to its end; a process is killed once its moment, if there is one left, has come. */
export async function killedAndResumed(folder: string, args: readonly string[], moments: readonly Moment[]): Promise<Resumed> {
  const [checkpoints, path] = [join(folder, "checkpoints"), join(folder, "resumed.safetensors")];
  const said: string[] = [];
  for (let kills = 0;; kills++) {
    const flags = ["--checkpoint", checkpoints, "--resume", "--save", path];
    const child = exampleCommand(program, [...args, ...flags], { permissions }).spawn();
    const begins = Promise.withResolvers<void>();
    const end = new AbortController();
    const ended = endOf(child, begins.resolve).finally(() => end.abort());
    const process: Training = { checkpoints, begun: begins.promise, ended: end.signal };
    await Promise.race([ended, moments[kills]?.(process) ?? ended]);
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
  return async ({ checkpoints, ended }) => {
    while (!ended.aborted && await newestIn(checkpoints) < step) await new Promise((resolve) => setTimeout(resolve, 5));
  };
}

/** What differs between two files of models: the names of tensors, or the whole if it is none of them. */
export async function differing(a: Uint8Array, b: Uint8Array): Promise<string[]> {
  if (Buffer.compare(a, b) === 0) return [];
  const [ours, theirs] = [a, b].map((bytes) => right(formats.safetensors.decode(bytes)).tensors);
  const names: string[] = [];
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const isThere = name in ours && name in theirs;
    if (!isThere || Buffer.compare(await toBytes(ours[name]), await toBytes(theirs[name])) !== 0) names.push(name);
  }
  return names.length > 0 ? names : ["header"];
}
