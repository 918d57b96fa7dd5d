/**
 * A page that trains and sends what came of it, or what went wrong, to the server that it came from, and goes where that says.
 *
 * @module
 */
import { sharesMemory } from "../../core/runtime.ts";
import { train } from "./training.ts";

const wanted = new URL(location.href).searchParams;
const threads = wanted.get("threads");

const result = await train(wanted.get("device") as "wasm" | "webgpu", threads === null ? {} : { threads: Number(threads) })
  .catch((error) => ({ error: String(error) }));
const answer = await fetch("/result", { method: "POST", body: JSON.stringify({ ...result, isolated: sharesMemory }) });
const next = await answer.text();
if (next) location.href = next;
