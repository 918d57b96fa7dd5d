/**
 * The worker of the console: runs what was typed, with all of the library by name, and tells what to show.
 *
 * @module
 */
import * as cotangent from "../../mod.ts";
import { barChart, display, histogram, imageFigure, imageGrid, lineChart } from "../../visual/mod.ts";
import { models } from "../parts/models.ts";
import { type Shown, shownOf } from "./display.ts";
import { evaluate, type Scope } from "./evaluate.ts";

/** What the worker says of the code that it was given. */
export type ConsoleReply =
  /** It is ready for code. */
  | { readonly kind: "ready"; readonly device: string }
  /** Something to show; more may follow. */
  | { readonly kind: "shown"; readonly shown: Shown }
  /** The code needs another line. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "error"; readonly message: string }
  | { readonly kind: "done"; readonly milliseconds: number };

const worker = globalThis as unknown as {
  onmessage: (event: MessageEvent<string>) => void;
  postMessage(reply: ConsoleReply): void;
};
const send = (reply: ConsoleReply) => worker.postMessage(reply);

async function print(...values: readonly unknown[]): Promise<void> {
  for (const value of values) for (const shown of await shownOf(value)) send({ kind: "shown", shown });
}

const scope: Scope = { ...cotangent, barChart, display, histogram, imageFigure, imageGrid, lineChart, models, print };

/** What `console.log` still has to show: values of tensors are waited for. */
let printing = Promise.resolve();
console.log = (...values) => printing = printing.then(() => print(...values)).catch(fail);

function fail(error: unknown): void {
  send({ kind: "error", message: error instanceof Error ? `${error.name}: ${error.message}` : `Thrown: ${error}` });
}

worker.onmessage = async ({ data: source }) => {
  const begun = performance.now();
  const evaluated = await evaluate(source, scope);
  if (evaluated.kind === "incomplete") return send(evaluated);
  try {
    await printing;
    if (evaluated.kind === "value") await print(evaluated.value);
    else fail(evaluated.error);
  } catch (error) {
    fail(error);
  }
  send({ kind: "done", milliseconds: performance.now() - begun });
};

send({ kind: "ready", device: cotangent.deviceInfo().description });
