/**
 * Operations on elements. Where ONNX has no op of the same meaning, some do that together.
 *
 * @module
 */
import { type DType, isBool, isFloat, isInteger } from "../../core/dtype.ts";
import { absOp, addOp, divOp, mulOp, negOp, signOp, subOp } from "../../core/ops/arithmetic.ts";
import { andOp, notOp, orOp, shlOp, shrOp, xorOp } from "../../core/ops/logic.ts";
import { atan2Op, hypotOp } from "../../core/ops/polar.ts";
import { belowTopOp, floorDivideOp, gapOp, logAddExpOp, maximumOp, minimumOp, powOp, remOp } from "../../core/ops/binary.ts";
import { castOp } from "../../core/ops/cast.ts";
import { eqOp, leOp, ltOp, neOp } from "../../core/ops/compare.ts";
import { clampedLogOp } from "../../core/ops/losses.ts";
import { whereOp } from "../../core/ops/select.ts";
import { geluOp, geluTanhOp, mishOp, seluOp, softplusOp } from "../../core/ops/activations.ts";
import { erfcOp, gudermannianOp, isruOp, softsignOp } from "../../core/ops/special.ts";
import * as unary from "../../core/ops/unary.ts";
import type { Op } from "../../core/tensor.ts";
import type { Value } from "./graph.ts";
import { type Row, row } from "./emitter.ts";
import { codeOf } from "./writer.ts";

/** An op of the same meaning. */
function same(op: string): Row {
  return (value, emitter) => emitter.node(op, emitter.broadcasting(value.inputs));
}

/** Several ops, from the names of the inputs; `number` is a constant of the type of the inputs. */
type Formula = (write: Writer, ...inputs: string[]) => string;

/** What a formula is written with. */
interface Writer {
  (op: string, ...inputs: (string | number)[]): string;
  readonly value: Value;
}

function formula(write: Formula): Row {
  return (value, emitter) => {
    const { dtype } = value.inputs[0];
    const writer = (op: string, ...inputs: (string | number)[]) =>
      emitter.node(op, inputs.map((each) => typeof each === "number" ? emitter.scalar(dtype, each) : each));
    return write(Object.assign(writer, { value }), ...emitter.broadcasting(value.inputs));
  };
}

/** One op for bools, another for integers. */
function bitwise(ofBools: string, ofIntegers: string): Row {
  return (value, emitter) => same(isBool(value.dtype) ? ofBools : ofIntegers)(value, emitter);
}

/** Shifts by y modulo 32. ONNX shifts unsigned integers only: others go by them to the left, and by powers of 2 to the right. */
function shift(direction: "LEFT" | "RIGHT"): Row {
  return (value, emitter) => {
    const { dtype } = value;
    const [x, y] = emitter.broadcasting(value.inputs);
    const by = emitter.node("BitwiseAnd", [y, emitter.scalar(dtype, 31)]);
    const cast = (name: string, to: DType) => emitter.node("Cast", [name], { to: codeOf(to) });
    if (dtype === "u32") return emitter.node("BitShift", [x, by], { direction });
    if (direction === "LEFT") {
      return cast(emitter.node("BitShift", [cast(x, "u32"), cast(by, "u32")], { direction }), dtype);
    }
    const power = emitter.node("Pow", [emitter.scalar("f64", 2), cast(by, "f64")]);
    return cast(emitter.node("Floor", [emitter.node("Div", [cast(x, "f64"), power])]), dtype);
  };
}

const remainder: Row = (value, emitter) => emitter.node("Mod", emitter.broadcasting(value.inputs), { fmod: 1 });

// Without the remainder the quotient is a whole number up to rounding.
const floorDivide: Row = (value, emitter) => {
  const { dtype } = value;
  const [x, y] = emitter.broadcasting(value.inputs);
  const [zero, one] = [emitter.scalar(dtype, 0), emitter.scalar(dtype, 1)];
  const rest = emitter.node("Mod", [x, y], { fmod: 1 });
  const negative = (name: string) => emitter.node("Less", [name, zero]);
  const opposite = emitter.node("Xor", [negative(rest), negative(y)]);
  const some = emitter.node("Not", [emitter.node("Equal", [rest, zero])]);
  const less = emitter.node("And", [some, opposite]);
  const quotient = isInteger(dtype)
    ? emitter.node("Div", [x, y])
    : emitter.node("Round", [emitter.node("Div", [emitter.node("Sub", [x, rest]), y])]);
  return emitter.node("Where", [less, emitter.node("Sub", [quotient, one]), quotient]);
};

const cast: Row = (value, emitter) => emitter.node("Cast", [emitter.of(value.inputs[0])], { to: codeOf(value.dtype) });

/** max(x, 0), which not every integer type has. */
const relu: Row = (value, emitter) =>
  isFloat(value.dtype)
    ? same("Relu")(value, emitter)
    : emitter.node("Max", [emitter.of(value.inputs[0]), emitter.scalar(value.dtype, 0)]);

const hypot: Formula = (write, x, y) => {
  const [a, b] = [write("Abs", x), write("Abs", y)];
  const [large, small] = [write("Max", a, b), write("Min", a, b)];
  const ratio = write("Div", small, write("Where", write("Equal", large, 0), 1, large));
  const length = write("Mul", large, write("Sqrt", write("Add", write("Mul", ratio, ratio), 1)));
  return write("Where", write("Equal", large, Infinity), large, length);
};

/** The angle to the nearer half axis, turned by pi where x is negative. */
const atan2: Formula = (write, y, x) => {
  const origin = write("And", write("Equal", x, 0), write("Equal", y, 0));
  const angle = write("Where", origin, 0, write("Atan", write("Div", y, write("Where", origin, 1, x))));
  const turn = write("Where", write("Less", y, 0), -Math.PI, Math.PI);
  return write("Where", write("Less", x, 0), write("Add", angle, turn), angle);
};

/** log(1 + x): with the sum as it was rounded, the quotient undoes what rounding did. */
const log1p: Formula = (write, x) => {
  const sum = write("Add", x, 1);
  const [same, far] = [write("Equal", sum, 1), write("Equal", sum, Infinity)];
  const quotient = write("Div", x, write("Where", same, 1, write("Sub", sum, 1)));
  return write("Where", same, x, write("Mul", write("Log", sum), write("Where", far, 1, quotient)));
};

/** exp(x) - 1; near 0 by tanh(x / 2), which cancels nothing. */
const expm1: Formula = (write, x) => {
  const half = write("Tanh", write("Mul", x, 0.5));
  const near = write("Div", write("Mul", half, 2), write("Sub", 1, half));
  return write("Where", write("Less", write("Abs", x), 0.5), near, write("Sub", write("Exp", x), 1));
};

const logAddExp: Formula = (write, x, y) => {
  const distance = write("Where", write("Equal", x, y), 0, write("Abs", write("Sub", x, y)));
  return write("Add", write("Max", x, y), log1p(write, write("Exp", write("Neg", distance))));
};

export const elementwiseRows: readonly (readonly [Op, Row])[] = [
  row(addOp, same("Add")),
  row(subOp, same("Sub")),
  row(gapOp, formula((write, x, y) => write("Where", write("Equal", x, y), 0, write("Sub", x, y)))),
  row(belowTopOp, formula((write, x, y) => write("Where", write("Equal", x, Infinity), 0, write("Sub", x, y)))),
  row(mulOp, same("Mul")),
  row(divOp, same("Div")),
  row(remOp, remainder),
  row(powOp, same("Pow")),
  row(maximumOp, same("Max")),
  row(minimumOp, same("Min")),
  row(atan2Op, formula(atan2)),
  row(hypotOp, formula(hypot)),
  row(logAddExpOp, formula(logAddExp)),
  row(floorDivideOp, floorDivide),
  row(andOp, bitwise("And", "BitwiseAnd")),
  row(orOp, bitwise("Or", "BitwiseOr")),
  row(xorOp, bitwise("Xor", "BitwiseXor")),
  row(shlOp, shift("LEFT")),
  row(shrOp, shift("RIGHT")),
  row(castOp, cast),
  row(ltOp, same("Less")),
  row(leOp, same("LessOrEqual")),
  row(eqOp, same("Equal")),
  row(neOp, formula((write, x, y) => write("Not", write("Equal", x, y)))),
  row(clampedLogOp, formula((write, x) => write("Max", write("Log", x), -100))),
  row(whereOp, same("Where")),
  row(negOp, same("Neg")),
  row(absOp, same("Abs")),
  row(signOp, same("Sign")),
  row(unary.floorOp, same("Floor")),
  row(unary.ceilOp, same("Ceil")),
  row(unary.roundOp, same("Round")),
  row(unary.truncOp, formula((write, x) => write("Mul", write("Sign", x), write("Floor", write("Abs", x))))),
  row(unary.sqrtOp, same("Sqrt")),
  row(unary.expOp, same("Exp")),
  row(unary.exp2Op, formula((write, x) => write("Pow", 2, x))),
  row(unary.logOp, same("Log")),
  row(unary.log2Op, formula((write, x) => write("Mul", write("Log", x), Math.LOG2E))),
  row(unary.log10Op, formula((write, x) => write("Mul", write("Log", x), Math.LOG10E))),
  row(unary.expm1Op, formula(expm1)),
  row(unary.log1pOp, formula(log1p)),
  row(unary.sinOp, same("Sin")),
  row(unary.cosOp, same("Cos")),
  row(unary.tanOp, same("Tan")),
  row(unary.asinOp, same("Asin")),
  row(unary.acosOp, same("Acos")),
  row(unary.atanOp, same("Atan")),
  row(unary.sinhOp, same("Sinh")),
  row(unary.coshOp, same("Cosh")),
  row(unary.tanhOp, same("Tanh")),
  row(unary.asinhOp, same("Asinh")),
  row(unary.acoshOp, same("Acosh")),
  row(unary.atanhOp, same("Atanh")),
  row(unary.cbrtOp, formula((write, x) => write("Mul", write("Sign", x), write("Pow", write("Abs", x), 1 / 3)))),
  row(unary.erfOp, same("Erf")),
  row(erfcOp, formula((write, x) => write("Sub", 1, write("Erf", x)))),
  row(
    geluOp,
    formula((write, x) => {
      const below = write("Add", write("Erf", write("Mul", x, Math.SQRT1_2)), 1);
      return write("Mul", write("Mul", x, 0.5), below);
    }),
  ),
  row(
    geluTanhOp,
    formula((write, x) => {
      const cubic = write("Mul", write("Mul", x, write("Mul", x, x)), 0.044715);
      return write("Mul", x, write("Sigmoid", write("Mul", write("Add", x, cubic), Math.sqrt(8 / Math.PI))));
    }),
  ),
  row(softplusOp, same("Softplus")),
  row(mishOp, same("Mish")),
  row(seluOp, same("Selu")),
  row(gudermannianOp, formula((write, x) => write("Atan", write("Sinh", x)))),
  row(isruOp, formula((write, x) => write("Div", x, write("Sqrt", write("Add", write("Mul", x, x), 1))))),
  row(softsignOp, same("Softsign")),
  row(unary.sigmoidOp, same("Sigmoid")),
  row(unary.siluOp, formula((write, x) => write("Mul", x, write("Sigmoid", x)))),
  row(unary.reluOp, relu),
  row(unary.isNaNOp, same("IsNaN")),
  row(notOp, same("Not")),
];
