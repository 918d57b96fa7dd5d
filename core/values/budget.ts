/**
 * The byte budget of device memory: beyond it the least recently used values move to the host.
 *
 * @module
 */
import { OutOfMemoryError } from "../errors.ts";
import type { Device } from "./device.ts";
import { type FinalizationGroup, freeBuffer, recency } from "./location.ts";

/** The bytes of the inputs and outputs of the largest program that has run. */
let workingSet = 0;

/** Records the bytes of the inputs and outputs of a program that has run. */
export function noteWorkingSet(bytes: number): void {
  workingSet = Math.max(workingSet, bytes);
}

/** Bytes of values that may be on a device before some of them move: so many that a training state never does. */
function budgetOf({ leastBudget }: Device): number {
  return Math.max(leastBudget, 2 * workingSet);
}

/** The outputs of the last run: they stay on their device until the next one, whatever the budget. */
let latest: FinalizationGroup | undefined;

/** Exempts the outputs of a run from moving until the next run. */
export function pinLatest(group: FinalizationGroup | undefined): void {
  latest = group;
}

/**
 * Runs what allocates memory on a device. Values beyond the budget move to the host before, so that a failure of that fails nothing else;
 * where memory runs out nevertheless, all do before a second try, since many may be unreachable.
 *
 * @throws {OutOfMemoryError} If memory does not suffice without any of them.
 */
export function withRoom<T>(device: Device, run: () => T): T {
  const budget = budgetOf(device);
  if (device.bytesInUse > budget) moveToHost(device, budget / 2, latest);
  try {
    return run();
  } catch (error) {
    if (!(error instanceof OutOfMemoryError) || isHopeless(error) || !moveToHost(device, 0)) throw error;
  }
  return run();
}

/** Whether more was asked for in one piece than there ever is. */
function isHopeless({ facts: { bytes, limit } }: OutOfMemoryError): boolean {
  return typeof bytes === "number" && typeof limit === "number" && bytes > limit;
}

/**
 * Moves the least recently used values to the host until at most `bytes` are in use on a device.
 *
 * @param pinned These stay.
 * @returns Whether any moved.
 */
function moveToHost(device: Device, bytes: number, pinned?: FinalizationGroup): boolean {
  let moved = false;
  for (let location = recency.next, next = location; location !== recency && device.bytesInUse > bytes; location = next) {
    next = location.next;
    if (location.device !== device || (pinned && location.group === pinned)) continue;
    const host = device.downloadNow(location.buffer!);
    if (!host) break;
    location.host = host;
    location.uses = 0;
    freeBuffer(location);
    helpCollector(host.byteLength);
    moved = true;
  }
  return moved;
}

/** Elements of an array that is made for `helpCollector`, 8 bytes each, and bytes of moved values for each byte of such arrays. */
const [garbageLength, bytesPerGarbage] = [1000, 16];

/**
 * Lets the collector proceed: most values that were moved are unreachable, but V8 looks for such as objects are made, and arrays of bytes
 * hardly count. Without this a synchronous loop over results of 40 MB takes 1.1 GB instead of 0.5, and no less time.
 */
function helpCollector(bytes: number): void {
  for (let left = bytes / bytesPerGarbage / 8; left > 0; left -= garbageLength) new Array(garbageLength).fill(left);
}
