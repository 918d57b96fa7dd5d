/**
 * Windows over an axis of an image, of convolutions and of pooling: under tap k, output o reads input o * stride + k * dilation - before;
 * what lies outside the image is padding. An image has two such axes, which have nothing to do with each other.
 *
 * A convolution gathers: each output reads the inputs under its taps. So does its gradient with respect to the input, where each input
 * reads the outputs that have it under a tap: both are a `GatherAxis`.
 *
 * @module
 */

/** Space added around the two spatial axes. */
export interface Padding2d {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** How windows lie over images. */
export interface WindowGeometry {
  /** Height and width of the image. */
  readonly h: number;
  readonly w: number;
  /** Height and width of the result: how many windows there are. */
  readonly oh: number;
  readonly ow: number;
  /** Height and width of the window. */
  readonly kh: number;
  readonly kw: number;
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Padding2d;
}

/** All the numbers of a 2-d convolution. */
export interface ConvGeometry extends WindowGeometry {
  /** Batch. */
  readonly n: number;
  /** Input and output channels. */
  readonly c: number;
  readonly o: number;
  readonly groups: number;
}

/** All the numbers of 2-d pooling. Windows may hang over the padded edge (ceil mode); what hangs over does not count. */
export interface PoolGeometry extends WindowGeometry {
  readonly n: number;
  readonly c: number;
  /** For averages: whether padding counts in the divisor (PyTorch's default). Overhang beyond the padding never does. */
  readonly countPadding: boolean;
}

/** How windows lie over one axis. */
export interface WindowAxis {
  /** Extents of the image and of the result. */
  readonly inputs: number;
  readonly outputs: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding. */
  readonly before: number;
  readonly after: number;
}

/** The two axes of a convolution or of pooling. */
export function windowAxes(g: WindowGeometry): readonly [rows: WindowAxis, columns: WindowAxis] {
  const { padding: { top, bottom, left, right }, stride, dilation } = g;
  return [
    { inputs: g.h, outputs: g.oh, taps: g.kh, stride: stride[0], dilation: dilation[0], before: top, after: bottom },
    { inputs: g.w, outputs: g.ow, taps: g.kw, stride: stride[1], dilation: dilation[1], before: left, after: right },
  ];
}

/** How far a window reaches: from its first element to its last, both included. */
export function windowReach(taps: number, dilation: number): number {
  return dilation * (taps - 1) + 1;
}

/**
 * How many windows fit: (inputs + padding - reach) / stride + 1. In ceil mode a last window may hang over the end, if it starts
 * inside the image or the padding before it; it may be the only one.
 */
export function windowCount(axis: Omit<WindowAxis, "outputs">, ceilMode = false): number {
  const { inputs, taps, stride, dilation, before, after } = axis;
  const room = inputs + before + after - windowReach(taps, dilation);
  const count = Math.max(0, (ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1);
  return ceilMode && (count - 1) * stride >= inputs + before ? count - 1 : count;
}

/** The input that an output reads under a tap; below 0 or beyond the last it is padding. */
export function inputAt({ stride, dilation, before }: WindowAxis, output: number, tap: number): number {
  return output * stride + tap * dilation - before;
}

/** The last input that any window reads. */
export function lastInput(axis: WindowAxis): number {
  return inputAt(axis, axis.outputs - 1, axis.taps - 1);
}

/** Whether no window reads padding. */
export function staysInside(axis: WindowAxis): boolean {
  return axis.before <= 0 && lastInput(axis) < axis.inputs;
}

/** Taps from `from` until before `to`. */
export interface TapRange {
  readonly from: number;
  readonly to: number;
}

/** The taps under which an output reads inputs from `begin` until before `end`: those of the image, unless others are given. */
export function tapsInside(
  { inputs, taps, stride, dilation, before }: WindowAxis,
  output: number,
  { begin, end } = { begin: 0, end: inputs },
): TapRange {
  const start = output * stride - before;
  const firstFrom = (input: number) => Math.min(taps, Math.max(0, Math.ceil((input - start) / dilation)));
  return { from: firstFrom(begin), to: firstFrom(end) };
}

/** The outputs, from `from` until before `to`, that read an input of the image under a tap. */
export function outputsInside(
  { inputs, outputs, stride, dilation, before }: WindowAxis,
  tap: number,
): { readonly from: number; readonly to: number } {
  const start = tap * dilation - before;
  const from = Math.min(outputs, Math.max(0, Math.ceil(-start / stride)));
  return { from, to: Math.max(from, Math.min(outputs, Math.ceil((inputs - start) / stride))) };
}

/** The inputs that an output reads, padding left out, each with its tap. */
export function inputsOf(axis: WindowAxis, output: number): readonly { readonly tap: number; readonly input: number }[] {
  const { from, to } = tapsInside(axis, output);
  return Array.from({ length: to - from }, (_, i) => ({ tap: from + i, input: inputAt(axis, output, from + i) }));
}

/** Where an average counts elements: inputs from `begin` until before `end`; what hangs over the padding never counts. */
export function countedInputs(axis: WindowAxis, countPadding: boolean): { readonly begin: number; readonly end: number } {
  return countPadding ? { begin: -axis.before, end: axis.inputs + axis.after } : { begin: 0, end: axis.inputs };
}

/** Padding before the outputs if inputs are computed from them by windows that are reversed: the gradient of a convolution. */
export function reversedPadding({ taps, dilation, before }: WindowAxis): number {
  return windowReach(taps, dilation) - 1 - before;
}

/**
 * One axis of a gather: result position q * phases + r reads source position q * step + delta for each tap of phase r. The taps of
 * a phase are an arithmetic progression, as are their deltas.
 */
export interface GatherAxis {
  readonly outputs: number;
  readonly sources: number;
  readonly step: number;
  readonly phases: readonly GatherPhase[];
}

/** The taps of one phase: filter position first + i * every at source offset delta + i * deltaStep, for i < count. */
export interface GatherPhase {
  readonly first: number;
  readonly every: number;
  readonly delta: number;
  readonly deltaStep: number;
  readonly count: number;
}

/** Outputs that gather from the image. */
export function gatherInputs({ inputs, outputs, taps, stride, dilation, before }: WindowAxis): GatherAxis {
  const phase = { first: 0, every: 1, delta: -before, deltaStep: dilation, count: taps };
  return { outputs, sources: inputs, step: stride, phases: [phase] };
}

/**
 * Inputs that gather from the outputs that read them. Input q * stride + r lies under tap k of output q + (r + before - k dilation) / stride,
 * where that is whole: a phase for each r.
 */
export function gatherOutputs({ inputs, outputs, taps, stride, dilation, before }: WindowAxis): GatherAxis {
  // From one fitting tap to the next, also where there is no next one: the step between sources must be whole.
  const every = Array.from({ length: stride }, (_, k) => k + 1).find((k) => k * dilation % stride === 0)!;
  const phases = Array.from({ length: stride }, (_, r): GatherPhase => {
    const fitting = Array.from({ length: taps }, (_, k) => k).filter((k) => (r + before - k * dilation) % stride === 0);
    const first = fitting[0] ?? 0;
    return {
      first,
      every,
      delta: Math.floor((r + before - first * dilation) / stride),
      deltaStep: -(every * dilation) / stride,
      count: fitting.length,
    };
  });
  return { outputs: inputs, sources: outputs, step: 1, phases };
}

/**
 * The taps of each of the first `count` results, with the distance of its source from that of the tile's first phase. Where these are all
 * there are, taps outside the source are left out.
 */
export function gatherTaps(axis: GatherAxis, count: number): { readonly tap: number; readonly delta: number }[][] {
  const { phases, step, outputs, sources } = axis;
  return Array.from({ length: count }, (_, t) => {
    const phase = phases[t % phases.length];
    const start = Math.floor(t / phases.length) * step + phase.delta;
    const taps = Array.from({ length: phase.count }, (_, i) => {
      return { tap: phase.first + i * phase.every, delta: start + i * phase.deltaStep };
    });
    return count === outputs ? taps.filter(({ delta }) => delta >= 0 && delta < sources) : taps;
  });
}

/** Whether some taps of some results lie outside the source, or phases differ in the number of taps. */
export function gathersOutside({ phases, outputs, step, sources }: GatherAxis): boolean {
  const most = Math.max(...phases.map(({ count }) => count));
  const deltas = phases.flatMap((p) => Array.from({ length: most }, (_, i) => p.delta + i * p.deltaStep));
  const highest = (Math.ceil(outputs / phases.length) - 1) * step + Math.max(...deltas);
  return Math.min(...deltas) < 0 || highest >= sources || phases.some(({ count }) => count !== most);
}
