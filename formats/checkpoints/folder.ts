/**
 * A folder of checkpoints: safetensors files `step-12.safetensors`, whose metadata hold what is no tensor, and the digest of the file
 * itself, taken with zeros in place of the digest.
 *
 * @module
 */
import { paths } from "../../core/runtime.ts";
import { broken } from "../failures.ts";
import { openFile } from "../files.ts";
import { readHeader } from "../safetensors/header.ts";
import type { Written } from "./leaves.ts";
import type { Checkpoint } from "./types.ts";

/** For errors. */
export const format = "a checkpoint";
const recordName = "cotangent.checkpoint";
/** Under which the metadata have the digest. */
export const digestName = "sha256";
/** What stands there while it is taken. */
export const noDigest = "0".repeat(64);

/** What the metadata say. */
export interface Record extends Checkpoint {
  /** The leaves that are no tensors, by their paths. */
  readonly values: { readonly [path: string]: Written };
}

/** The path of the checkpoint of a step. */
export function pathOf(folder: string, step: number): string {
  return paths().join(folder, `step-${step}.safetensors`);
}

/** The steps in a folder, the newest first. */
export async function stepsIn(folder: string): Promise<number[]> {
  const steps: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const digits = /^step-(\d+)\.safetensors$/.exec(name)?.[1];
    if (digits !== undefined && Number.isSafeInteger(Number(digits))) steps.push(Number(digits));
  }
  return steps.sort((a, b) => b - a);
}

/** The metadata of a checkpoint, still without a digest. */
export function metadataOf(record: Record): { [name: string]: string } {
  return { [recordName]: JSON.stringify({ version: 1, ...record }), [digestName]: noDigest };
}

/**
 * Reads what the header of a checkpoint says.
 *
 * @throws {Failure} If it is not there, or is none.
 */
export async function readRecord(folder: string, step: number): Promise<Record> {
  const path = pathOf(folder, step);
  using file = await openFile(path);
  const { metadata } = await readHeader(file);
  return recordOf(metadata, step, path);
}

/**
 * The record in the metadata of a file.
 *
 * @throws {Failure} If there is none.
 */
export function recordOf(metadata: Readonly<{ [name: string]: string }>, step: number, file: string): Record {
  let record: unknown;
  try {
    record = JSON.parse(metadata[recordName] ?? "null");
  } catch (error) {
    throw broken(file, format, "record", (error as Error).message);
  }
  if (!isRecord(record, step)) throw broken(file, format, "record", `it does not say what a checkpoint of step ${step} holds`);
  return record;
}

function isRecord(value: unknown, step: number): value is Record {
  if (typeof value !== "object" || value === null) return false;
  const { version, step: own, values, metric } = value as Partial<Record> & { version?: unknown };
  return version === 1 && own === step && (metric === undefined || typeof metric === "number") &&
    typeof values === "object" && values !== null && Object.values(values).every(isWritten);
}

function isWritten(value: unknown): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (!Array.isArray(value)) return false;
  const [type, text] = value;
  if (type === "bigint") return typeof text === "string" && /^-?\d+$/.test(text);
  return type === "number" ? typeof text === "string" : type === "undefined";
}
