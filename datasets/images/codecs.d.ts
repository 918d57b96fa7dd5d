/** The decoder of JPEG. */
export const jpegCode: WebAssembly.Module;
/** The decoder of PNG. */
export const pngCode: WebAssembly.Module;
