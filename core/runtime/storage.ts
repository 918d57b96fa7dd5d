/**
 * Where a computed tensor's values are: on the host, on a device, or given away.
 *
 * Values from the user stay on the host until they are used a second time: a batch that is used once never takes device memory of its
 * own. What lives on a device is given back when its tensor is collected. Collection needs a turn of the event loop, which a long
 * synchronous loop never gives; so beyond a byte budget the values used longest ago move to the JavaScript heap, where the collector
 * needs no turn: the dead ones vanish, the living ones come back when they are used.
 *
 * @module
 */
import { type DType, hostArray, toHostArray, type TypedArray } from "../dtype.ts";
import { DeviceError, DonatedError } from "../errors.ts";
import type { Device, DeviceBuffer } from "./device.ts";

/** Values on a device. The collector's callback and the list of residents hold this, never the storage itself. */
interface Resident {
  readonly device: Device;
  readonly buffer: DeviceBuffer;
  /** Where the values go if they must leave. */
  readonly place: Place;
  /** Who frees the buffer when its storage is collected. */
  readonly keeper: Keeper;
}

/** What the collector's callback holds: the residents that one object of the JavaScript heap stood for. */
type Keeper = Set<Resident>;

interface Place {
  /** Small values that left the device are plain arrays: a typed array's memory is outside the heap, and does not hurry the collector. */
  host?: TypedArray | readonly number[];
  resident?: Resident;
  /** Uses as a program's input since it came from the host. */
  uses: number;
  donated: boolean;
}

/** Least recently used first. */
const residents = new Set<Resident>();

const collected = new FinalizationRegistry<Keeper>((keeper) => {
  for (const resident of keeper) {
    residents.delete(resident);
    resident.device.free(resident.buffer);
  }
});

/** The values are no longer on the device: neither budget nor collector need to know of them. */
function forget(resident: Resident): void {
  residents.delete(resident);
  resident.keeper.delete(resident);
  resident.place.resident = undefined;
}

/** Bytes of values that may lie on a device before some of them move; more where programs need more. */
let budget = 8 * 1024 * 1024;

/** Up to so many elements values move to plain arrays. */
const small = 16384;

/** Tells the bytes of a program's inputs and outputs: the budget is at least four times that, so that a training state never moves. */
export function noteWorkingSet(bytes: number): void {
  budget = Math.max(budget, 4 * bytes);
}

/** The values of one or more tensors. */
export class Storage {
  readonly dtype: DType;
  readonly size: number;
  /** Whether several tensors may hold it: then none can give it away alone. */
  shared = false;
  readonly #place: Place;
  /** The object whose collection frees the buffer: the storages of a run share one. */
  #anchor: object | undefined;

  private constructor(dtype: DType, size: number, place: Place) {
    this.dtype = dtype;
    this.size = size;
    this.#place = place;
  }

  /** Values on the host, in the layout of `hostArray`. Nobody else may write to them. */
  static ofHost(dtype: DType, values: TypedArray): Storage {
    return new Storage(dtype, values.length, { host: values, uses: 0, donated: false });
  }

  /** Values in a device's buffer, which belongs to the storage from now on. */
  static ofDevice(device: Device, buffer: DeviceBuffer): Storage {
    return Storage.ofRun(device, [buffer])[0];
  }

  /**
   * The outputs of one run. The collector is asked to watch one object for all of them, since each watch costs it memory that only a
   * full collection frees: they are given back together, when none is used any more.
   */
  static ofRun(device: Device, buffers: readonly DeviceBuffer[]): Storage[] {
    const anchor = {};
    const keeper: Keeper = new Set();
    const storages = buffers.map((buffer) => {
      const storage = new Storage(buffer.dtype, buffer.size, { uses: 0, donated: false });
      storage.#settle(device, buffer, anchor, keeper);
      return storage;
    });
    collected.register(anchor, keeper);
    makeRoom(device, keeper);
    return storages;
  }

  #settle(device: Device, buffer: DeviceBuffer, anchor: object, keeper: Keeper): void {
    const resident: Resident = { device, buffer, place: this.#place, keeper };
    this.#anchor = anchor;
    this.#place.resident = resident;
    residents.add(resident);
    keeper.add(resident);
  }

  #release(): DeviceBuffer | undefined {
    const { resident } = this.#place;
    if (!resident) return undefined;
    forget(resident);
    this.#anchor = undefined;
    return resident.buffer;
  }

  /** Whether the values were given away. */
  get donated(): boolean {
    return this.#place.donated;
  }

  #check(): void {
    if (this.#place.donated) {
      throw new DonatedError(
        `Cannot use a tensor of ${this.size} ${this.dtype} elements after it was donated: its memory was given to a jitted function's ` +
          `results; use those, or leave it out of "donate"`,
        { size: this.size, dtype: this.dtype },
      );
    }
  }

  /** The values as a program's input on a device: its buffer, or a host array to be copied for this run only. */
  forRun(device: Device): DeviceBuffer | TypedArray {
    this.#check();
    const { resident } = this.#place;
    if (resident?.device === device) {
      residents.delete(resident);
      residents.add(resident);
      return resident.buffer;
    }
    const host = this.hostNow();
    if (this.#place.uses++ === 0) return host;
    this.#leaveDevice();
    const [anchor, keeper]: [object, Keeper] = [{}, new Set()];
    this.#settle(device, device.upload(this.dtype, host), anchor, keeper);
    collected.register(anchor, keeper);
    this.#place.host = undefined;
    return this.#place.resident!.buffer;
  }

  /** Number of the last call that used the values: tells cheaply whether they were seen before in the same call. */
  lastCall = 0;

  /** Marks the values as given away; what the device still holds belongs to the caller. */
  donate(): DeviceBuffer | undefined {
    this.#check();
    const buffer = this.#release();
    this.#dropHost();
    this.#place.donated = true;
    return buffer;
  }

  /** Detaching an array's memory gives it back at once, where the collector would take its time. */
  #dropHost(): void {
    const { host } = this.#place;
    this.#place.host = undefined;
    if (host && "buffer" in host && host.buffer instanceof ArrayBuffer) host.buffer.transfer(0);
  }

  #leaveDevice(): void {
    const device = this.#place.resident?.device;
    const buffer = this.#release();
    if (device && buffer) device.free(buffer);
  }

  /** The values on the host, without waiting; not to be written to. */
  hostNow(): TypedArray {
    this.#check();
    const { host, resident } = this.#place;
    if (host) return this.#typed(host);
    if (!resident) throw new DeviceError("Cannot find the values of a tensor: they were released", {});
    const values = resident.device.downloadNow(resident.buffer);
    if (!values) {
      throw new DeviceError(`Cannot read from ${resident.device.name} at once here: await data(x) first`, {
        device: resident.device.name,
      });
    }
    return values;
  }

  #typed(host: TypedArray | readonly number[]): TypedArray {
    return "buffer" in host ? host : toHostArray(this.dtype, host);
  }

  /** A copy of the values on the host. */
  read(): Promise<TypedArray> {
    // Not async: that it was donated is said at once.
    this.#check();
    const { host, resident } = this.#place;
    if (host) return Promise.resolve("buffer" in host ? host.slice() : this.#typed(host));
    return resident ? resident.device.download(resident.buffer) : Promise.resolve(hostArray(this.dtype, this.size));
  }

  /** Gives the memory back now; using the tensor afterwards is an error. */
  dispose(): void {
    if (this.#place.donated || this.shared) return;
    this.#leaveDevice();
    this.#dropHost();
    this.#place.donated = true;
  }
}

/** Moves the values used longest ago to the host until the device is below its budget. */
function makeRoom(device: Device, newest: Keeper): void {
  if (device.bytesInUse <= budget) return;
  for (const resident of residents) {
    if (device.bytesInUse <= budget / 2) return;
    if (resident.device !== device || newest.has(resident)) continue;
    const host = device.downloadNow(resident.buffer);
    if (!host) return;
    forget(resident);
    resident.place.host = host.length <= small ? Array.from(host) : host;
    if (host.length <= small) (host.buffer as ArrayBuffer).transfer(0);
    resident.place.uses = 0;
    device.free(resident.buffer);
  }
}
