/**
 * The values of computed tensors: on the host, on a device, or donated.
 *
 * Values from the user stay on the host until they are used a second time: a batch that is used once never takes device memory of its
 * own. A buffer on a device is freed when its tensor is collected: by a callback, which needs a turn of the event loop, or by asking, where
 * a long synchronous loop never gives it one (witness.ts). What is too small or too much to be asked about moves, beyond a byte budget and
 * the least recently used first, to arrays on the host, which are collected without either, and returns when it is used. Where reading
 * costs nothing, a few numbers (a loss) go to the host at once. Memory is made available before a run, and its outputs are taken over by
 * steps that cannot fail: an error leaves all values unchanged. Outputs that overwrite donated inputs inherit their registration with the
 * collector, so a training loop registers nothing new.
 *
 * @module
 */
import { sourceOf, Tensor, type Values } from "../tensor.ts";
import type { DType, HostArray } from "../dtype.ts";
import { DeviceError, DonatedError } from "../errors.ts";
import { pinLatest } from "./budget.ts";
import type { Device, DeviceBuffer } from "./device.ts";
import { dropHost, type FinalizationToken, freeBuffer, Location, registerGroup, setBuffer, touch } from "./location.ts";
import { isSmall } from "./small_array.ts";

/** Up to this many elements the results of an eager run go to the host at once where that is cheap. */
const eagerHostSize = 16384;

/** The values of a small buffer, which is freed; undefined if they cannot be read now and stay on the device. */
function takeToHost(device: Device, buffer: DeviceBuffer): HostArray | undefined {
  try {
    const values = device.downloadNow(buffer);
    if (values) device.free(buffer);
    return values;
  } catch {
    return undefined;
  }
}

/** The values of one or more tensors, as their source. */
export class Storage implements Values {
  readonly kind = "data";
  readonly dtype: DType;
  readonly size: number;
  /** Whether several tensors may hold it: then none alone can donate it. */
  shared = false;
  /** Number of the last call that used the values: a cheap test whether they were seen before in the same call. */
  lastCall = 0;
  /** Undefined once donated. */
  #location: Location | undefined;
  /** Holds the registration of a buffer with the collector. */
  #token: FinalizationToken | undefined;

  private constructor(dtype: DType, size: number, location: Location, token?: FinalizationToken) {
    this.dtype = dtype;
    this.size = size;
    this.#location = location;
    this.#token = token;
  }

  /** Values on the host, in the layout of `hostArray`. No other code may write to them; if they are not `owned`, it may read them. */
  static ofHost(dtype: DType, values: HostArray, owned = true): Storage {
    return new Storage(dtype, values.length, new Location(values, owned));
  }

  /**
   * The outputs of a run outside any compiled function. Such values (the parameters before a step) are not donated, so small ones go to
   * the host at once, where that is cheap: a young typed array is collected soonest.
   */
  static ofEagerRun(device: Device, buffers: readonly DeviceBuffer[]): Storage[] {
    const onHost = buffers.map((buffer) =>
      device.readsFreely && buffer.size <= eagerHostSize ? takeToHost(device, buffer) : undefined
    );
    const onDevice = Storage.ofRun(device, buffers.filter((_, i) => !onHost[i])).values();
    return buffers.map(({ dtype }, i) => onHost[i] ? Storage.ofHost(dtype, onHost[i]) : onDevice.next().value!);
  }

  /**
   * The outputs of one run. Does not fail: the donated values are overwritten already.
   *
   * @param donors For each output the donated values that it may overwrite, if any: if it has their memory, they are donated.
   */
  static ofRun(
    device: Device,
    buffers: readonly DeviceBuffer[],
    donors: readonly (Storage | undefined)[] = [],
  ): Storage[] {
    const outputs: Storage[] = [];
    const transferred: Storage[] = [];
    const fresh: Storage[] = [];
    for (let i = 0; i < buffers.length; i++) {
      const buffer = buffers[i];
      const donor = donors[i];
      if (donor && donor.#location?.buffer === buffer) {
        outputs.push(donor.#transfer());
        transferred.push(outputs[i]);
        continue;
      }
      const goesToHost = !donor && device.readsFreely && isSmall(buffer.dtype, buffer.size);
      const host = goesToHost ? takeToHost(device, buffer) : undefined;
      if (host) outputs.push(Storage.ofHost(buffer.dtype, host));
      else {
        const location = new Location();
        setBuffer(location, device, buffer);
        outputs.push(new Storage(buffer.dtype, buffer.size, location));
        fresh.push(outputs[i]);
      }
    }
    if (transferred.length > 0) Storage.#reuseGroup(transferred);
    if (fresh.length > 0) {
      Storage.#register(fresh);
      pinLatest(fresh[0].#location!.group);
    }
    return outputs;
  }

  /** A new storage with this one's location; this one is donated. */
  #transfer(): Storage {
    const next = new Storage(this.dtype, this.size, this.#location!, this.#token);
    this.#location = this.#token = undefined;
    return next;
  }

  /** Registers storages as one group with the collector, unless they are one already. */
  static #reuseGroup(storages: readonly Storage[]): void {
    const group = storages[0].#token?.group;
    const complete = group?.count === storages.length && storages.every((storage) => storage.#token?.group === group);
    if (!complete) Storage.#register(storages);
  }

  static #register(storages: readonly Storage[]): void {
    const token = registerGroup(storages.map((storage) => storage.#location!));
    for (const storage of storages) storage.#token = token;
  }

  /** Whether the values were donated. */
  get donated(): boolean {
    return this.#location === undefined;
  }

  #checkedLocation(): Location {
    const location = this.#location;
    if (location) {
      if (!location.host && !location.device) throw new DeviceError("Cannot find the values of a tensor: they were released", {});
      if (!location.host || location.host.length === this.size) return location;
      throw new DonatedError(
        `Cannot use a tensor of ${this.size} ${this.dtype} elements that was made with { copy: false }: its array has ` +
          `${location.host.length} now; whoever transfers or resizes the buffer must let the tensor have a copy`,
        { size: this.size, dtype: this.dtype, length: location.host.length },
      );
    }
    throw new DonatedError(
      `Cannot use a tensor of ${this.size} ${this.dtype} elements after it was donated: its memory was given to a jitted function's ` +
        `results; use those, or leave it out of "donate"`,
      { size: this.size, dtype: this.dtype },
    );
  }

  /** The values as a program's input on a device: its buffer, or a host array to be copied for this run only. */
  forRun(device: Device): DeviceBuffer | HostArray {
    const location = this.#checkedLocation();
    if (location.device === device) {
      touch(location);
      return location.buffer!;
    }
    const host = device.readsFreely && location.host ? location.host : this.hostNow();
    if (location.uses++ === 0) return host;
    const buffer = device.upload(this.dtype, host);
    // Only after the upload: if that fails, the location is unchanged.
    freeBuffer(location);
    setBuffer(location, device, buffer);
    Storage.#register([this]);
    location.host = undefined;
    return buffer;
  }

  /** Marks the values as donated and frees their memory; does nothing if they were donated before. */
  donate(): void {
    const location = this.#location;
    if (!location) return;
    freeBuffer(location);
    dropHost(location);
    this.#location = this.#token = undefined;
  }

  /** The values on the host, without waiting; not to be written to. */
  hostNow(): HostArray {
    const values = this.heldNow();
    if (values) return values;
    const name = this.#location?.device?.name;
    throw new DeviceError(`Cannot read from ${name} at once here: await data(x) first`, { device: name });
  }

  /** The same, or undefined if the device must be waited for. */
  heldNow(): HostArray | undefined {
    const { host, device, buffer } = this.#checkedLocation();
    return host ?? device!.downloadNow(buffer!);
  }

  /** The values if they can be looked at without waiting, for no more than a copy; not to be written to. */
  get known(): HostArray | undefined {
    if (!this.#location) return undefined;
    const { host, device, buffer } = this.#location;
    return host ?? (device?.readsFreely ? device.downloadNow(buffer!) : undefined);
  }

  /** A copy of the values on the host. */
  read(): Promise<HostArray> {
    // Not async: a DonatedError is thrown at once.
    const location = this.#checkedLocation();
    const { host, device, buffer } = location;
    if (host) return Promise.resolve(host.slice());
    const values = device!.download(buffer!);
    if (!isSmall(this.dtype, this.size)) return values;
    // A number that was read (a loss) stays on the host: the next step's loss reuses its buffer.
    return values.then((numbers) => {
      if (location.buffer === buffer && location.device === device) {
        location.host = numbers.slice();
        location.uses = 0;
        freeBuffer(location);
      }
      return numbers;
    });
  }

  /** Frees the memory now; using the tensor afterwards is an error. */
  dispose(): void {
    if (!this.shared) this.donate();
  }
}

/** The values of a tensor, if it has been computed. */
export function storageOf(tensor: Tensor): Storage | undefined {
  const source = sourceOf(tensor);
  return source instanceof Storage ? source : undefined;
}
