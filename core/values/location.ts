/**
 * Locations of values: a host array or a device buffer, the order in which those on devices were used, and their release when the storage
 * is collected.
 *
 * @module
 */
import { deviceBytes, type HostArray } from "../dtype.ts";
import type { Device, DeviceBuffer } from "./device.ts";
import { smallBytes } from "./small_array.ts";
import { ask, fillStock, type Watch, watch, type Watched } from "./witness.ts";

/** Where the values of one storage are. The budget and the finalization callback refer to this, never to the storage itself. */
export class Location {
  host: HostArray | undefined;
  /** Whether the memory of the host array is ours alone: that of a user's array is left whole, since others may look at it. */
  readonly owned: boolean;
  device: Device | undefined;
  buffer: DeviceBuffer | undefined;
  /** Releases the buffer when its storage is collected; undefined if there is none. */
  group: FinalizationGroup | undefined;
  /** Index within the group. */
  index = 0;
  /** Uses as a program's input since it came from the host. */
  uses = 0;
  /** Neighbours in the list of locations on devices, in the order of their last use. */
  previous: Location = this;
  next: Location = this;

  constructor(host?: HostArray, owned = true) {
    this.host = host;
    this.owned = owned;
  }
}

/** Locations that are released together: what the finalization callback refers to. */
export interface FinalizationGroup {
  /** Undefined for a location that left the group: nothing may stay reachable through it. */
  readonly locations: (Location | undefined)[];
  /** How many are still in the group. */
  count: number;
  /** Tells whether the storages are unreachable, if that is watched. */
  watch: Watch | undefined;
  /** How often they were found reachable. */
  survived: number;
}

/** An object held by the storages of a group: when it is collected, their buffers are freed. */
export interface FinalizationToken extends Watched {
  readonly group: FinalizationGroup;
}

/** Head of the circular list of locations on devices, least recently used first: a Set would grow with every deletion. */
export const recency = new Location();

/** Its own links go, too: through them whoever still holds it would keep all that have been its neighbours since. */
function unlink(location: Location): void {
  location.previous.next = location.next;
  location.next.previous = location.previous;
  location.previous = location.next = location;
}

function append(location: Location): void {
  location.previous = recency.previous;
  location.next = recency;
  recency.previous.next = location;
  recency.previous = location;
}

/** Makes a location on a device the most recently used one. */
export function touch(location: Location): void {
  unlink(location);
  append(location);
}

/** Makes a buffer the location of values that are on no device yet. */
export function setBuffer(location: Location, device: Device, buffer: DeviceBuffer): void {
  location.device = device;
  location.buffer = buffer;
  append(location);
}

/** Frees the location's buffer, if it has one. */
export function freeBuffer(location: Location): void {
  const { device, buffer } = location;
  if (!device) return;
  unlink(location);
  leaveGroup(location);
  location.device = location.buffer = undefined;
  device.free(buffer!);
}

function leaveGroup(location: Location): void {
  const { group } = location;
  if (!group) return;
  if (isUnjudged(group)) unjudged -= bytesOf(location);
  group.locations[location.index] = undefined;
  group.count--;
  location.group = undefined;
}

const finalization = new FinalizationRegistry<FinalizationGroup>((group) => {
  for (const location of group.locations) if (location) freeBuffer(location);
  fillStock();
});

/** Groups of fewer bytes are not watched: the stock is for those that matter. */
export const leastWatched: number = 2 ** 22;

/** Bytes that are watched and have not been asked about. */
let unjudged = 0;

/** How often `freeUnreachable` has looked. */
let looks = 0;

/** Bytes on devices of which `freeUnreachable` may find that they are unreachable. */
export function unjudgedBytes(): number {
  return unjudged;
}

function bytesOf({ buffer }: Location): number {
  return buffer ? buffer.size * deviceBytes(buffer.dtype) : 0;
}

function isUnjudged({ watch, survived }: FinalizationGroup): boolean {
  return watch !== undefined && survived === 0;
}

/**
 * Registers one object for several locations: their buffers are freed when it is collected. Each registration costs memory that only a
 * full collection frees, hence one for all.
 */
export function registerGroup(locations: Location[]): FinalizationToken {
  const group: FinalizationGroup = { locations, count: locations.length, watch: undefined, survived: 0 };
  let bytes = 0;
  locations.forEach((location, index) => {
    leaveGroup(location);
    location.group = group;
    location.index = index;
    bytes += bytesOf(location);
  });
  const token: FinalizationToken = { group, witness: undefined };
  finalization.register(token, group);
  if (bytes >= leastWatched) {
    group.watch = watch(token);
    if (isUnjudged(group)) unjudged += bytes;
  }
  return token;
}

/**
 * Frees the buffers of storages that have been collected, as far as they are watched. What was reachable three times is asked about at
 * every second look, then at every fourth, and so on.
 */
export function freeUnreachable(): void {
  looks++;
  const groups = new Set<FinalizationGroup>();
  for (let location = recency.next; location !== recency; location = location.next) {
    const { group } = location;
    if (group?.watch && looks % 2 ** Math.max(0, group.survived - 2) === 0) groups.add(group);
  }
  for (const group of groups) {
    const answer = ask(group.watch!);
    if (answer === "unreachable") { for (const location of group.locations) if (location) freeBuffer(location); }
    else {
      if (isUnjudged(group)) { for (const location of group.locations) if (location) unjudged -= bytesOf(location); }
      group.watch = answer;
      group.survived++;
    }
  }
}

/** Detaches the host array, so that its memory is freed at once and not at the next collection. */
export function dropHost(location: Location): void {
  const { host, owned } = location;
  location.host = undefined;
  if (!host || !owned || host.byteLength <= smallBytes || !(host.buffer instanceof ArrayBuffer)) return;
  // Others may look at the rest of the memory that it is a view of.
  if (host.byteLength < host.buffer.byteLength) return;
  try {
    host.buffer.transfer(0);
  } catch {
    // The collector frees it.
  }
}
