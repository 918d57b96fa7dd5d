/**
 * What the processor can do, and the system lets programs do: by CPUID and XGETBV, and by timing what neither tells.
 *
 * @module
 */
import { Assembler, at, Label, r8, rax, rbx, rcx, rdi, rsi } from "./assembler.ts";
import { avx2, avx512, functionAlignment, machineFunction, type VectorSet } from "./vector_writer.ts";

/** The words that `featureCode` writes. */
export const featureWords = 4;

/** Bits of the words: of ecx on page 1, of ebx on page 7, and of what the system keeps for each thread. */
const bits = {
  fma: 1 << 12,
  systemState: 1 << 27,
  avx: 1 << 28,
  avx2: 1 << 5,
  avx512f: 1 << 16,
  avx512dq: 1 << 17,
  avx512vl: 1 << 31,
  state256: 0b110,
  state512: 0b1110_0110,
} as const;

/** What is called first, with a thread's arguments in edi and the offset of a function from here in esi. */
export function entryCode(): readonly number[] {
  const code = new Assembler();
  const start = new Label();
  code.here(start).addressOf(rax, start).move32(rcx, rsi).add(rax, rcx).move32(rdi, rdi).jumpTo(rax);
  return code.align(functionAlignment).bytes;
}

/** A function (address): writes the highest page of CPUID, ecx of page 1, ebx of page 7, and what XGETBV says, or 0 without it. */
export function featureCode(memory: bigint): readonly number[] {
  const code = new Assembler();
  const end = new Label();
  const page = (number: number) => code.constant32(rax, number).constant32(rcx, 0).cpuid();
  // CPUID changes rbx, which is the caller's.
  code.push(rbx).constant64(r8, memory).add(rdi, r8).load32(rdi, at(rdi)).add(r8, rdi);
  page(0).store32(rax, at(r8));
  page(1).store32(rcx, at(r8, 4));
  page(7).store32(rbx, at(r8, 8));
  code.constant32(rcx, 0).store32(rcx, at(r8, 12));
  code.load32(rax, at(r8, 4)).and(rax, bits.systemState).jump("zero", end);
  code.xgetbv().store32(rax, at(r8, 12));
  code.here(end).pop(rbx).constant32(rax, 0).return();
  return code.align(functionAlignment).bytes;
}

/** The longest vectors that those words allow; undefined if they are none for which code is written. */
export function vectorSetOf([highest, page1, page7, state]: Iterable<number>): VectorSet | undefined {
  const has = (word: number, ...wanted: readonly number[]) => wanted.every((bit) => (word & bit) === bit);
  const usable = highest >= 7 && has(page1, bits.fma, bits.systemState, bits.avx) && has(page7, bits.avx2) &&
    has(state, bits.state256);
  if (!usable) return undefined;
  return has(page7, bits.avx512f, bits.avx512dq, bits.avx512vl) && has(state, bits.state512) ? avx512 : avx2;
}

/** Independent sums that hide the latency of a multiply-add. */
const sumCount = 12;

/** A function (rounds) of nothing but multiply-adds in registers. */
export function peakCode(vectors: VectorSet, memory: bigint): readonly number[] {
  return machineFunction(vectors, memory, ["count"], (code, [rounds]) => {
    const [factor, ...sums] = code.vectors(1 + sumCount);
    for (const each of [factor, ...sums]) code.clear(each);
    code.repeat(rounds, () => sums.forEach((sum) => code.multiplyAdd(factor, factor, sum)));
  });
}
