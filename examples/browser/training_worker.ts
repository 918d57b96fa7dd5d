/**
 * The worker that trains. A call of the library on `wasm` keeps its thread until it has computed, so a page leaves all of them to a
 * worker. This one looks every few steps at what the page asks for; the thread of the page draws, and never waits.
 *
 * @module
 */
import { CotangentError, deviceInfo, setDevice } from "../../mod.ts";
import { makeCourse, shownSet } from "./course.ts";
import type { Reply, Request } from "./messages.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(reply: Reply): void;
};
const send = (reply: Reply) => scope.postMessage(reply);

/** What the page has asked for and is not done yet; `wake` ends the wait for more. */
const requests: Request[] = [];
let wake = () => {};
scope.onmessage = ({ data }) => {
  requests.push(data);
  wake();
};

let seed = 0;
let course = makeCourse(seed);
let image: Uint8Array | undefined;
let running = false;

function run(wanted: boolean): void {
  running = wanted;
  if (wanted) course.goOn();
  send({ kind: "running", running, finished: course.isFinished });
}

async function read(): Promise<void> {
  if (image) send({ kind: "reading", reading: await course.read(image) });
}

async function look(): Promise<void> {
  send({ kind: "progress", progress: await course.look() });
  await read();
}

async function learn(): Promise<void> {
  send({ kind: "progress", progress: await course.learn() });
  await read();
  if (course.isFinished) run(false);
}

function tellDevice(): void {
  const { name, description } = deviceInfo();
  send({ kind: "device", name, description });
}

async function answer(request: Request): Promise<void> {
  switch (request.kind) {
    case "start":
    case "pause":
      return run(request.kind === "start");
    case "reset":
      run(false);
      course = makeCourse(++seed);
      return await look();
    case "device":
      return await setDevice(request.name).finally(tellDevice);
    case "read":
      image = request.image;
      return await read();
  }
}

/** Tells what the library complains of (a device that cannot be had, or was lost); anything else is a mistake in this program. */
async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CotangentError)) throw error;
    run(false);
    send({ kind: "failure", message: error.message });
  }
}

/** Lets requests in that have arrived. A timer would wait some milliseconds longer. */
function eventLoop(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

async function serve(): Promise<never> {
  send({ kind: "digits", ...shownSet });
  tellDevice();
  await guarded(look);
  for (;;) {
    while (requests.length > 0) {
      const request = requests.shift()!;
      await guarded(() => answer(request));
    }
    if (running) {
      await guarded(learn);
      await eventLoop();
    } else await new Promise<void>((resolve) => wake = resolve);
  }
}

void serve();
