/**
 * Functions that WGSL lacks or leaves inaccurate, as WGSL text; a shader includes those it uses.
 *
 * The built-in `exp`, `log`, `sin`, `atan`, `pow` and `tanh` may be wrong by thousands of units in the last place, differ between
 * drivers and overflow early, so these are computed here from series and fitted polynomials (coefficients fitted for this file by
 * weighted least squares on Chebyshev nodes); about 1e-7 relative. Elementwise kernels wait for memory, not for these.
 *
 * A compiler may assume that no NaN occurs, so NaN is tested by its bits, and infinities come from a variable because literals
 * of them are rejected.
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
  | "infinity"
  | "nan"
  | "isNan"
  | "orderedBits"
  | "copySign"
  | "signOf"
  | "minimum"
  | "maximum"
  | "divideI32"
  | "divideU32"
  | "remainderI32"
  | "remainderU32"
  | "remainderF32"
  | "toI32"
  | "toU32"
  | "powerOfTwo"
  | "expScaled"
  | "exponential"
  | "expMinusOneBelow"
  | "expMinusOne"
  | "logOnePlus"
  | "logOnePlusOf"
  | "logarithm"
  | "reduceAngle"
  | "multiplyHigh"
  | "sinReduced"
  | "cosReduced"
  | "sine"
  | "cosine"
  | "tangent"
  | "arcTangent"
  | "arcTangent2"
  | "arcSineSmall"
  | "arcSine"
  | "arcCosine"
  | "sinhOf"
  | "coshOf"
  | "tanhOf"
  | "errorFunction"
  | "upperHalf"
  | "power"
  | "powerI32"
  | "powerU32";

/** Every helper by name. */
export const helperSources: Readonly<Record<HelperName, Helper>> = {
  infinity: {
    code: `var<private> infinityBits: u32 = 0x7f800000u;
fn infinity() -> f32 { return bitcast<f32>(infinityBits); }`,
  },
  nan: {
    code: `var<private> nanBits: u32 = 0x7fc00000u;
fn nan() -> f32 { return bitcast<f32>(nanBits); }`,
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
  copySign: {
    // Not the masked bits of both joined by an or: of tanh(c + tanh(x)) written so, llvmpipe (Mesa 22.3) loses the exponent.
    code: `fn copySign(x: f32, s: f32) -> f32 {
  let size = bitcast<u32>(x) & 0x7fffffffu;
  return bitcast<f32>(select(size, size | 0x80000000u, bitcast<i32>(s) < 0));
}`,
  },
  signOf: {
    needs: ["isNan"],
    code: `fn signOf(x: f32) -> f32 { return select(select(0.0, 1.0, x > 0.0) - select(0.0, 1.0, x < 0.0), x, isNan(x)); }`,
  },
  minimum: {
    needs: ["isNan"],
    code: `fn minimum(x: f32, y: f32) -> f32 { return select(y, x, x < y || isNan(x)); }`,
  },
  maximum: {
    needs: ["isNan"],
    code: `fn maximum(x: f32, y: f32) -> f32 { return select(y, x, x > y || isNan(x)); }`,
  },
  divideI32: {
    code: `fn divideI32(x: i32, y: i32) -> i32 { return select(x / select(y, 1, y == 0), 0, y == 0); }`,
  },
  divideU32: {
    code: `fn divideU32(x: u32, y: u32) -> u32 { return select(x / select(y, 1u, y == 0u), 0u, y == 0u); }`,
  },
  remainderI32: {
    code: `fn remainderI32(x: i32, y: i32) -> i32 { return select(x % select(y, 1, y == 0), 0, y == 0); }`,
  },
  remainderU32: {
    code: `fn remainderU32(x: u32, y: u32) -> u32 { return select(x % select(y, 1u, y == 0u), 0u, y == 0u); }`,
  },
  remainderF32: {
    // |x| minus the multiple of |y| that fits, in steps of 22 bits of the quotient. Halves of 12 bits multiply exactly, so it does not
    // matter whether a compiler fuses products and differences. The quotient may be off by one, which shows in the range.
    needs: ["nan", "isNan", "copySign", "infinity", "upperHalf", "powerOfTwo"],
    code: `fn remainderF32(x: f32, y: f32) -> f32 {
  let b = abs(y);
  var a = abs(x);
  let bad = isNan(x) || isNan(y) || b == 0.0 || a == infinity();
  for (var i = 0u; i < 14u && a >= b && !bad; i++) {
    let excess = (bitcast<i32>(a) >> 23u) - (bitcast<i32>(b) >> 23u) - 22;
    let scaled = b * powerOfTwo(clamp(excess, 0, 126));
    let q = trunc(a / scaled);
    let qh = upperHalf(q);
    let sh = upperHalf(scaled);
    a = (((a - qh * sh) - qh * (scaled - sh)) - (q - qh) * sh) - (q - qh) * (scaled - sh);
    a = select(a, a + scaled, a < 0.0);
    a = select(a, a - scaled, a >= scaled);
  }
  return select(copySign(a, x), nan(), bad);
}`,
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
  powerOfTwo: {
    code: `fn powerOfTwo(n: i32) -> f32 { return bitcast<f32>(u32(n + 127) << 23u); }`,
  },
  expScaled: {
    // x = n ln 2 + r; the series of e^r - 1. The two parts of ln 2 keep r exact.
    code: `fn expScaled(x: f32, n: f32) -> f32 {
  let r = (x - n * 0.693115234375) - n * 3.194618329871446e-5;
  let t = 0.5 + r * (0.16666667 + r * (0.041666668 + r * (0.008333334 + r * (0.0013888889 + r * 1.984127e-4))));
  return r + r * r * t;
}`,
  },
  exponential: {
    needs: ["expScaled", "powerOfTwo", "isNan"],
    code: `fn exponential(x: f32) -> f32 {
  let c = clamp(x, -104.0, 89.0);
  let n = round(c * 1.442695);
  let half = i32(n) >> 1u;
  let e = (1.0 + expScaled(c, n)) * powerOfTwo(half) * powerOfTwo(i32(n) - half);
  return select(e, x, isNan(x));
}`,
  },
  expMinusOneBelow: {
    // For x <= 80.
    needs: ["expScaled", "powerOfTwo", "isNan"],
    code: `fn expMinusOneBelow(x: f32) -> f32 {
  let c = clamp(x, -18.0, 80.0);
  let n = round(c * 1.442695);
  let s = powerOfTwo(i32(n));
  return select(s * expScaled(c, n) + (s - 1.0), x, isNan(x) || abs(x) < 1e-8);
}`,
  },
  expMinusOne: {
    needs: ["expMinusOneBelow", "exponential"],
    code: `fn expMinusOne(x: f32) -> f32 { return select(expMinusOneBelow(x), exponential(x), x > 80.0); }`,
  },
  logOnePlus: {
    // log((1 + f) 2^e) for f in [sqrt(1/2) - 1, sqrt(2) - 1]: f - s (f - R) + e ln 2 with s = f / (2 + f), R from the atanh series.
    code: `fn logOnePlus(f: f32, e: f32) -> f32 {
  let s = f / (2.0 + f);
  let z = s * s;
  let r = z * (0.6666667 + z * (0.4 + z * (0.2857143 + z * (0.22222222 + z * 0.18181819))));
  return e * 0.693115234375 + (f - s * (f - r) + e * 3.194618329871446e-5);
}`,
  },
  logarithm: {
    needs: ["logOnePlus", "isNan", "infinity", "nan"],
    code: `fn logarithm(x: f32) -> f32 {
  let tiny = x < 1.1754944e-38;
  let bits = bitcast<u32>(select(x, x * 33554432.0, tiny));
  let shifted = bits - 0x3f3504f3u;
  let e = f32(bitcast<i32>(shifted) >> 23u) - select(0.0, 25.0, tiny);
  let m = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u);
  var y = logOnePlus(m - 1.0, e);
  y = select(y, x, x == infinity());
  y = select(y, -infinity(), x == 0.0);
  return select(y, nan(), x < 0.0 || isNan(x));
}`,
  },
  logOnePlusOf: {
    // Near 0 the argument is the fraction itself; elsewhere log(1 + x) and what the sum 1 + x lost.
    needs: ["logOnePlus", "logarithm", "infinity"],
    code: `fn logOnePlusOf(x: f32) -> f32 {
  let u = 1.0 + x;
  let lost = select((x - (u - 1.0)) / u, 0.0, u <= 0.0 || u > 1e8);
  return select(logarithm(u) + lost, logOnePlus(x, 0.0), x > -0.29 && x < 0.41);
}`,
  },
  reduceAngle: {
    // x = q pi/2 + r, |r| <= pi/4; gives r and q modulo 4. Up to 2^15 pi/2 is subtracted in four parts, the first three of 8 bits, so
    // that their products with q are exact. Beyond, the product of x with the bits of 2/pi that matter is taken in integers.
    needs: ["multiplyHigh"],
    code: `struct Angle { r: f32, q: u32 }
const twoOverPi = array<u32, 9>(
  0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u);
fn reduceAngle(x: f32) -> Angle {
  if (abs(x) < 32768.0) {
    let q = round(x * 0.63661975);
    let r = (((x - q * 1.5703125) - q * 0.0004825592041015625) - q * 1.2665987014770508e-6) - q * 9.92093629470503e-10;
    return Angle(r, bitcast<u32>(i32(q)));
  }
  let bits = bitcast<u32>(x);
  let m = (bits & 0x007fffffu) | 0x00800000u;
  // The window starts two bits above the point of x 2/pi: what is higher is a multiple of 4.
  let start = min((bits >> 23u) & 255u, 254u) - 120u;
  var words = twoOverPi;
  let at = start >> 5u;
  let shift = start & 31u;
  let a = select(words[at], (words[at] << shift) | (words[at + 1u] >> ((32u - shift) & 31u)), shift != 0u);
  let b = select(words[at + 1u], (words[at + 1u] << shift) | (words[at + 2u] >> ((32u - shift) & 31u)), shift != 0u);
  let c = select(words[at + 2u], (words[at + 2u] << shift) | (words[at + 3u] >> ((32u - shift) & 31u)), shift != 0u);
  let carried = multiplyHigh(m, c);
  let low = m * b + carried;
  let high = m * a + multiplyHigh(m, b) + select(0u, 1u, low < carried);
  // Two bits of quarters, then the fraction, which is rounded to the nearest quarter.
  let q = (high + 0x20000000u) >> 30u;
  let fraction = bitcast<i32>((high << 2u) | (low >> 30u));
  let r = (f32(fraction) * 2.3283064e-10 + f32(low << 2u) * 5.421011e-20) * 1.5707964;
  let negative = (bits >> 31u) == 1u;
  return Angle(select(r, -r, negative), select(q, 0u - q, negative));
}`,
  },
  multiplyHigh: {
    // The upper 32 bits of x y.
    code: `fn multiplyHigh(x: u32, y: u32) -> u32 {
  let xl = x & 0xffffu;
  let xh = x >> 16u;
  let yl = y & 0xffffu;
  let yh = y >> 16u;
  let middle = xh * yl + ((xl * yl) >> 16u);
  let other = xl * yh + (middle & 0xffffu);
  return xh * yh + (middle >> 16u) + (other >> 16u);
}`,
  },
  sinReduced: {
    code: `fn sinReduced(r: f32) -> f32 {
  let z = r * r;
  return r + r * z * (-0.16666667 + z * (0.008333334 + z * (-1.984127e-4 + z * 2.7557319e-6)));
}`,
  },
  cosReduced: {
    code: `fn cosReduced(r: f32) -> f32 {
  let z = r * r;
  return 1.0 - 0.5 * z + z * z * (0.041666668 + z * (-0.0013888889 + z * (2.4801587e-5 - z * 2.7557319e-7)));
}`,
  },
  sine: {
    needs: ["reduceAngle", "sinReduced", "cosReduced", "nan", "infinity", "isNan"],
    code: `fn sine(x: f32) -> f32 {
  let angle = reduceAngle(x);
  let y = select(sinReduced(angle.r), cosReduced(angle.r), (angle.q & 1u) == 1u);
  return select(select(y, -y, (angle.q & 2u) == 2u), nan(), isNan(x) || abs(x) == infinity());
}`,
  },
  cosine: {
    needs: ["reduceAngle", "sinReduced", "cosReduced", "nan", "infinity", "isNan"],
    code: `fn cosine(x: f32) -> f32 {
  let angle = reduceAngle(x);
  let y = select(cosReduced(angle.r), sinReduced(angle.r), (angle.q & 1u) == 1u);
  return select(select(y, -y, ((angle.q + 1u) & 2u) == 2u), nan(), isNan(x) || abs(x) == infinity());
}`,
  },
  tangent: {
    needs: ["reduceAngle", "sinReduced", "cosReduced", "nan", "infinity", "isNan"],
    code: `fn tangent(x: f32) -> f32 {
  let angle = reduceAngle(x);
  let odd = (angle.q & 1u) == 1u;
  let s = sinReduced(angle.r);
  let c = cosReduced(angle.r);
  return select(select(s, -c, odd) / select(c, s, odd), nan(), isNan(x) || abs(x) == infinity());
}`,
  },
  arcTangent: {
    // |x| > tan(3 pi/8) through 1/x, |x| > tan(pi/8) through (x - 1) / (x + 1), the rest as it is.
    needs: ["copySign", "isNan"],
    code: `fn arcTangent(x: f32) -> f32 {
  let a = abs(x);
  let far = a > 2.4142137;
  let middle = a > 0.41421357 && !far;
  let t = select(select(a, (a - 1.0) / (a + 1.0), middle), -1.0 / a, far);
  let z = t * t;
  let p = -0.33333316 + z * (0.1999849 + z * (-0.14243849 + z * (0.10596002 - z * 0.060834534)));
  let base = select(select(0.0, 0.7853982, middle), 1.5707964, far);
  let low = select(select(0.0, -2.1855694e-8, middle), -4.371139e-8, far);
  return select(copySign(base + (t + (t * z * p + low)), x), x, isNan(x));
}`,
  },
  arcTangent2: {
    needs: ["arcTangent", "copySign", "isNan", "infinity"],
    code: `fn arcTangent2(y: f32, x: f32) -> f32 {
  let ax = abs(x);
  let ay = abs(y);
  let big = max(ax, ay);
  let ratio = select(min(ax, ay) / big, select(1.0, 0.0, big == 0.0), big == 0.0 || min(ax, ay) == infinity());
  var t = arcTangent(ratio);
  t = select(t, 1.5707964 - t, ay > ax);
  t = select(t, 3.1415927 - t, (bitcast<u32>(x) >> 31u) == 1u);
  return select(copySign(t, y), x + y, isNan(x) || isNan(y));
}`,
  },
  arcSineSmall: {
    code: `fn arcSineSmall(x: f32) -> f32 {
  let z = x * x;
  let p = 0.1666666 + z * (0.07500494 + z * (0.044518366 + z * (0.031798407 + z * (0.014467487 + z * 0.0374823))));
  return x + x * z * p;
}`,
  },
  arcSine: {
    needs: ["arcSineSmall", "copySign", "nan", "isNan"],
    code: `fn arcSine(x: f32) -> f32 {
  let a = abs(x);
  let far = a > 0.5;
  let s = arcSineSmall(select(a, sqrt(max(0.5 - 0.5 * a, 0.0)), far));
  return select(copySign(select(s, 1.5707964 - 2.0 * s, far), x), nan(), a > 1.0 || isNan(x));
}`,
  },
  arcCosine: {
    needs: ["arcSineSmall", "nan", "isNan"],
    code: `fn arcCosine(x: f32) -> f32 {
  let a = abs(x);
  let far = a > 0.5;
  let s = arcSineSmall(select(x, sqrt(max(0.5 - 0.5 * a, 0.0)), far));
  let y = select(1.5707964 - (s + 4.371139e-8), select(2.0 * s, 3.1415927 - 2.0 * s, x < 0.0), far);
  return select(y, nan(), a > 1.0 || isNan(x));
}`,
  },
  sinhOf: {
    needs: ["expMinusOneBelow", "exponential", "copySign", "isNan"],
    code: `fn sinhOf(x: f32) -> f32 {
  let a = abs(x);
  let e = expMinusOneBelow(min(a, 80.0));
  let t = exponential(0.5 * a);
  return select(copySign(select(0.5 * (e + e / (e + 1.0)), (0.5 * t) * t, a > 80.0), x), x, isNan(x));
}`,
  },
  coshOf: {
    needs: ["exponential", "isNan"],
    code: `fn coshOf(x: f32) -> f32 {
  let a = abs(x);
  let e = exponential(min(a, 80.0));
  let t = exponential(0.5 * a);
  return select(select(0.5 * e + 0.5 / e, (0.5 * t) * t, a > 80.0), x, isNan(x));
}`,
  },
  tanhOf: {
    needs: ["expMinusOneBelow", "copySign", "isNan"],
    code: `fn tanhOf(x: f32) -> f32 {
  let e = expMinusOneBelow(-2.0 * abs(x));
  return select(copySign(-e / (2.0 + e), x), x, isNan(x));
}`,
  },
  errorFunction: {
    // |x| <= 1: x P(x^2). Beyond: 1 - exp(Q(|x| - 1)) with Q fitted to log(1 - erf) on [1, 4], where erf reaches 1.
    needs: ["exponential", "copySign", "isNan"],
    code: `fn errorFunction(x: f32) -> f32 {
  let a = abs(x);
  let z = min(x * x, 1.0);
  let p = 1.1283792 + z * (-0.37612638 + z * (0.11283783 + z * (-0.026865445 + z * (0.005221075 +
    z * (-8.484712e-4 + z * (1.12705466e-4 - z * 9.6801414e-6))))));
  let u = clamp(a - 1.0, 0.0, 3.1);
  let q = -1.8496056 + u * (-2.638967 + u * (-0.8431071 + u * (-0.04156348 + u * (0.010046452 +
    u * (-0.0020119664 + u * (2.8952796e-4 - u * 2.1686767e-5))))));
  let y = select(x * p, copySign(1.0 - exponential(q), x), a > 1.0);
  return select(select(y, copySign(1.0, x), a > 4.0), x, isNan(x));
}`,
  },
  upperHalf: {
    // The upper 12 bits: such halves multiply exactly.
    code: `fn upperHalf(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }`,
  },
  power: {
    // |x|^y = 2^(y log2 |x|) with the logarithm and the product as sums of a half and a rest, so that every product that must be exact
    // is, fused or not; then the sign and the special cases.
    needs: ["upperHalf", "powerOfTwo", "expScaled", "nan", "isNan", "infinity"],
    code: `fn power(x: f32, y: f32) -> f32 {
  let a = abs(x);
  let tiny = a < 1.1754944e-38;
  let bits = bitcast<u32>(select(a, a * 33554432.0, tiny));
  let shifted = bits - 0x3f3504f3u;
  let e = f32(bitcast<i32>(shifted) >> 23u) - select(0.0, 25.0, tiny);
  let m = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u);
  // s = (m - 1) / (m + 1) as sh + sl; log m = 2 s + s^3 (2/3 + ...) as lh + ll.
  let f = m - 1.0;
  let d = m + 1.0;
  let s = f / d;
  let sh = upperHalf(s);
  let dh = upperHalf(d);
  let sl = ((f - sh * dh) - sh * (m - (dh - 1.0))) / d;
  let z = s * s;
  let tail = s * z * (0.6666667 + z * (0.4 + z * (0.2857143 + z * (0.22222222 + z * 0.18181819))));
  let lh = upperHalf(2.0 * s + tail);
  let ll = ((2.0 * sh - lh) + 2.0 * sl) + tail;
  // log2 |x| = e + (lh + ll) log2(e) as gh + gl; log2(e) = 1.4423828125 + 3.1222839606925845e-4
  let exact = lh * 1.4423828125;
  let rest = lh * 3.1222839606925845e-4 + ll * 1.442695;
  let gh = upperHalf(e + (exact + rest));
  let gl = ((e - gh) + exact) + rest;
  // y log2 |x| = th + tl
  let bounded = clamp(y, -1e30, 1e30);
  let yh = upperHalf(bounded);
  let inside = abs(bounded * gh) < 160.0;
  let th = select(select(160.0, -160.0, (bounded < 0.0) == (gh > 0.0)), yh * gh, inside);
  let tl = select(0.0, (bounded - yh) * gh + bounded * gl, inside);
  let n = round(th + tl);
  let r = ((th - n) + tl) * 0.6931472;
  let half = i32(n) >> 1u;
  let magnitude = (1.0 + expScaled(r, 0.0)) * powerOfTwo(half) * powerOfTwo(i32(n) - half);
  let whole = trunc(y) == y;
  let odd = whole && abs(y) < 16777216.0 && (i32(clamp(y, -2e7, 2e7)) & 1) == 1;
  var v = select(magnitude, 1.0, a == 1.0);
  v = select(v, select(0.0, infinity(), y < 0.0), a == 0.0);
  v = select(v, select(0.0, infinity(), y > 0.0), a == infinity());
  v = select(v, select(0.0, infinity(), (a > 1.0) == (y > 0.0)), abs(y) == infinity() && a != 1.0);
  let negative = (bitcast<u32>(x) >> 31u) == 1u;
  v = select(v, -v, negative && odd);
  v = select(v, nan(), (x < 0.0 && !whole && a != infinity()) || isNan(x) || isNan(y));
  return select(v, 1.0, y == 0.0 || x == 1.0);
}`,
  },
  powerI32: {
    code: `fn powerI32(x: i32, y: i32) -> i32 {
  var result = 1;
  var base = x;
  for (var bit = 0u; bit < 31u; bit++) {
    result = select(result, result * base, ((y >> bit) & 1) == 1);
    base = base * base;
  }
  let negative = select(select(0, select(1, -1, (y & 1) == 1), x == -1), 1, x == 1);
  return select(result, negative, y < 0);
}`,
  },
  powerU32: {
    code: `fn powerU32(x: u32, y: u32) -> u32 {
  var result = 1u;
  var base = x;
  for (var bit = 0u; bit < 32u; bit++) {
    result = select(result, result * base, ((y >> bit) & 1u) == 1u);
    base = base * base;
  }
  return result;
}`,
  },
};
