/**
 * Machine code of a program, beside its WebAssembly: functions of vector code that the module calls through one import. Who makes it need
 * not be known here (`native` in the folder above).
 *
 * @module
 */
import type { WasmModule } from "./assembler/module.ts";
import { roundUp } from "./emit/blocks.ts";
import { type VectorParameter, type VectorPart, type VectorWriter, withConstants } from "./emit/vector_code.ts";
import { type Tiles, wholeBlockRows } from "./matmul/tile.ts";

/** The machine code of one program as it is written. */
export interface MachineCode {
  /** Floats of a vector, and columns of the best tile. */
  readonly lanes: number;
  readonly tileColumns: number;
  /** Adds a function; gives its offset. */
  add(parameters: readonly VectorParameter[], write: VectorPart["write"]): number;
}

/** The import: the offset of a function, and as many arguments as functions may have. */
const machineImport = { module: "native", name: "call", maxArguments: 7 } as const;

/** Multiply-adds below which a call of machine code, of some 20 nanoseconds, is not worth it. */
const leastMultiplyAdds = 8192;

/** Imports what calls machine code. Gives the tiles of products of that many columns, or undefined for those too small for it. */
export function importMachineCode(
  module: WasmModule,
  machine: MachineCode,
): (multiplyAdds: number, columns: number) => Tiles | undefined {
  const { module: from, name, maxArguments } = machineImport;
  const call = module.importFunc(from, name, { params: Array(1 + maxArguments).fill("i32") });
  const writer: VectorWriter = {
    func: ({ name, params, distances = [] }, write) =>
      module.func({ name: name && `${name} ${distances}, machine code`, params: params.map(() => "i32" as const) }, (c) => {
        c.i32(machine.add(params, withConstants(distances, write)));
        for (let i = 0; i < maxArguments; i++) {
          if (i < params.length) c.get(i);
          else c.i32(0);
        }
        c.call(call);
      }),
    part: ({ distances = [] }, write) => ({ write: withConstants(distances, write) }),
  };
  return (multiplyAdds, columns) => {
    if (multiplyAdds < leastMultiplyAdds) return undefined;
    return {
      columns: Math.min(machine.tileColumns, roundUp(columns, machine.lanes)),
      perRegister: 1,
      blockRows: wholeBlockRows,
      registerFloats: machine.lanes,
      registers: machine.lanes === 16 ? 32 : 16,
      writer,
    };
  };
}
