/**
 * Instructions of the assembler with what they should be in the language of GNU's disassembler: every one with registers, addresses and
 * constants of each form that is encoded in its own way.
 */
import {
  Assembler,
  at,
  Label,
  type Memory,
  type VectorInstruction,
  type Width,
} from "../../../../../core/devices/wasm/native/assembler.ts";

/** An instruction: what it should read as, and what writes it. */
export interface InstructionCase {
  readonly text: string;
  readonly write: (code: Assembler) => void;
}

const names64 = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const names32 = names64.map((name, i) => i < 8 ? `e${name.slice(1)}` : `${name}d`);
const vectorName = (width: Width, register: number) => `${{ 128: "xmm", 256: "ymm", 512: "zmm" }[width]}${register}`;

/** Registers whose numbers, as the base of an address, are special, and some others. */
const general = [0, 1, 4, 5, 7, 8, 12, 13, 15];
/** Offsets of none, one and four bytes, and around where a short one counts vectors. */
const offsets = [0, 4, -128, 127, 128, 64, 8128, 8192, -8192, 100, 0x12345];

function hex(value: number): string {
  return `${value < 0 ? "-" : "+"}0x${Math.abs(value).toString(16)}`;
}

/** Bases 5 and 13 (rbp, r13) have an offset always. */
function address({ base, offset }: Memory): string {
  return `[${names64[base]}${offset === 0 && (base & 7) !== 5 ? "" : hex(offset)}]`;
}

/** A constant of 32 bits as the disassembler writes it: extended to 64. */
function constant(value: number, size = 64): string {
  return `0x${BigInt.asUintN(size, BigInt(value)).toString(16)}`;
}

function* generalCases(): Generator<InstructionCase> {
  for (const to of general) {
    for (const from of [0, 5, 12]) {
      const [wide, narrow] = [`${names64[to]},${names64[from]}`, `${names32[to]},${names32[from]}`];
      yield { text: `mov ${wide}`, write: (c) => c.move(to, from) };
      yield { text: `mov ${narrow}`, write: (c) => c.move32(to, from) };
      yield { text: `add ${wide}`, write: (c) => c.add(to, from) };
      yield { text: `imul ${wide},0x12345`, write: (c) => c.multiply(to, from, 0x12345) };
    }
    for (const value of [1, 127, 128, -128, -129, 0x7fffffff]) {
      const text = `${names64[to]},${constant(value)}`;
      yield { text: `add ${text}`, write: (c) => c.addConstant(to, value) };
      yield { text: `and ${text}`, write: (c) => c.and(to, value) };
      yield { text: `sub ${text}`, write: (c) => c.subtract(to, value) };
      yield { text: `cmp ${text}`, write: (c) => c.compare(to, value) };
      yield { text: `mov ${names32[to]},${constant(value, 32)}`, write: (c) => c.constant32(to, value) };
    }
    yield { text: `movabs ${names64[to]},0x7f0123456789`, write: (c) => c.constant64(to, 0x7f0123456789n) };
    yield { text: `shr ${names64[to]},0x3`, write: (c) => c.shiftRight(to, 3) };
    yield { text: `test ${names64[to]},${names64[to]}`, write: (c) => c.test(to) };
    yield { text: `push ${names64[to]}`, write: (c) => c.push(to) };
    yield { text: `pop ${names64[to]}`, write: (c) => c.pop(to) };
    yield { text: `jmp ${names64[to]}`, write: (c) => c.jumpTo(to) };
    for (const offset of [5, 12].includes(to) ? offsets : [0, offsets[to % offsets.length]]) {
      const memory = at(to, offset);
      yield { text: `mov r9d,DWORD PTR ${address(memory)}`, write: (c) => c.load32(9, memory) };
      yield { text: `mov DWORD PTR ${address(memory)},ebx`, write: (c) => c.store32(3, memory) };
      yield { text: `prefetcht1 BYTE PTR ${address(memory)}`, write: (c) => c.prefetch(memory) };
      yield { text: `mov r9,QWORD PTR ${address(memory)}`, write: (c) => c.load64(9, memory) };
      yield { text: `mov QWORD PTR ${address(memory)},rbx`, write: (c) => c.store64(3, memory) };
    }
  }
  yield { text: "ret", write: (c) => c.return() };
  yield { text: "cpuid", write: (c) => c.cpuid() };
  yield { text: "xgetbv", write: (c) => c.xgetbv() };
  yield { text: "vzeroupper", write: (c) => c.vzeroupper() };
}

const pointer = { 128: "XMMWORD PTR ", 256: "YMMWORD PTR ", 512: "ZMMWORD PTR " } as const;

const wideExtract = { 256: "vextractf128", 512: "vextractf32x4" } as const;

function* vectorCases(): Generator<InstructionCase> {
  const make = (
    text: string,
    instruction: VectorInstruction,
    width: Width,
    register: number,
    first: number | undefined,
    last: number | Memory,
    mask?: number,
    choice?: number,
  ): InstructionCase => ({ text, write: (c) => c.vector(instruction, width, register, first, last, mask, choice) });
  for (const width of [128, 256, 512] as const) {
    const registers = width === 512 ? [0, 7, 8, 15, 16, 24, 31] : [0, 7, 8, 15];
    const name = (register: number) => vectorName(width, register);
    for (const register of registers) {
      for (const base of general) {
        // Each base with an offset of its own and none, and those whose encoding is special with all.
        const some = [offsets[(base + register) % offsets.length], 0];
        for (const offset of register % 24 === 0 && [5, 12].includes(base) ? offsets : some) {
          const memory = at(base, offset);
          const [text, whole] = [address(memory), `${pointer[width]}${address(memory)}`];
          yield make(`vmovups ${name(register)},${whole}`, "vmovups", width, register, undefined, memory);
          yield make(`vmovups ${whole},${name(register)}`, "vmovupsStore", width, register, undefined, memory);
          yield make(`vbroadcastss ${name(register)},DWORD PTR ${text}`, "vbroadcastss", width, register, undefined, memory);
          if (width !== 128) {
            const text = `${wideExtract[width]} ${pointer[128]}${address(memory)},${name(register)},0x1`;
            yield make(text, "vextractStore", width, register, undefined, memory, 0, 1);
          }
          if (width === 512) {
            yield make(`vmovups ${name(register)}{k1}{z},${whole}`, "vmovups", width, register, undefined, memory, 1);
            yield make(`vmovups ${whole}{k7},${name(register)}`, "vmovupsStore", width, register, undefined, memory, 7);
          } else {
            yield make(`vmaskmovps ${name(register)},${name(14)},${whole}`, "vmaskmovps", width, register, 14, memory);
            yield make(`vmaskmovps ${whole},${name(3)},${name(register)}`, "vmaskmovpsStore", width, register, 3, memory);
          }
        }
      }
      for (const first of registers) {
        for (const last of [registers[0], registers.at(-1)!, registers.at(-2)!]) {
          const text = [register, first, last].map(name).join(",");
          for (const each of ["vfmadd231ps", "vaddps", "vsubps", "vmulps", "vunpcklps", "vunpckhps"] as const) {
            yield make(`${each} ${text}`, each, width, register, first, last);
          }
          yield make(`vshufps ${text},0x44`, "vshufps", width, register, first, last, 0, 0x44);
          if (width === 512) yield make(`vpxord ${text}`, "vpxord", width, register, first, last);
          else yield make(`vxorps ${text}`, "vxorps", width, register, first, last);
        }
      }
    }
  }
  // Parts of a vector, of registers that need the long form as well.
  for (const register of [0, 7, 8, 15, 16, 31]) {
    const name = vectorName(128, register);
    for (const base of general) {
      for (const offset of base === 12 ? offsets : [0, offsets[(base + register) % offsets.length]]) {
        const memory = at(base, offset);
        const text = address(memory);
        yield make(`vmovss DWORD PTR ${text},${name}`, "vmovssStore", 128, register, undefined, memory);
        yield make(`vmovlps QWORD PTR ${text},${name}`, "vmovlpsStore", 128, register, undefined, memory);
        yield make(`vmovhps QWORD PTR ${text},${name}`, "vmovhpsStore", 128, register, undefined, memory);
        yield make(`vextractps DWORD PTR ${text},${name},0x2`, "vextractpsStore", 128, register, undefined, memory, 0, 2);
      }
    }
    for (const to of register > 15 ? [3, 17] : [3, 12]) {
      const width = register > 15 ? 512 : 256;
      const text = `${wideExtract[width]} ${vectorName(128, to)},${vectorName(width, register)},0x1`;
      yield make(text, "vextractStore", width, register, undefined, to, 0, 1);
    }
  }
  for (const mask of [1, 7]) {
    for (const from of [0, 7, 11]) {
      yield make(`kmovw k${mask},${names32[from]}`, "kmovw", 128, mask, undefined, from);
    }
  }
}

/** Jumps, addresses and loads of what is elsewhere in the code: within one piece, before and behind. */
function distances(code: Assembler): string[] {
  const [before, behind] = [new Label(), new Label()];
  code.here(before).test(0).jump("zero", behind).jump("notZero", before).addressOf(2, before).addressOf(9, behind);
  code.loadFrom(256, 3, behind).loadFrom(256, 12, behind).loadFrom(128, 8, before);
  code.vector("vmulps", 256, 3, 12, behind).vector("vfmadd231ps", 512, 17, 2, before).jump("notAbove", before);
  code.here(behind).return();
  return [
    "test rax,rax",
    "je 0x4d",
    "jne 0x0",
    "lea rdx,[rip+0xffffffffffffffea] # 0x0",
    "lea r9,[rip+0x30] # 0x4d",
    "vmovups ymm3,YMMWORD PTR [rip+0x28] # 0x4d",
    "vmovups ymm12,YMMWORD PTR [rip+0x20] # 0x4d",
    "vmovups xmm8,XMMWORD PTR [rip+0xffffffffffffffcb] # 0x0",
    "vmulps ymm3,ymm12,YMMWORD PTR [rip+0x10] # 0x4d",
    "vfmadd231ps zmm17,zmm2,ZMMWORD PTR [rip+0xffffffffffffffb9] # 0x0",
    "jbe 0x0",
    "ret",
  ];
}

/** All of them, one behind the other, the piece with distances first: the bytes, and the text of each. */
export function allInstructions(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly texts: readonly string[] } {
  const code = new Assembler();
  const texts = distances(code);
  for (const { text, write } of [...generalCases(), ...vectorCases()]) {
    write(code);
    texts.push(text);
  }
  return { bytes: Uint8Array.from(code.bytes), texts };
}
