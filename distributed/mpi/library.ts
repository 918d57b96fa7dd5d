/**
 * The MPI library of the system, through Deno's foreign function interface: Open MPI, whose handles are addresses of symbols, and MPICH,
 * whose handles are integers of its header.
 *
 * @module
 */
import { DistributedError } from "../../core/errors.ts";
import type { HostArray } from "../../core/dtype.ts";

/** A handle: an address in Open MPI, an integer in MPICH. */
export type Handle = Deno.PointerValue | number;

/** How two values become one. */
export type Reduction = "sum" | "max" | "min";

/** Element types that MPI computes with, by the array that holds them. */
export type ElementType = "f32" | "f64" | "i32" | "u32" | "u8";

/** What differs between the libraries. */
interface Binding {
  readonly name: "Open MPI" | "MPICH";
  /** Names under which systems have it, the likeliest first. */
  readonly files: readonly string[];
  readonly handleType: "pointer" | "i32";
  readonly handleBytes: 4 | 8;
  /** "Do not tell me the status", and "the buffer I receive in is also what I send": addresses that are no memory. */
  readonly ignoredStatus: bigint;
  readonly world: string | number;
  readonly returnErrors: string | number;
  readonly types: Readonly<Record<ElementType, string | number>>;
  readonly reductions: Readonly<Record<Reduction, string | number>>;
}

const openMpi: Binding = {
  name: "Open MPI",
  files: ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "/opt/homebrew/lib/libmpi.dylib", "/usr/local/lib/libmpi.dylib"],
  handleType: "pointer",
  handleBytes: 8,
  ignoredStatus: 0n,
  world: "ompi_mpi_comm_world",
  returnErrors: "ompi_mpi_errors_return",
  types: {
    f32: "ompi_mpi_float",
    f64: "ompi_mpi_double",
    i32: "ompi_mpi_int32_t",
    u32: "ompi_mpi_uint32_t",
    u8: "ompi_mpi_uint8_t",
  },
  reductions: { sum: "ompi_mpi_op_sum", max: "ompi_mpi_op_max", min: "ompi_mpi_op_min" },
};

const mpich: Binding = {
  name: "MPICH",
  files: ["libmpich.so.12", "libmpi.so.12", "libmpich.so", "/opt/homebrew/opt/mpich/lib/libmpi.dylib"],
  handleType: "i32",
  handleBytes: 4,
  ignoredStatus: 1n,
  world: 0x44000000,
  returnErrors: 0x54000001,
  types: { f32: 0x4c00040a, f64: 0x4c00080b, i32: 0x4c000439, u32: 0x4c00043d, u8: 0x4c00013b },
  reductions: { sum: 0x58000003, max: 0x58000001, min: 0x58000002 },
};

/** Which library started the processes. */
export type Flavour = Binding["name"];

const bindings: readonly Binding[] = [openMpi, mpich];

/** The functions that are called. */
function functionsFor<H extends Binding["handleType"]>(handle: H) {
  return {
    MPI_Init_thread: { parameters: ["pointer", "pointer", "i32", "buffer"], result: "i32" },
    MPI_Finalize: { parameters: [], result: "i32" },
    MPI_Abort: { parameters: [handle, "i32"], result: "i32" },
    MPI_Error_string: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    MPI_Comm_rank: { parameters: [handle, "buffer"], result: "i32" },
    MPI_Comm_size: { parameters: [handle, "buffer"], result: "i32" },
    MPI_Comm_dup: { parameters: [handle, "buffer"], result: "i32" },
    MPI_Comm_set_errhandler: { parameters: [handle, handle], result: "i32" },
    MPI_Iallreduce: { parameters: ["buffer", "buffer", "i32", handle, handle, handle, "buffer"], result: "i32" },
    MPI_Iallgather: { parameters: ["buffer", "i32", handle, "buffer", "i32", handle, handle, "buffer"], result: "i32" },
    MPI_Ibcast: { parameters: ["buffer", "i32", handle, "i32", handle, "buffer"], result: "i32" },
    MPI_Isend: { parameters: ["buffer", "i32", handle, "i32", "i32", handle, "buffer"], result: "i32" },
    MPI_Irecv: { parameters: ["buffer", "i32", handle, "i32", "i32", handle, "buffer"], result: "i32" },
    MPI_Test: { parameters: ["buffer", "buffer", "pointer"], result: "i32" },
  } as const satisfies Deno.ForeignLibraryInterface;
}

/** The functions as one type: which handles a library takes is known when it runs. */
type Functions = {
  readonly [K in keyof ReturnType<typeof functionsFor>]: (...args: readonly (Handle | HostArray | BigInt64Array)[]) => number;
};

/** An open library. */
export interface MpiLibrary {
  readonly name: Flavour;
  readonly functions: Functions;
  readonly handleBytes: 4 | 8;
  readonly ignoredStatus: Deno.PointerValue;
  readonly world: Handle;
  readonly returnErrors: Handle;
  typeOf(type: ElementType): Handle;
  reduction(reduction: Reduction): Handle;
}

/** The type of an array's elements. */
export function elementTypeOf(array: HostArray): ElementType {
  if (array instanceof Float32Array) return "f32";
  if (array instanceof Float64Array) return "f64";
  if (array instanceof Int32Array) return "i32";
  if (array instanceof Uint32Array) return "u32";
  if (array instanceof Uint8Array) return "u8";
  throw new DistributedError(`Cannot exchange a ${array.constructor.name}: MPI has no such type`, {});
}

/**
 * Opens the library that started the processes.
 *
 * @throws {DistributedError} If it is not installed; it says which package to install.
 */
export function openLibrary(flavour: Flavour): MpiLibrary {
  const binding = bindings.find(({ name }) => name === flavour)!;
  const functions = functionsFor(binding.handleType);
  const failures: string[] = [];
  for (const file of binding.files) {
    try {
      const { symbols } = Deno.dlopen(file, functions);
      return withHandles(binding, symbols as unknown as Functions, file);
    } catch (error) {
      failures.push(`${file}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const [debian, brew] = flavour === "Open MPI" ? ["openmpi-bin libopenmpi3", "open-mpi"] : ["mpich libmpich12", "mpich"];
  throw new DistributedError(
    `Cannot find the library of ${flavour}, which started this process: install it (Debian, Ubuntu: apt install ${debian}; ` +
      `macOS: brew install ${brew})`,
    { library: flavour, tried: failures },
  );
}

function withHandles(binding: Binding, functions: Functions, file: string): MpiLibrary {
  const { name, handleBytes, ignoredStatus, types, reductions } = binding;
  const addressOf = addresses(file);
  const handle = (known: string | number): Handle => typeof known === "number" ? known : addressOf(known);
  const known = new Map<string | number, Handle>();
  const once = (key: string | number): Handle => {
    const found = known.get(key) ?? handle(key);
    known.set(key, found);
    return found;
  };
  return {
    name,
    functions,
    handleBytes,
    ignoredStatus: Deno.UnsafePointer.create(ignoredStatus),
    world: handle(binding.world),
    returnErrors: handle(binding.returnErrors),
    typeOf: (type) => once(types[type]),
    reduction: (reduction) => once(reductions[reduction]),
  };
}

/** Finds addresses of a library's data: static symbols of which Deno gives the contents, where the address is wanted. */
function addresses(file: string): (symbol: string) => Deno.PointerValue {
  const system = Deno.build.os === "darwin" ? "/usr/lib/libSystem.B.dylib" : "libc.so.6";
  let find: ((symbol: string) => Deno.PointerValue) | undefined;
  return (symbol) => {
    if (!find) {
      const { symbols } = Deno.dlopen(system, {
        dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
        dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
      });
      const text = (value: string) => new TextEncoder().encode(`${value}\0`);
      const lazily = 1;
      const library = symbols.dlopen(text(file), lazily);
      find = (name) => symbols.dlsym(library, text(name));
    }
    const address = find(symbol);
    if (!address) {
      throw new DistributedError(`Cannot find ${symbol} in ${file}: it is no Open MPI that is known here`, { symbol, file });
    }
    return address;
  };
}
