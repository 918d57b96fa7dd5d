/**
 * The page: what it shows of a training that runs in a worker, and what it asks of it. The library is not loaded here.
 *
 * @module
 */
/// <reference lib="dom" />
import { type DigitPicture, digitPicture } from "../parts/digit_picture.ts";
import { liveChart, type Point } from "./chart.ts";
import { openConsole } from "./console.ts";
import { element } from "./elements.ts";
import type { Progress, Reading, Reply, Request } from "./messages.ts";
import { canvasOf, largest, paintInk, paintSigned } from "./pictures.ts";
import { openSheet } from "./sheet.ts";
import { openTabs } from "./tabs.ts";

const percent = (part: number, digits = 1) => `${(100 * part).toFixed(digits)} %`;
const count = (value: number) => value.toLocaleString("en");

// What the worker says.

const worker = new Worker(new URL("training_worker.js", import.meta.url), { type: "module" });
const ask = (request: Request) => worker.postMessage(request);

worker.onmessage = ({ data: reply }: MessageEvent<Reply>) => {
  switch (reply.kind) {
    case "digits":
      layTiles(reply.images, reply.labels);
      return begin();
    case "device":
      return showDevice(reply.name, reply.description);
    case "progress":
      return showProgress(reply.progress);
    case "running":
      return showRunning(reply.running, reply.finished);
    case "reading":
      return showReading(reply.reading);
    case "failure":
      return say(reply.message, true);
  }
};
worker.onerror = ({ message }) => say(`This page does not work here: ${message || "its worker could not be loaded"}`, true);

const status = element("status");

function say(text: string, isFailure = false): void {
  status.textContent = text;
  status.classList.toggle("failure", isFailure);
}

/** The worker listens now. */
function begin(): void {
  for (const control of [runButton, resetButton, deviceSelect]) control.disabled = false;
  const wanted = new URL(location.href).searchParams;
  const device = wanted.get("device");
  if (device === "wasm" || device === "webgpu") ask({ kind: "device", name: device });
  if (wanted.get("start") !== "no") ask({ kind: "start" });
}

// Controls.

const runButton = element("run", HTMLButtonElement);
const resetButton = element("reset", HTMLButtonElement);
const deviceSelect = element("device", HTMLSelectElement);
let running = false;

runButton.onclick = () => ask({ kind: running ? "pause" : "start" });
resetButton.onclick = () => {
  curves.clear();
  ask({ kind: "reset" });
  say("A new network, with other numbers");
};
deviceSelect.onchange = () => {
  say("Changing the device…");
  ask({ kind: "device", name: deviceSelect.value as "wasm" | "webgpu" });
};

/** The devices that there are; a GPU is asked for only where the browser has WebGPU. */
async function listDevices(): Promise<void> {
  deviceSelect.add(new Option("wasm"));
  // deno-lint-ignore no-explicit-any -- the types of the DOM may or may not have WebGPU
  const gpu = (navigator as any).gpu as GPU | undefined;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (adapter) deviceSelect.add(new Option(adapter.info.isFallbackAdapter ? "webgpu (software)" : "webgpu", "webgpu"));
}

let device = "";

function showDevice(name: string, description: string): void {
  device = description;
  void listed.then(() => deviceSelect.value = name);
  deviceSelect.title = description;
  say(`On ${description}`);
}

function showRunning(now: boolean, finished: boolean): void {
  running = now;
  runButton.textContent = now ? "Pause" : finished ? "Go on" : "Start";
  if (now) say(`Learning on ${device}`);
  else if (finished) say(`Learned, on ${device}`);
  else if (!status.classList.contains("failure")) say(`Paused, on ${device}`);
}

// Curves and numbers.

/** Over how many digits losses are smoothed, and the shortest axis. */
const [smoothing, shortest] = [1500, 6000];

const lossChart = liveChart(element("loss-chart"), {
  title: "Loss",
  curves: ["each report", "smoothed"],
  format: (loss) => loss.toFixed(2),
  domain: [0, 2.4],
});
const accuracyChart = liveChart(element("accuracy-chart"), {
  title: "Read right, of digits never learned from",
  curves: ["accuracy"],
  format: (part) => percent(part, 0),
  domain: [0, 1],
});

const curves = {
  losses: [] as Point[],
  smooth: [] as Point[],
  accuracies: [] as Point[],
  clear() {
    this.losses = [];
    this.smooth = [];
    this.accuracies = [];
  },
};

let rate = NaN;

function showProgress({ seen, goal, steps, loss, rate: latest, filters, test }: Progress): void {
  if (steps > 0 && curves.losses.length === 0) performance.mark("first step");
  if (Number.isFinite(loss)) {
    curves.losses.push([seen, loss]);
    const [from, before] = curves.smooth.at(-1) ?? [0, loss];
    const kept = Math.exp((from - seen) / smoothing);
    curves.smooth.push([seen, kept * before + (1 - kept) * loss]);
    rate = Number.isNaN(rate) ? latest : 0.9 * rate + 0.1 * latest;
  }
  if (test) curves.accuracies.push([seen, test.accuracy]);
  const accuracy = curves.accuracies.at(-1)?.[1];
  element("accuracy").textContent = accuracy === undefined ? "–" : percent(accuracy);
  element("loss").textContent = curves.smooth.at(-1)?.[1].toFixed(3) ?? "–";
  element("seen").textContent = count(seen);
  element("rate").textContent = Number.isNaN(rate) ? "–" : count(Math.round(rate));
  const progress = element("progress", HTMLProgressElement);
  [progress.value, progress.max] = [seen, goal];
  const end = Math.max(shortest, seen);
  lossChart.draw([curves.losses, curves.smooth], end);
  accuracyChart.draw([curves.accuracies], end);
  showFilters(filters);
  if (test) showTiles(test.named);
  else if (steps === 0) forgetTiles();
}

// The digits that are still read wrong.

const tiles: { readonly label: number; readonly tile: HTMLElement; readonly guess: HTMLElement }[] = [];

/** Columns are digits: row by row, each column's next. */
function layTiles(images: Uint8Array, labels: Uint8Array): void {
  const grid = element("tiles");
  const perClass = labels.length / 10;
  for (let digit = 0; digit < 10; digit++) grid.append(Object.assign(document.createElement("b"), { textContent: `${digit}` }));
  for (let i = 0; i < labels.length; i++) {
    const at = (i % 10) * perClass + Math.floor(i / 10);
    const canvas = canvasOf(28);
    paintInk(canvas, images.subarray(784 * at, 784 * (at + 1)));
    const tile = document.createElement("div");
    const guess = document.createElement("i");
    tile.append(canvas, guess);
    grid.append(tile);
    tiles[at] = { label: labels[at], tile, guess };
  }
}

function showTiles(named: Uint8Array): void {
  const wrong: string[] = [];
  tiles.forEach(({ label, tile, guess }, i) => {
    const isWrong = named[i] !== label;
    tile.className = isWrong ? "wrong" : "right";
    if (!isWrong) return;
    guess.textContent = `${named[i]}`;
    wrong.push(`${label} as ${named[i]}`);
  });
  element("wrong-count").textContent = wrong.length === 0 ? "none of 100" : `${wrong.length} of 100`;
  element("tiles").ariaLabel = `${wrong.length} of 100 digits are read wrong${wrong.length > 0 ? `: ${wrong.join(", ")}` : ""}`;
}

function forgetTiles(): void {
  for (const { tile } of tiles) tile.className = "";
  element("wrong-count").textContent = "";
}

// The first layer.

const filterCanvases = Array.from({ length: 10 }, () => {
  const [weights, answers] = [canvasOf(5), canvasOf(24)];
  const column = document.createElement("div");
  column.append(weights, answers);
  element("filter-grid").append(column);
  return { weights, answers };
});

function showFilters(filters: Float32Array): void {
  const most = largest(filters);
  filterCanvases.forEach(({ weights }, i) => paintSigned(weights, filters.subarray(25 * i, 25 * (i + 1)).map((x) => x / most)));
}

function showAnswers(answers: Float32Array): void {
  const most = largest(answers);
  filterCanvases.forEach(({ answers: canvas }, i) =>
    paintSigned(canvas, answers.subarray(576 * i, 576 * (i + 1)).map((x) => x / most))
  );
}

// The drawing, and what it is read as.

const bars = Array.from({ length: 10 }, (_, digit) => {
  const item = document.createElement("li");
  item.innerHTML = `<b>${digit}</b><span class="bar"><span></span></span><span class="number"></span>`;
  element("probabilities").append(item);
  return item;
});

let spoken: ReturnType<typeof setTimeout> | undefined;

function showReading({ probabilities, answers }: Reading): void {
  if (sheet.isEmpty) return;
  const best = probabilities.indexOf(Math.max(...probabilities));
  bars.forEach((item, digit) => {
    item.classList.toggle("best", digit === best);
    item.querySelector<HTMLElement>(".bar span")!.style.width = `${100 * probabilities[digit]}%`;
    item.querySelector(".number")!.textContent = percent(probabilities[digit], 0);
  });
  element("digit").textContent = `${best}`;
  element("surely").textContent = `${probabilities[best] > 0.9995 ? "over 99.9 %" : percent(probabilities[best])} sure`;
  showAnswers(answers);
  clearTimeout(spoken);
  spoken = setTimeout(() => element("spoken").textContent = `Read as ${best}, ${percent(probabilities[best], 0)} sure`, 1000);
}

function forgetReading(): void {
  for (const item of bars) {
    item.classList.remove("best");
    item.querySelector<HTMLElement>(".bar span")!.style.width = "0";
    item.querySelector(".number")!.textContent = "";
  }
  element("digit").textContent = "?";
  element("surely").textContent = "nothing yet";
  showAnswers(new Float32Array(5760));
}

const [undoButton, clearButton] = [element("undo", HTMLButtonElement), element("clear", HTMLButtonElement)];
const seenImage = element("seen-image", HTMLCanvasElement);

const sheet = openSheet(element("drawing", HTMLCanvasElement), () => {
  undoButton.disabled = clearButton.disabled = sheet.isEmpty;
  element("draw").classList.toggle("drawn", !sheet.isEmpty);
  const found: DigitPicture | undefined = sheet.isEmpty ? undefined : digitPicture(sheet.picture());
  paintInk(seenImage, found?.image ?? new Uint8Array(784));
  if (!found) forgetReading();
  ask({ kind: "read", image: found?.image });
});
undoButton.onclick = () => sheet.undo();
clearButton.onclick = () => sheet.clear();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => sheet.render());

const listed = listDevices();
openTabs(openConsole);
