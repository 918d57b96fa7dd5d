/**
 * A group of processes and the messages between them. Nothing here blocks: every call begins something, and a request tells when it has
 * ended.
 *
 * @module
 */
import type { HostArray } from "../../core/dtype.ts";
import { DistributedError } from "../../core/errors.ts";
import { elementTypeOf, type Handle, type MpiLibrary, type Reduction } from "./library.ts";

/** Something that goes on. */
export interface Request {
  /** Lets it proceed; whether it has ended. */
  test(): boolean;
}

/** All processes that were started together. */
export class Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #library: MpiLibrary;
  readonly #handle: Handle;

  private constructor(library: MpiLibrary, handle: Handle) {
    this.#library = library;
    this.#handle = handle;
    const { MPI_Comm_rank, MPI_Comm_size } = library.functions;
    const out = new Int32Array(1);
    this.#check(MPI_Comm_rank(handle, out));
    this.rank = out[0];
    this.#check(MPI_Comm_size(handle, out));
    this.size = out[0];
  }

  /** Starts MPI; all processes must. */
  static world(library: MpiLibrary): Communicator {
    const { MPI_Init_thread, MPI_Comm_set_errhandler } = library.functions;
    const oneThread = 0;
    MPI_Init_thread(null, null, oneThread, new Int32Array(1));
    const world = new Communicator(library, library.world);
    world.#check(MPI_Comm_set_errhandler(library.world, library.returnErrors));
    return world;
  }

  /** The same processes, with messages of their own. All must call it, in the same order. */
  duplicate(): Communicator {
    const { MPI_Comm_dup } = this.#library.functions;
    const { handleBytes } = this.#library;
    const out = new BigInt64Array(1);
    this.#check(MPI_Comm_dup(this.#handle, out));
    return new Communicator(this.#library, handleBytes === 8 ? Deno.UnsafePointer.create(out[0]) : new Int32Array(out.buffer)[0]);
  }

  /** Reduces the arrays of all processes elementwise; each gets the result. */
  allReduce(source: HostArray, target: HostArray, reduction: Reduction): Request {
    const { functions, typeOf, reduction: reductionOf } = this.#library;
    const type = typeOf(elementTypeOf(source));
    return this.#request([source, target], (request) =>
      functions.MPI_Iallreduce(
        addressable(source),
        addressable(target),
        source.length,
        type,
        reductionOf(reduction),
        this.#handle,
        request,
      ));
  }

  /** The arrays of all processes one after the other, in the order of their ranks; each gets all. */
  allGather(source: HostArray, target: HostArray): Request {
    const { functions, typeOf } = this.#library;
    const type = typeOf(elementTypeOf(source));
    const [from, to] = [addressable(source), addressable(target)];
    return this.#request(
      [source, target],
      (request) => functions.MPI_Iallgather(from, source.length, type, to, source.length, type, this.#handle, request),
    );
  }

  /** The array of one process for all. */
  broadcast(values: HostArray, root: number): Request {
    const { functions, typeOf } = this.#library;
    const type = typeOf(elementTypeOf(values));
    return this.#request(
      [values],
      (request) => functions.MPI_Ibcast(addressable(values), values.length, type, root, this.#handle, request),
    );
  }

  /** Sends an array to a process. */
  send(values: HostArray, to: number): Request {
    const { functions, typeOf } = this.#library;
    const type = typeOf(elementTypeOf(values));
    return this.#request([values], (request) => functions.MPI_Isend(values, values.length, type, to, 0, this.#handle, request));
  }

  /** Receives an array from a process. */
  receive(values: HostArray, from: number): Request {
    const { functions, typeOf } = this.#library;
    const type = typeOf(elementTypeOf(values));
    return this.#request([values], (request) => functions.MPI_Irecv(values, values.length, type, from, 0, this.#handle, request));
  }

  /** Ends MPI; all processes must, and nothing may go on. */
  finalize(): void {
    this.#library.functions.MPI_Finalize();
  }

  /** Ends all processes at once. */
  abort(code: number): void {
    this.#library.functions.MPI_Abort(this.#library.world, code);
  }

  /** `held`: memory that the library uses until the request has ended. */
  #request(held: readonly HostArray[], begin: (request: BigInt64Array) => number): Request {
    const { functions, ignoredStatus } = this.#library;
    const request = new BigInt64Array(1);
    const flag = new Int32Array(1);
    this.#check(begin(request));
    let memory: readonly HostArray[] | undefined = held;
    return {
      test: () => {
        if (!memory) return true;
        this.#check(functions.MPI_Test(request, flag, ignoredStatus));
        if (flag[0] !== 0) memory = undefined;
        return memory === undefined;
      },
    };
  }

  #check(code: number): void {
    if (code === 0) return;
    const [text, length] = [new Uint8Array(1024), new Int32Array(1)];
    this.#library.functions.MPI_Error_string(code, text, length);
    throw new DistributedError(`Cannot go on: ${this.#library.name} says ${new TextDecoder().decode(text.slice(0, length[0]))}`, {
      code,
    });
  }
}

/** Elements that a foreign function may be given: it takes no empty array. */
function addressable(array: HostArray): HostArray {
  return array.length > 0 ? array : new Uint8Array(8);
}
