/**
 * What makes room on a device: collections where large values may have become unreachable, and a byte budget, beyond which the least
 * recently used values move to the host.
 *
 * @module
 */
import { OutOfMemoryError } from "../errors.ts";
import type { Device } from "./device.ts";
import { collect, heapBytes } from "./collector.ts";
import { type FinalizationGroup, freeBuffer, freeUnreachable, leastWatched, recency, unjudgedBytes } from "./location.ts";

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
 * Bytes that may be unreachable for which a collection is worth its time: on a device whose memory is the computer's own, and of arrays
 * that were moved to the host. A card computes faster than V8 collects, and has more memory.
 */
const [leastOnDevice, leastOnHost] = [96 * 2 ** 20, 32 * 2 ** 20];

/** How many that must be for each byte that the collector has to look at: for fewer, moving them to the host takes no more time. */
const bytesPerHeapByte = 5;

function isWorthCollecting(bytes: number, least: number): boolean {
  return bytes > least && bytes > bytesPerHeapByte * heapBytes();
}

/** Bytes of large values that have moved to the host since a collection was asked for. */
let moved = 0;

/**
 * Runs what allocates memory on a device. Before, unreachable values are freed where they may be many, and values beyond the budget move to
 * the host, so that a failure of that fails nothing else; where memory runs out nevertheless, the same is done with all before other tries.
 *
 * @throws {OutOfMemoryError} If memory does not suffice without any of them.
 */
export function withRoom<T>(device: Device, run: () => T): T {
  if (isWorthCollecting(unjudgedBytes(), Math.max(leastOnDevice, device.leastBudget))) freeCollected();
  const budget = budgetOf(device);
  // What a collection is likely to free need not move.
  const spared = unjudgedBytes();
  if (device.bytesInUse > budget + spared) moveToHost(device, budget / 2 + spared, latest);
  try {
    return run();
  } catch (error) {
    throwUnlessFull(error);
  }
  if (unjudgedBytes() > 0) {
    freeCollected();
    try {
      return run();
    } catch (error) {
      throwUnlessFull(error);
    }
  }
  moveToHost(device, 0);
  return run();
}

/** Collects, and frees what has been found unreachable. */
function freeCollected(): void {
  collect();
  moved = 0;
  freeUnreachable();
}

/** Throws an error again, unless it is that there is no room for what there may be room for. */
function throwUnlessFull(error: unknown): void {
  if (!(error instanceof OutOfMemoryError)) throw error;
  const { bytes, limit } = error.facts;
  // More was asked for in one piece than there ever is.
  if (typeof bytes === "number" && typeof limit === "number" && bytes > limit) throw error;
}

/**
 * Moves the least recently used values to the host until at most `bytes` are in use on a device.
 *
 * @param pinned These stay.
 */
function moveToHost(device: Device, bytes: number, pinned?: FinalizationGroup): void {
  for (let location = recency.next, next = location; location !== recency && device.bytesInUse > bytes; location = next) {
    next = location.next;
    if (location.device !== device || (pinned && location.group === pinned)) continue;
    const host = device.downloadNow(location.buffer!);
    if (!host) break;
    location.host = host;
    location.uses = 0;
    freeBuffer(location);
    noteMoved(host.byteLength);
  }
}

/** Elements of an array that is made to be collected, 8 bytes each, and bytes of moved values for each byte of such arrays. */
const [garbageLength, bytesPerGarbage] = [1000, 16];

/**
 * Lets the collector find what was moved, most of which is unreachable: V8 looks for such as objects are made, and arrays of bytes hardly
 * count. For large values, and where there is little to look at, it is not left to V8 how soon.
 */
function noteMoved(bytes: number): void {
  for (let left = bytes / bytesPerGarbage / 8; left > 0; left -= garbageLength) new Array(garbageLength).fill(left);
  if (bytes < leastWatched) return;
  moved += bytes;
  if (!isWorthCollecting(moved, leastOnHost)) return;
  collect();
  moved = 0;
}
