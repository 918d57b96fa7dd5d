/**
 * The console: one types code, a worker runs it, and what it gives is shown. The worker can be stopped, whatever it does.
 *
 * @module
 */
/// <reference lib="dom" />
import type { ConsoleReply } from "./console_worker.ts";
import type { Shown } from "./display.ts";
import { element } from "./elements.ts";

/** Code to begin with, by name. */
const examples: Readonly<Record<string, string>> = {
  "A derivative": `const x = linspace(-3, 3, 121);
lineChart({
  x: await data(x),
  series: {
    tanh: await data(tanh(x)),
    "its derivative": await data(vmap(grad(tanh))(x)),
    "and that one's": await data(vmap(grad(grad(tanh)))(x)),
  },
})`,
  "A line through points": `const x = random.uniform(random.key(0), [50]);
const y = add(mul(2, x), mul(0.1, random.normal(random.key(1), [50])));
const loss = ({ a, b }) => mseLoss(add(mul(a, x), b), y);
let line = { a: tensor(0), b: tensor(0) };
const losses = [];
const step = jit((line) => treeMap((p, g) => sub(p, mul(0.5, g)), line, grad(loss)(line)));
for (let i = 0; i < 60; i++) {
  losses.push(await item(loss(line)));
  line = step(line);
}
console.log(line);
lineChart({ series: { loss: losses }, yScale: "log", xLabel: "step" })`,
  "Digits": `imageGrid(datasets.syntheticDigits({ train: 48, test: 0 }).train, { columns: 12, scale: 2 })`,
  "A picture": `const x = reshape(linspace(-8, 8, 160), [1, 160]);
const r = sqrt(add(square(x), square(transpose(x))));
div(sin(mul(2, r)), add(r, 1))`,
  "How fast": `const n = 512;
const a = random.normal(random.key(0), [n, n]);
const product = jit((a) => matmul(a, a));
await data(product(a)); // compiles
const begun = performance.now();
for (let i = 0; i < 20; i++) await data(product(a));
const seconds = (performance.now() - begun) / 1000;
\`\${(20 * 2 * n ** 3 / seconds / 1e9).toFixed(1)} GFLOP/s on \${deviceInfo().description}\``,
};

/** Makes the console work, when it is first seen. */
export function openConsole(): void {
  const log = element("log");
  const code = element("code", HTMLTextAreaElement);
  const button = element("evaluate", HTMLButtonElement);
  const history: string[] = [];
  /** Which line of the history is shown; its length: what is being written. */
  let at = 0;
  let isRunning = false;
  /** Whether the worker listens: what is sent before is lost. */
  let isReady = false;
  /** Where the output goes of what runs now. */
  let entry: HTMLElement | undefined;
  let worker = start();

  function start(): Worker {
    const started = new Worker(new URL("console_worker.js", import.meta.url), { type: "module" });
    started.onmessage = ({ data }: MessageEvent<ConsoleReply>) => receive(data);
    started.onerror = ({ message }) => {
      append("error", message || "The console could not be loaded");
      end();
    };
    return started;
  }

  function receive(reply: ConsoleReply): void {
    switch (reply.kind) {
      case "ready":
        isReady = true;
        if (isRunning) worker.postMessage(history.at(-1));
        return;
      case "shown":
        return appendShown(reply.shown);
      case "error":
        return append("error", reply.message);
      case "incomplete":
        entry?.remove();
        code.value = `${history.pop()}\n`;
        return end();
      case "done":
        if (reply.milliseconds >= 100) append("time", `${(reply.milliseconds / 1000).toFixed(1)} s`);
        return end();
    }
  }

  function append(kind: string, text: string): void {
    const line = document.createElement("pre");
    line.className = kind;
    line.textContent = text;
    (entry ?? log).append(line);
    reveal();
  }

  function appendShown(shown: Shown): void {
    if (shown.kind === "text") return append("text", shown.text);
    const figure = document.createElement("figure");
    figure.innerHTML = shown.html;
    for (const image of figure.querySelectorAll("img")) image.onload = reveal;
    (entry ?? log).append(figure);
    reveal();
  }

  function reveal(): void {
    element("prompt").scrollIntoView({ block: "end" });
  }

  function run(source: string): void {
    if (source.trim() === "" || isRunning) return;
    isRunning = true;
    button.textContent = "Stop";
    history.push(source);
    at = history.length;
    entry = document.createElement("section");
    log.append(entry);
    append("code", source);
    code.value = "";
    fit();
    if (isReady) worker.postMessage(source);
  }

  function end(): void {
    isRunning = false;
    at = history.length;
    entry = undefined;
    button.textContent = "Run";
    fit();
    reveal();
  }

  function stop(): void {
    worker.terminate();
    isReady = false;
    append("error", "Stopped. What was declared is gone.");
    worker = start();
    end();
  }

  /** As many lines as there are. */
  function fit(): void {
    code.rows = Math.min(16, code.value.split("\n").length);
  }

  function recall(step: number): void {
    at = Math.min(history.length, Math.max(0, at + step));
    code.value = history[at] ?? "";
    fit();
  }

  code.oninput = fit;
  code.onkeydown = (event) => {
    const { key, shiftKey, isComposing } = event;
    const isOneLine = !code.value.includes("\n");
    if (key === "Enter" && !shiftKey && !isComposing) run(code.value);
    else if (key === "ArrowUp" && (isOneLine || code.selectionStart === 0)) recall(-1);
    else if (key === "ArrowDown" && (isOneLine || code.selectionStart === code.value.length)) recall(1);
    else return;
    event.preventDefault();
  };
  element("prompt").onsubmit = (event) => {
    event.preventDefault();
    if (isRunning) stop();
    else run(code.value);
  };
  for (const [name, source] of Object.entries(examples)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.onclick = () => run(source);
    element("examples").append(button);
  }
  code.focus();
}
