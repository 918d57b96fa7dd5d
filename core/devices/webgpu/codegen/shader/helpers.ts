/**
 * Operations of the scalar language that WGSL lacks or leaves undefined at some points, as WGSL text; a shader includes those it uses.
 *
 * A compiler may take floats for real numbers and assume that no NaN occurs, so NaN is tested by its bits, infinities come from a
 * variable because literals of them are rejected, and what must stay as it is rounded is hidden from it: so is one of two numbers
 * that are compared and chosen from, which would become a minimum or maximum that drops NaN.
 *
 * @module
 */

/** A helper: its text and the helpers it calls. */
interface Helper {
  readonly code: string;
  readonly needs?: readonly HelperName[];
}

/** The names of the helper functions. */
export type HelperName =
  | "hiddenZero"
  | "exact"
  | "infinity"
  | "nan"
  | "isNan"
  | "orderedBits"
  | "signOf"
  | "minimum"
  | "maximum"
  | "isFinite"
  | "divide"
  | "root"
  | "divideI32"
  | "divideU32"
  | "remainderI32"
  | "remainderU32"
  | "toI32"
  | "toU32";

/** Every helper by name. */
export const helperSources: Readonly<Record<HelperName, Helper>> = {
  hiddenZero: {
    // Set where a shader begins, from what only the run can tell.
    code: `var<private> hiddenZero: u32;`,
  },
  exact: {
    needs: ["hiddenZero"],
    code: `fn exact(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ hiddenZero); }`,
  },
  infinity: {
    needs: ["hiddenZero"],
    code: `fn infinity() -> f32 { return bitcast<f32>(0x7f800000u ^ hiddenZero); }`,
  },
  nan: {
    needs: ["hiddenZero"],
    code: `fn nan() -> f32 { return bitcast<f32>(0x7fc00000u ^ hiddenZero); }`,
  },
  isNan: {
    code: `fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,
  },
  // The sign bit turns the other bits around; all NaNs are one, the largest, and so are both zeros.
  orderedBits: {
    code: `fn orderedBits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}`,
  },
  signOf: {
    needs: ["isNan"],
    code: `fn signOf(x: f32) -> f32 { return select(select(select(x, -1.0, x < 0.0), 1.0, x > 0.0), x, isNan(x)); }`,
  },
  minimum: {
    needs: ["isNan", "exact"],
    code: `fn minimum(x: f32, y: f32) -> f32 { return select(y, exact(x), x < y || isNan(x)); }`,
  },
  maximum: {
    needs: ["isNan", "exact"],
    code: `fn maximum(x: f32, y: f32) -> f32 { return select(y, exact(x), x > y || isNan(x)); }`,
  },
  isFinite: {
    code: `fn isFinite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }`,
  },
  // A GPU multiplies by the reciprocal, which is off by a unit or two, and 0 for a divisor above 2^126, where it would be subnormal.
  // What is left after the quotient tells how far off it is.
  divide: {
    needs: ["exact", "isFinite"],
    code: `fn divide(x: f32, y: f32) -> f32 {
  let scale = exact(select(1.0, 0.25, abs(y) > 4e37));
  let divisor = y * scale;
  let dividend = x * scale;
  let q = exact(dividend / divisor);
  let rounded = fma(fma(-q, divisor, dividend), 1.0 / divisor, q);
  return select(q, rounded, isFinite(rounded));
}`,
  },
  root: {
    needs: ["exact", "isFinite"],
    code: `fn root(x: f32) -> f32 {
  let small = abs(x) < 1e-28;
  let radicand = x * exact(select(1.0, 18446744073709551616.0, small));
  let r = exact(sqrt(radicand));
  let rounded = fma(fma(-r, r, radicand), 0.5 / r, r);
  return select(r, rounded, isFinite(rounded)) * select(1.0, 0x1p-32, small);
}`,
  },
  divideI32: {
    code: `fn divideI32(x: i32, y: i32) -> i32 { return select(x / select(y, 1, y == 0), 0, y == 0); }`,
  },
  divideU32: {
    code: `fn divideU32(x: u32, y: u32) -> u32 { return select(x / select(y, 1u, y == 0u), 0u, y == 0u); }`,
  },
  // Vulkan leaves the remainder of negative numbers undefined.
  remainderI32: {
    code: `fn remainderI32(x: i32, y: i32) -> i32 {
  let divisor = select(y, 1, y == 0);
  return select(x - x / divisor * divisor, 0, y == 0);
}`,
  },
  remainderU32: {
    code: `fn remainderU32(x: u32, y: u32) -> u32 { return select(x % select(y, 1u, y == 0u), 0u, y == 0u); }`,
  },
  toI32: {
    needs: ["isNan"],
    code: `fn toI32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648.0, 2147483520.0));
  return select(select(inside, 2147483647, x >= 2147483648.0), 0, isNan(x));
}`,
  },
  toU32: {
    needs: ["isNan"],
    code: `fn toU32(x: f32) -> u32 {
  let inside = u32(clamp(x, 0.0, 4294967040.0));
  return select(select(inside, 4294967295u, x >= 4294967296.0), 0u, isNan(x));
}`,
  },
};
