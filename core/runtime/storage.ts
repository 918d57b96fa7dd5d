/**
 * Where a computed tensor's values are: on the host, on a device, or given away.
 *
 * Values from the user stay on the host until they are used a second time: a batch that is used once never takes device memory of its
 * own. What lives on a device is given back when its tensor is collected. Collection needs a turn of the event loop, which a long
 * synchronous loop never gives; so beyond a byte budget the values used longest ago move to arrays of the JavaScript heap, where
 * the collector needs no turn: the dead ones vanish, the living ones come back when they are used.
 *
 * @module
 */
import { type DType, hostArray, type TypedArray } from "../dtype.ts";
import { DeviceError, DonatedError } from "../errors.ts";
import type { Device, DeviceBuffer } from "./device.ts";

/** Values on a device. The collector's callback and the list of residents hold this, never the storage itself. */
interface Resident {
  readonly device: Device;
  readonly buffer: DeviceBuffer;
  /** Where the values go if they must leave. */
  readonly place: Place;
}

interface Place {
  host?: TypedArray;
  resident?: Resident;
  /** Uses as a program's input since it came from the host. */
  uses: number;
  donated: boolean;
}

/** Least recently used first. */
const residents = new Set<Resident>();

const collected = new FinalizationRegistry<{ resident?: Resident }>((held) => {
  if (held.resident && residents.delete(held.resident)) held.resident.device.free(held.resident.buffer);
});

/** Budget in bytes for values on a device that nobody may need any more; grows with the largest program. */
const least = 256 * 1024 * 1024;
let budget = least;

/** Tells how many bytes one run touched: the budget is at least four times that, so that a training state never moves. */
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
  /** What the collector's callback holds; emptied when the values move. */
  #held: { resident?: Resident } = {};

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
    const storage = new Storage(buffer.dtype, buffer.size, { uses: 0, donated: false });
    storage.#settle(device, buffer);
    makeRoom(device, storage.#place.resident!);
    return storage;
  }

  #settle(device: Device, buffer: DeviceBuffer): void {
    const resident: Resident = { device, buffer, place: this.#place };
    this.#place.resident = resident;
    this.#held = { resident };
    residents.add(resident);
    collected.register(this, this.#held, this.#held);
  }

  #release(): DeviceBuffer | undefined {
    const { resident } = this.#place;
    if (!resident) return undefined;
    residents.delete(resident);
    collected.unregister(this.#held);
    this.#held = {};
    this.#place.resident = undefined;
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
    this.#settle(device, device.upload(this.dtype, host));
    this.#place.host = undefined;
    return this.#place.resident!.buffer;
  }

  /** Number of the last call that used the values: tells cheaply whether they were seen before in the same call. */
  lastCall = 0;

  /** Marks the values as given away; what the device still holds belongs to the caller. */
  donate(): DeviceBuffer | undefined {
    this.#check();
    const buffer = this.#release();
    this.#place.donated = true;
    this.#place.host = undefined;
    return buffer;
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
    if (host) return host;
    if (!resident) throw new DeviceError("Cannot find the values of a tensor: they were released", {});
    const values = resident.device.downloadNow(resident.buffer);
    if (!values) {
      throw new DeviceError(`Cannot read from ${resident.device.name} at once here: await data(x) first`, {
        device: resident.device.name,
      });
    }
    return values;
  }

  /** A copy of the values on the host. */
  async read(): Promise<TypedArray> {
    this.#check();
    const { host, resident } = this.#place;
    if (host) return host.slice();
    if (!resident) return hostArray(this.dtype, this.size);
    return await resident.device.download(resident.buffer);
  }

  /** Gives the memory back now; using the tensor afterwards is an error. */
  dispose(): void {
    if (this.#place.donated || this.shared) return;
    this.#leaveDevice();
    this.#place.donated = true;
    this.#place.host = undefined;
  }
}

/** Moves the values used longest ago to the host until the device is below its budget. */
function makeRoom(device: Device, newest: Resident): void {
  if (device.bytesInUse <= budget) return;
  for (const resident of residents) {
    if (device.bytesInUse <= budget / 2) return;
    if (resident.device !== device || resident === newest) continue;
    const host = device.downloadNow(resident.buffer);
    if (!host) return;
    residents.delete(resident);
    resident.place.host = host;
    resident.place.resident = undefined;
    resident.place.uses = 0;
    device.free(resident.buffer);
  }
}
