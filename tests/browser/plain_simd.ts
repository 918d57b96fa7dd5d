/**
 * A program of its own for `page_test.ts`: the engine says that it has no relaxed SIMD, and modules are searched for it.
 *
 * @module
 */
const relaxedMadd = [0xfd, 0x85, 0x02];
const Module = WebAssembly.Module;
let relaxed = false;

WebAssembly.validate = () => false;
WebAssembly.Module = new Proxy(Module, {
  construct(target, [bytes]: [Uint8Array<ArrayBuffer>]) {
    relaxed ||= bytes.some((_, at) => relaxedMadd.every((byte, i) => bytes[at + i] === byte));
    return new target(bytes);
  },
});

const { train } = await import("./training.ts");
const { losses } = await train("wasm", { threads: 1 });
console.log(JSON.stringify({ losses, relaxed }));
