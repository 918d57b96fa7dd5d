/**
 * What drivers must not see, because they take floats for real numbers: where they did, x * 0 and x - x would be 0 also for NaN and
 * infinity, and (x + y) - x would be y, as if nothing had been rounded; a choice of the larger number would be a maximum. Such an operand is passed through `exact` (`helpers.ts`).
 *
 * @module
 */
import type { Expr } from "../../../../ir/expr.ts";

type Binary = Extract<Expr, { kind: "binary" }>;
type Select = Extract<Expr, { kind: "select" }>;

type Kind = (e: Expr) => boolean;

const isSum: Kind = (e) => e.kind === "binary" && (e.op === "add" || e.op === "sub");
/** A power by a literal is a product. */
const isProduct: Kind = (e) => e.kind === "binary" && (e.op === "mul" || e.op === "div" || e.op === "pow");
const isQuotient: Kind = (e) => e.kind === "binary" && e.op === "div";
const isRoot: Kind = (e) => e.kind === "unary" && e.op === "sqrt";
const isLiteral: Kind = (e) => e.kind === "const";

/**
 * A finite literal of f32: compilers compute functions of it themselves, each in its own way, and refuse results that are not finite.
 * Others are hidden where they are written, and a second time would show them again.
 */
export function isFloatLiteral(e: Expr): boolean {
  return e.kind === "const" && e.type === "f32" && Number.isFinite(e.value);
}

/** A product, or minus one, that can be fused with a sum. */
const isFusable: Kind = (e) =>
  e.kind === "unary" && e.op === "neg" ? isFusable(e.x) : e.kind === "binary" && (e.op === "mul" || e.op === "pow");

/** Such a factor, 1 - y in x (1 - y), would be multiplied out: x - x y, which is NaN where both are infinite. */
const isSumWithLiteral: Kind = (e) => e.kind === "binary" && isSum(e) && (isLiteral(e.x) || isLiteral(e.y));

/** A literal 0 or -0 of f32. */
function isZero(e: Expr): boolean {
  return e.kind === "const" && e.type === "f32" && e.value === 0;
}

/**
 * Which operands of an operation have to be hidden.
 *
 * @param fusesProducts Whether a driver fuses products with sums. It would do so where it sees both, and one and the same value could
 * then come out of two kernels in two ways.
 */
export function hiddenOperands({ op, x, y }: Binary, fusesProducts: boolean): readonly [x: boolean, y: boolean] {
  if (x.type !== "f32") return [false, false];
  if (isFloatLiteral(x) && isFloatLiteral(y)) return [true, isZero(y)];
  const same = isSame(x, y);
  switch (op) {
    case "eq":
    case "le":
      return [false, same];
    case "add":
    case "sub": {
      // Of equal operands one: two hidden alike would be equal again.
      if (same) return [false, op === "sub"];
      const hides = (e: Expr, other: Expr) =>
        isZero(e) || (isSum(e) && (isLiteral(other) || share(e, other, isSum))) || (fusesProducts && isFusable(e));
      const hasCommonFactor = isProduct(x) && isProduct(y) && share(x, y, isProduct);
      return [hides(x, y), hides(y, x) || hasCommonFactor || isNegativeOf(x, y) || isNegativeOf(y, x)];
    }
    case "mul":
    case "div": {
      if (same) return [false, op === "div" || isRoot(x)];
      const divides = op === "div" || isQuotient(x) || isQuotient(y);
      const nested = (e: Expr, other: Expr) => isProduct(e) && (isLiteral(other) || (divides && share(e, other, isProduct)));
      const hides = (e: Expr, other: Expr) =>
        isZero(e) || isSwitch(e) || nested(e, other) || (fusesProducts && isSumWithLiteral(e));
      return [hides(x, y), hides(y, x)];
    }
    default:
      return [false, false];
  }
}

/**
 * Which choices of a select have to be hidden: a number that was compared with the other one and is then chosen from the two would
 * become a minimum or maximum, which drops NaN.
 */
export function hiddenChoices({ test: e, x, y }: Select): readonly [x: boolean, y: boolean] {
  const test = e.kind === "unary" && e.op === "not" ? e.x : e;
  if (x.type !== "f32" || !isComparison(test)) return [false, false];
  const isCompared = (e: Expr) => !isLiteral(e) && (isSame(e, test.x) || isSame(e, test.y));
  return [isCompared(x), isCompared(y)];
}

function isComparison(e: Expr): e is Binary {
  return e.kind === "binary" && (e.op === "lt" || e.op === "le") && e.x.type === "f32";
}

/** Whether two expressions are one value. */
function isSame(x: Expr, y: Expr): boolean {
  return x === y || ((x.kind === "load" || x.kind === "result") && x.kind === y.kind && x.slot === y.slot);
}

/** Whether two expressions are computed alike, as far as drivers look. */
function isAlike(x: Expr, y: Expr, depth = 4): boolean {
  if (isSame(x, y)) return true;
  if (depth === 0) return false;
  if (x.kind === "const" && y.kind === "const") return Object.is(x.value, y.value);
  if (x.kind === "unary" && y.kind === "unary") return x.op === y.op && isAlike(x.x, y.x, depth - 1);
  if (x.kind !== "binary" || y.kind !== "binary") return false;
  return x.op === y.op && isAlike(x.x, y.x, depth - 1) && isAlike(x.y, y.y, depth - 1);
}

const isNegativeOf = (x: Expr, y: Expr) => x.kind === "unary" && x.op === "neg" && isAlike(x.x, y);

/** A choice of literals, one of them 0: a product with it would become a choice of products. */
function isSwitch(e: Expr): boolean {
  if (e.kind === "cast") return e.x.type === "bool";
  return e.kind === "select" && isLiteral(e.x) && isLiteral(e.y) && (isZero(e.x) || isZero(e.y));
}

/** Drivers do not look further than this. */
const mostTerms = 16;

/** The terms of a sum, or the factors of a product, and the parts that are sums or products themselves. */
function termsOf(e: Expr, family: Kind): readonly Expr[] {
  const found = [e];
  for (let i = 0; i < found.length && found.length < mostTerms; i++) {
    const term = found[i];
    if (term.kind === "unary" && term.op === "neg") found.push(term.x);
    else if (term.kind === "binary" && family(term)) found.push(term.x, term.y);
  }
  return found;
}

function share(x: Expr, y: Expr, family: Kind): boolean {
  const terms = termsOf(y, family);
  return termsOf(x, family).some((term) => !isLiteral(term) && terms.some((other) => isSame(term, other)));
}
