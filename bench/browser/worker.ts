/**
 * The worker of a page, in which steps are timed.
 *
 * @module
 */
import { type Timed, timeSteps, type Timing } from "./steps.ts";

const scope = globalThis as unknown as { postMessage(result: Timed | string): void };
const timing: Timing = JSON.parse(decodeURIComponent(new URL(location.href).search.slice(1)));
scope.postMessage(await timeSteps(timing).catch(String));
