/**
 * Where a computed tensor's values are: on the host, on a device, or given away.
 *
 * Values from the user stay on the host until they are used a second time: a batch that is used once never takes device memory of its
 * own. What lives on a device is given back when its tensor is collected. Collection needs a turn of the event loop, which a long
 * synchronous loop never gives; so beyond a byte budget the values used longest ago move to arrays on the host, where the collector
 * needs no turn: the dead ones vanish, the living ones come back when they are used. Where reading costs nothing, a few numbers (a
 * loss) go there at once. Room is made before a run, and what a run has made is taken over by steps that cannot fail: so an error leaves
 * all values what they were. Memory that donated values leave to their successors passes on as it is: in its stride a training loop
 * gives the collector nothing to watch.
 *
 * @module
 */
import { sourceOf, Tensor, type Values } from "../tensor.ts";
import { deviceBytes, type DType, type HostArray, hostArray } from "../dtype.ts";
import { DeviceError, DonatedError, OutOfMemoryError } from "../errors.ts";
import type { Device, DeviceBuffer } from "./device.ts";

/** Values in memory. The budget and the collector's callback hold this, never the storage itself. */
class Place {
  host: HostArray | undefined;
  device: Device | undefined;
  buffer: DeviceBuffer | undefined;
  /** Who frees the buffer when its storage is collected; undefined if there is none. */
  keeper: Keeper | undefined;
  /** Where the keeper has it. */
  index = 0;
  /** Uses as a program's input since it came from the host. */
  uses = 0;
  /** Neighbours in the list of places on devices. */
  older: Place = this;
  newer: Place = this;

  constructor(host?: HostArray) {
    this.host = host;
  }
}

/** What the collector's callback holds: the places that one object of the JavaScript heap stands for. */
interface Keeper {
  /** Undefined where it keeps one no longer: nothing may live on because of it. */
  readonly places: (Place | undefined)[];
  /** How many it still keeps. */
  count: number;
}

/** An object whose collection frees the buffers of a keeper's places: their storages hold it. */
interface Anchor {
  readonly keeper: Keeper;
}

/** Before the place used longest ago and after the one used last: a ring, since a Set grows with what was deleted from it. */
const ring = new Place();

function unlink(place: Place): void {
  place.older.newer = place.newer;
  place.newer.older = place.older;
}

/** Puts a place at the end, as used just now. */
function link(place: Place): void {
  place.older = ring.older;
  place.newer = ring;
  ring.older.newer = place;
  ring.older = place;
}

function settle(place: Place, device: Device, buffer: DeviceBuffer): Place {
  place.device = device;
  place.buffer = buffer;
  link(place);
  return place;
}

function leaveKeeper(place: Place): void {
  const { keeper } = place;
  if (!keeper) return;
  keeper.places[place.index] = undefined;
  keeper.count--;
  place.keeper = undefined;
}

/** Takes a place's buffer, of which neither budget nor collector need to know any more. */
function takeBuffer(place: Place): DeviceBuffer {
  unlink(place);
  leaveKeeper(place);
  const { buffer } = place;
  place.device = place.buffer = undefined;
  return buffer!;
}

function freeBuffer(place: Place): void {
  const { device } = place;
  if (device) device.free(takeBuffer(place));
}

const collected = new FinalizationRegistry<Keeper>((keeper) => {
  for (const place of keeper.places) if (place) freeBuffer(place);
});

/** The collector is asked to watch one object for several places, since each watch costs it memory that only a full collection frees. */
function watch(places: Place[]): Anchor {
  const keeper: Keeper = { places, count: places.length };
  places.forEach((place, index) => {
    leaveKeeper(place);
    place.keeper = keeper;
    place.index = index;
  });
  const anchor = { keeper };
  collected.register(anchor, keeper);
  return anchor;
}

/** Bytes of values that may lie on a device before some of them move; more where programs need more. */
let budget = 8 * 1024 * 1024;

/** Up to so many elements the results of an eager run go to the host at once where that is cheap. */
const small = 16384;

/** Up to so many bytes values go to the host at once where that is cheap: such an array lies in the JavaScript heap itself. */
const tiny = 64;

/**
 * Tells the bytes of the inputs and outputs of a program that has run: the budget is at least four times that, so that a training state
 * never moves.
 */
export function noteWorkingSet(bytes: number): void {
  budget = Math.max(budget, 4 * bytes);
}

/** What came last from a run: it stays on its device until the next one, whatever the budget. */
let newest: Keeper | undefined;

/**
 * Does what takes memory on a device. Values beyond the budget move to the host before, so that a failure of that fails nothing else;
 * where memory runs out nevertheless, all do before a second try, since many may be dead.
 *
 * @throws {OutOfMemoryError} If there is no room without any of them.
 */
export function withRoom<T>(device: Device, run: () => T): T {
  if (device.bytesInUse > budget) moveToHost(device, budget / 2, newest);
  try {
    return run();
  } catch (error) {
    if (!(error instanceof OutOfMemoryError) || !moveToHost(device, 0)) throw error;
  }
  return run();
}

/** Moves the values used longest ago to the host until a device holds so many bytes, all but those of one keeper; says whether any moved. */
function moveToHost(device: Device, bytes: number, except?: Keeper): boolean {
  let moved = false;
  for (let place = ring.newer, next = place; place !== ring && device.bytesInUse > bytes; place = next) {
    next = place.newer;
    if (place.device !== device || (except && place.keeper === except)) continue;
    const host = device.downloadNow(place.buffer!);
    if (!host) break;
    place.host = host;
    place.uses = 0;
    freeBuffer(place);
    moved = true;
  }
  return moved;
}

/** The values of a small buffer, which is freed; undefined if it must stay on the device, where it is as well off. */
function takeToHost(device: Device, buffer: DeviceBuffer): HostArray | undefined {
  try {
    const values = device.downloadNow(buffer);
    if (values) device.free(buffer);
    return values;
  } catch {
    return undefined;
  }
}

/** The values of one or more tensors; they are a source of tensors. */
export class Storage implements Values {
  readonly kind = "data";
  readonly dtype: DType;
  readonly size: number;
  /** Whether several tensors may hold it: then none can give it away alone. */
  shared = false;
  /** Number of the last call that used the values: tells cheaply whether they were seen before in the same call. */
  lastCall = 0;
  /** Undefined once given away. */
  #place: Place | undefined;
  #anchor: Anchor | undefined;

  private constructor(dtype: DType, size: number, place: Place, anchor?: Anchor) {
    this.dtype = dtype;
    this.size = size;
    this.#place = place;
    this.#anchor = anchor;
  }

  /** Values on the host, in the layout of `hostArray`. Nobody else may write to them. */
  static ofHost(dtype: DType, values: HostArray): Storage {
    return new Storage(dtype, values.length, new Place(values));
  }

  /**
   * The outputs of a run outside any compiled loop. Nobody says when such values are used up (the parameters before a step), so small
   * ones go to the host at once, where that is cheap: the collector finds a young typed array soonest.
   */
  static ofEagerRun(device: Device, buffers: readonly DeviceBuffer[]): Storage[] {
    const onHost = buffers.map((buffer) => device.readsFreely && buffer.size <= small ? takeToHost(device, buffer) : undefined);
    const kept = Storage.ofRun(device, buffers.filter((_, i) => !onHost[i])).values();
    return buffers.map(({ dtype }, i) => onHost[i] ? Storage.ofHost(dtype, onHost[i]) : kept.next().value!);
  }

  /**
   * The outputs of one run. Does not fail: the donated values are overwritten already.
   *
   * @param before For each output the donated values in whose place it comes, if any: if it has their memory, they are given away.
   */
  static ofRun(
    device: Device,
    buffers: readonly DeviceBuffer[],
    before: readonly (Storage | undefined)[] = [],
  ): Storage[] {
    const made: Storage[] = [];
    const transferred: Storage[] = [];
    const fresh: Storage[] = [];
    for (let i = 0; i < buffers.length; i++) {
      const buffer = buffers[i];
      const old = before[i];
      if (old && old.#place?.buffer === buffer) {
        made.push(old.#transfer());
        transferred.push(made[i]);
        continue;
      }
      const isTiny = !old && device.readsFreely && buffer.size * deviceBytes(buffer.dtype) <= tiny;
      const host = isTiny ? takeToHost(device, buffer) : undefined;
      if (host) made.push(Storage.ofHost(buffer.dtype, host));
      else {
        made.push(new Storage(buffer.dtype, buffer.size, settle(new Place(), device, buffer)));
        fresh.push(made[i]);
      }
    }
    if (transferred.length > 0) Storage.#keepTogether(transferred);
    if (fresh.length > 0) {
      Storage.#watch(fresh);
      newest = fresh[0].#place!.keeper;
    }
    return made;
  }

  /** A storage in this one's place, which is given away. */
  #transfer(): Storage {
    const next = new Storage(this.dtype, this.size, this.#place!, this.#anchor);
    this.#place = this.#anchor = undefined;
    return next;
  }

  /** Lets the collector go on watching the object it watches for these storages, unless that stands for others too. */
  static #keepTogether(storages: readonly Storage[]): void {
    const keeper = storages[0].#anchor?.keeper;
    const together = keeper?.count === storages.length && storages.every((storage) => storage.#anchor?.keeper === keeper);
    if (!together) Storage.#watch(storages);
  }

  static #watch(storages: readonly Storage[]): void {
    const anchor = watch(storages.map((storage) => storage.#place!));
    for (const storage of storages) storage.#anchor = anchor;
  }

  /** Whether the values were given away. */
  get donated(): boolean {
    return this.#place === undefined;
  }

  #checked(): Place {
    if (this.#place) return this.#place;
    throw new DonatedError(
      `Cannot use a tensor of ${this.size} ${this.dtype} elements after it was donated: its memory was given to a jitted function's ` +
        `results; use those, or leave it out of "donate"`,
      { size: this.size, dtype: this.dtype },
    );
  }

  /** The values as a program's input on a device: its buffer, or a host array to be copied for this run only. */
  forRun(device: Device): DeviceBuffer | HostArray {
    const place = this.#checked();
    if (place.device === device) {
      unlink(place);
      link(place);
      return place.buffer!;
    }
    const host = device.readsFreely && place.host ? place.host : this.hostNow();
    if (place.uses++ === 0) return host;
    const buffer = device.upload(this.dtype, host);
    // Only now: where that fails, the values stay where they were.
    freeBuffer(place);
    settle(place, device, buffer);
    Storage.#watch([this]);
    place.host = undefined;
    return buffer;
  }

  /** Marks the values as given away and frees their memory; nothing more happens if they were before. */
  donate(): void {
    const place = this.#place;
    if (!place) return;
    freeBuffer(place);
    dropHost(place);
    this.#place = this.#anchor = undefined;
  }

  /** The values on the host, without waiting; not to be written to. */
  hostNow(): HostArray {
    const { host, device, buffer } = this.#checked();
    if (host) return host;
    if (!device) throw new DeviceError("Cannot find the values of a tensor: they were released", {});
    const values = device.downloadNow(buffer!);
    if (!values) {
      throw new DeviceError(`Cannot read from ${device.name} at once here: await data(x) first`, { device: device.name });
    }
    return values;
  }

  /** A copy of the values on the host. */
  read(): Promise<HostArray> {
    // Not async: that it was donated is said at once.
    const place = this.#checked();
    const { host, device, buffer } = place;
    if (host) return Promise.resolve(host.slice());
    if (!device) return Promise.resolve(hostArray(this.dtype, this.size));
    const values = device.download(buffer!);
    if (this.size * deviceBytes(this.dtype) > tiny) return values;
    // A number that was read (a loss) stays on the host: the next step's takes its buffer.
    return values.then((numbers) => {
      if (place.buffer === buffer && place.device === device) {
        place.host = numbers.slice();
        place.uses = 0;
        freeBuffer(place);
      }
      return numbers;
    });
  }

  /** Gives the memory back now; using the tensor afterwards is an error. */
  dispose(): void {
    if (!this.shared) this.donate();
  }
}

/** The values of a tensor, if it has been computed. */
export function storageOf(tensor: Tensor): Storage | undefined {
  const source = sourceOf(tensor);
  return source instanceof Storage ? source : undefined;
}

/** Detaching an array's memory gives it back at once, where the collector would take its time. */
function dropHost(place: Place): void {
  const { host } = place;
  place.host = undefined;
  if (!host || host.byteLength <= tiny || !(host.buffer instanceof ArrayBuffer)) return;
  // A part of a user's array is left to its owner, as is memory that cannot be detached (that of a WebAssembly module).
  if (host.byteLength < host.buffer.byteLength) return;
  try {
    host.buffer.transfer(0);
  } catch {
    // The collector finds it.
  }
}
