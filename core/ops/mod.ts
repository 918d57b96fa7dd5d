/**
 * Every operation's record, for the tests, which check them all.
 *
 * Nothing else imports this file. What the library does not use is not loaded.
 *
 * @module
 */
import { absOp, addOp, divOp, mulOp, negOp, signOp, subOp } from "./arithmetic.ts";
import { andOp, notOp, orOp, shlOp, shrOp, xorOp } from "./logic.ts";
import { atan2Op, hypotOp } from "./polar.ts";
import { belowTopOp, floorDivideOp, gapOp, logAddExpOp, maximumOp, minimumOp, powOp, remOp } from "./binary.ts";
import { geluOp, geluTanhOp, mishOp, seluOp, softplusOp } from "./activations.ts";
import { barrierOp } from "./barrier.ts";
import { bitcastOp, threefry0Op, threefry1Op } from "./bits.ts";
import { castOp, stopGradientOp, variableOp, withValuesOp } from "./cast.ts";
import { eqOp, leOp, ltOp, neOp } from "./compare.ts";
import { conv2dFilterGradOp, conv2dInputGradOp, conv2dOp } from "./conv.ts";
import { concatOp } from "./concat.ts";
import { cumsumOp } from "./cumulative.ts";
import { indexOp } from "./creation.ts";
import { fullOp } from "./constant.ts";
import { digammaOp, lgammaOp, polygammaOp } from "./gamma.ts";
import { clampedLogOp } from "./losses.ts";
import { matmulOp } from "./matmul.ts";
import { broadcastOp, sumOp } from "./sum.ts";
import { flipOp, permuteOp } from "./movement.ts";
import { reshapeOp } from "./reshape.ts";
import { padOp, sliceOp } from "./slice.ts";
import { avgPool2dGradOp, avgPool2dOp, maxPool2dGatherOp, maxPool2dOp, maxPool2dScatterOp } from "./pool.ts";
import { prodOp } from "./prod.ts";
import { argmaxOp, argminOp, maxOp, minOp } from "./reduce.ts";
import { whereOp } from "./select.ts";
import { erfcOp, erfinvOp, gudermannianOp, isruOp, softsignOp } from "./special.ts";
import { argsortOp } from "./sort.ts";
import { takeGradOp, takeOp } from "./rows.ts";
import {
  acoshOp,
  acosOp,
  asinhOp,
  asinOp,
  atanhOp,
  atanOp,
  cbrtOp,
  ceilOp,
  coshOp,
  cosOp,
  erfOp,
  exp2Op,
  expm1Op,
  expOp,
  floorOp,
  isNaNOp,
  log10Op,
  log1pOp,
  log2Op,
  logOp,
  reluOp,
  roundOp,
  sigmoidOp,
  siluOp,
  sinhOp,
  sinOp,
  sqrtOp,
  tanhOp,
  tanOp,
  truncOp,
} from "./unary.ts";
import type { Op } from "../tensor.ts";
import { takeSpansOp, writeSpansOp } from "./spans.ts";
import { writeOp } from "./write.ts";

/** The records, in the order of their files. */
export const allOps: readonly Op[] = [
  addOp,
  subOp,
  gapOp,
  belowTopOp,
  mulOp,
  divOp,
  remOp,
  powOp,
  maximumOp,
  minimumOp,
  atan2Op,
  hypotOp,
  logAddExpOp,
  floorDivideOp,
  andOp,
  orOp,
  xorOp,
  shlOp,
  shrOp,
  barrierOp,
  bitcastOp,
  threefry0Op,
  threefry1Op,
  castOp,
  stopGradientOp,
  variableOp,
  withValuesOp,
  ltOp,
  leOp,
  eqOp,
  neOp,
  conv2dOp,
  conv2dInputGradOp,
  conv2dFilterGradOp,
  fullOp,
  lgammaOp,
  digammaOp,
  polygammaOp,
  indexOp,
  clampedLogOp,
  matmulOp,
  reshapeOp,
  permuteOp,
  broadcastOp,
  sliceOp,
  flipOp,
  padOp,
  concatOp,
  maxPool2dOp,
  maxPool2dScatterOp,
  maxPool2dGatherOp,
  avgPool2dOp,
  avgPool2dGradOp,
  sumOp,
  maxOp,
  minOp,
  argmaxOp,
  argminOp,
  prodOp,
  whereOp,
  argsortOp,
  cumsumOp,
  takeOp,
  takeGradOp,
  takeSpansOp,
  writeSpansOp,
  writeOp,
  negOp,
  absOp,
  signOp,
  floorOp,
  ceilOp,
  roundOp,
  truncOp,
  sqrtOp,
  expOp,
  exp2Op,
  logOp,
  log2Op,
  log10Op,
  expm1Op,
  log1pOp,
  sinOp,
  cosOp,
  tanOp,
  asinOp,
  acosOp,
  atanOp,
  sinhOp,
  coshOp,
  tanhOp,
  asinhOp,
  acoshOp,
  atanhOp,
  cbrtOp,
  erfOp,
  erfcOp,
  erfinvOp,
  geluOp,
  geluTanhOp,
  softplusOp,
  mishOp,
  seluOp,
  gudermannianOp,
  isruOp,
  softsignOp,
  sigmoidOp,
  siluOp,
  reluOp,
  isNaNOp,
  notOp,
];
