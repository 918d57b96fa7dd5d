/**
 * The innermost loop of matrix products: a tile of the result held in registers over all steps of the inner product.
 *
 * Each step adds an outer product: `rows` broadcast elements of the left matrix times a few vectors of the right one. Of the two,
 * the fewer are held in registers and the others loaded one at a time. 6 rows by 8 columns, with 12 vectors of sums, is the
 * largest tile that fits the 15 registers there are, and the one with the best ratio of multiply-adds to loads. Where the engine
 * merges two neighbouring vectors into one register of twice the length (see `tile_loops.ts`), it is 6 by 16: the code is the
 * same, with more columns. So it is with machine code, whose vectors are longer or more (see `native/native.ts`).
 *
 * In WebAssembly a tile of single vectors waits for loads and the checks of their bounds, not for multiply-adds: 6 rows with a load for
 * each element reach 0.87 of the peak (Intel, family 6, model 167). Where the left matrix is packed, or its rows lie beside each other, one
 * load brings four elements. 5 rows have a register to spare, to spread them from, and reach 0.95: ten sums are few to hide the latency of
 * multiply-adds behind. 6 rows exchange lanes instead: four rows in a vector are multiplied by four columns as they lie, and again after
 * each exchange, so that each sum holds one element of every row and every column; when all steps are done lanes change places between the
 * sums. Two more rows are a vector of two pairs. That takes 4 loads for 12 multiply-adds, 15 registers, and reaches 0.98.
 *
 * @module
 */
import { Cursor, moveInPlace } from "../emit/cursor.ts";
import { type Distance, Distances } from "../emit/distances.ts";
import { addOuterProduct, releaseSumTile, type SumTile, sumTile } from "../emit/outer_product.ts";
import type {
  LaneExchanges,
  VectorCode,
  VectorFunction,
  VectorParameter,
  VectorWriter,
  WriteVectors,
} from "../emit/vector_code.ts";
import { floatBytes, vectorLanes } from "../emit/vectors.ts";
import { lineBytes } from "../../control.ts";
import { lanesOf, type Tiles, wideTile } from "./tile.ts";

/** Steps that are written out one after the other, and where there are many. */
const unrolledSteps = 4;
const manySteps = 8;

/** The most registers of a tile that spreads elements. */
const spreadingRegisters = 14;
const alongRegisters = 15;

/** A tile that exchanges lanes has as many rows besides those of a vector, and as many vectors of columns. */
const pairRows = 2;
const exchangedVectors = 2;

/** A tile and the layout of its operands; distances in floats. */
export interface TileSpec {
  readonly rows: number;
  readonly columns: number;
  /** In the left matrix: from row to row, and from step to step. */
  readonly lhsRow: number;
  readonly lhsStep: number;
  /** In the right matrix from step to step; its columns are contiguous. */
  readonly rhsStep: number;
  readonly resultRow: number;
  /** Whether the number of steps is always a multiple of four. */
  readonly wholeSteps: boolean;
  /** Whether the tile may be asked to add to the result. */
  readonly accumulates: boolean;
  /**
   * Lines of the cache that a tile of `tileColumn` asks for in every four steps, so that what follows in the right matrix comes from memory
   * while others are multiplied by what is there.
   */
  readonly linesAhead?: number;
  /** If the steps come in runs: from one run to the next in either matrix. */
  readonly runs?: { readonly lhs: number; readonly rhs: number };
}

const tileParameters: readonly VectorParameter[] = ["address", "address", "address", "count", "count"];

/**
 * Writes a function (lhs, rhs, result, steps, accumulate): result = lhs rhs, plus the result before if `accumulate` is not 0. Where the
 * steps come in runs the last parameter is their number, in place of `accumulate` or, if the tile may be asked to, behind it; `steps` are
 * those of each.
 */
export function microKernel(writer: VectorWriter, spec: TileSpec): number {
  const params = spec.runs && spec.accumulates ? [...tileParameters, "count"] as const : tileParameters;
  return writer.func({ ...formOf(spec), params }, writeTile(spec));
}

/**
 * As many lines as make `count` tiles ask for the columns that follow those that they are multiplied by: none in WebAssembly, which has no
 * instruction for it.
 */
export function linesAheadOf(tiles: Tiles, columns: number, count: number): number {
  if (lanesOf(tiles) === vectorLanes) return 0;
  return Math.ceil(unrolledSteps * columns * floatBytes / lineBytes / count);
}

/** The bytes that so many tiles of so many lines ask for. */
export function bytesAhead(linesAhead: number, steps: number, count: number): number {
  return Math.floor(steps / unrolledSteps) * linesAhead * lineBytes * count;
}

/** Where the rows of the next tile are in the left matrix: below those of the one before, or behind them, in packed strips of rows. */
export type NextRows = "below" | "behind";

/**
 * Writes a function (lhs, rhs, result, steps, accumulate, tiles): as many tiles one below the other, by the same part of the right matrix.
 * The last parameter of one that asks for lines ahead is the address of the first.
 */
export function tileColumn(writer: VectorWriter, spec: TileSpec, next: NextRows): number {
  const { rows, lhsRow, lhsStep, resultRow, linesAhead = 0 } = spec;
  const last: readonly VectorParameter[] = linesAhead > 0 ? ["address"] : [];
  const tile = writer.part({ ...formOf(spec), params: [...tileParameters, ...last] }, writeTile(spec));
  return writer.func(
    { name: `tiles ${next} ${nameOf(spec)}`, params: [...tileParameters, "count", ...last] },
    (code, [lhs, rhs, result, steps, accumulate, tiles, ...ahead]) =>
      code.repeat(tiles, () => {
        code.call(tile, [lhs, rhs, result, steps, accumulate, ...ahead]);
        for (const each of ahead) code.addScaled(each, steps, bytesAhead(linesAhead, unrolledSteps, 1) / unrolledSteps);
        if (next === "behind") code.addScaled(lhs, steps, lhsStep * floatBytes);
        else code.add(lhs, rows * lhsRow * floatBytes);
        code.add(result, rows * resultRow * floatBytes);
      }),
  );
}

/**
 * Writes a function (lhs, rhs, result, steps, accumulate, lines) of tiles by the same part of the right matrix: lines of some tiles of each
 * size, one below the other, each line so many floats behind the one before in the left matrix and in the result. The tiles have the same
 * columns and ask for as many lines of the cache ahead; the last parameter is then the address of the first.
 */
export function tileLines(
  writer: VectorWriter,
  sizes: readonly { readonly spec: TileSpec; readonly count: number }[],
  next: { readonly lhs: number; readonly result: number },
): number {
  const { linesAhead = 0 } = sizes[0].spec;
  const last: readonly VectorParameter[] = linesAhead > 0 ? ["address"] : [];
  const parts = sizes.map(({ spec, count }) => ({
    tile: writer.part({ ...formOf(spec), params: [...tileParameters, ...last] }, writeTile(spec)),
    lhs: spec.rows * spec.lhsRow,
    result: spec.rows * spec.resultRow,
    count,
  }));
  const rest = (of: "lhs" | "result") => next[of] - parts.reduce((sum, part) => sum + part.count * part[of], 0);
  const name = `lines of ${sizes.map(({ spec, count }) => `${count} ${nameOf(spec)}`)} ${[next.lhs, next.result]}`;
  return writer.func(
    { name, params: [...tileParameters, "count", ...last] },
    (code, [lhs, rhs, result, steps, accumulate, lines, ...ahead]) => {
      const [left] = code.integers(1);
      code.repeat(lines, () => {
        for (const part of parts) {
          code.setConstant(left, part.count);
          code.repeat(left, () => {
            code.call(part.tile, [lhs, rhs, result, steps, accumulate, ...ahead]);
            for (const each of ahead) code.addScaled(each, steps, bytesAhead(linesAhead, unrolledSteps, 1) / unrolledSteps);
            code.add(lhs, part.lhs * floatBytes);
            code.add(result, part.result * floatBytes);
          });
        }
        code.add(lhs, rest("lhs") * floatBytes);
        code.add(result, rest("result") * floatBytes);
      });
      code.releaseIntegers(left);
    },
  );
}

/**
 * Writes a function (lhs, rhs, result, steps, last, tiles): as many tiles of the same left matrix beside each other, each so many floats
 * behind the one before in the right matrix and in the result.
 */
export function tileRow(
  writer: VectorWriter,
  spec: TileSpec,
  next: { readonly rhs: number; readonly result: number },
): number {
  const tile = writer.part({ ...formOf(spec), params: tileParameters }, writeTile(spec));
  return writer.func(
    { name: `tiles beside ${nameOf(spec)} ${[next.rhs, next.result]}`, params: [...tileParameters, "count"] },
    (code, [lhs, rhs, result, steps, last, tiles]) =>
      code.repeat(tiles, () => {
        code.call(tile, [lhs, rhs, result, steps, last]);
        code.add(rhs, next.rhs * floatBytes);
        code.add(result, next.result * floatBytes);
      }),
  );
}

function nameOf(spec: TileSpec): string {
  return `tile ${JSON.stringify(spec)}`;
}

type TileDistance = "lhsRow" | "lhsStep" | "rhsStep" | "resultRow" | "lhsRun" | "rhsRun";

/** The distances of a tile: told are those that are neither between neighbours nor in packed strips and panels. */
function distancesOf({ rows, lhsRow, lhsStep, rhsStep, resultRow, runs }: TileSpec): Distances<TileDistance> {
  const floats = { lhsRow, lhsStep, rhsStep, resultRow, lhsRun: runs?.lhs ?? 0, rhsRun: runs?.rhs ?? 0 };
  const isFixed = {
    lhsRow: lhsRow === 1,
    lhsStep: lhsStep === 1 || lhsStep === rows,
    rhsStep: rhsStep <= wideTile,
    resultRow: false,
    lhsRun: runs === undefined,
    rhsRun: runs === undefined,
  };
  const bytes = Object.entries(floats).map(([name, distance]) => [name, distance * floatBytes]);
  return new Distances(Object.fromEntries(bytes) as Record<TileDistance, number>, (name) => isFixed[name]);
}

/** What the code of a tile depends on, and the distances that it is told. */
function formOf(spec: TileSpec): Pick<VectorFunction, "name" | "distances"> {
  const { rows, columns, wholeSteps, accumulates, runs, linesAhead } = spec;
  const { form, told } = distancesOf(spec);
  return { name: `tile ${[rows, columns, wholeSteps, accumulates, runs !== undefined, linesAhead]} ${form}`, distances: told };
}

function writeTile(spec: TileSpec): WriteVectors {
  return (code, parameters, told) => new Tile(code, spec, distancesOf(spec).with(told), parameters).write();
}

class Tile {
  readonly #code: VectorCode;
  readonly #spec: TileSpec;
  readonly #distances: Readonly<Record<TileDistance, Distance>>;
  readonly #lhs: number;
  readonly #rhs: number;
  readonly #result: number;
  readonly #steps: number;
  /** Whether to accumulate, and the number of runs. */
  readonly #accumulate: number;
  readonly #runs: number;
  /** The address of the next line to ask for, if there is one. */
  readonly #ahead: number;
  readonly #tile: SumTile;
  readonly #count: number;
  /** A vector for neighbouring elements of the left matrix, if they are loaded together and spread. */
  readonly #together: number | undefined;
  /** Or one for each row, of some of its steps. */
  readonly #along: readonly number[];
  /** What exchanges lanes, if the tile does. */
  readonly #exchanges: LaneExchanges | undefined;

  constructor(
    code: VectorCode,
    spec: TileSpec,
    distances: Readonly<Record<TileDistance, Distance>>,
    [lhs, rhs, result, steps, last, behind]: readonly number[],
  ) {
    this.#code = code;
    this.#spec = spec;
    this.#distances = distances;
    [this.#lhs, this.#rhs, this.#result, this.#steps] = [lhs, rhs, result, steps];
    [this.#accumulate, this.#runs] = [last, spec.accumulates ? behind : last];
    this.#ahead = behind;
    const vectors = Math.ceil(spec.columns / code.lanes);
    this.#tile = sumTile(code, spec.rows, vectors, spec.rows < vectors);
    [this.#count] = code.integers(1);
    const beside = spec.rows > 1 && spec.lhsRow === 1 && vectors <= spec.rows;
    const together = beside && (spec.lhsStep === spec.rows || spec.rows >= code.lanes);
    const spreads = code.spread && together && spec.rows * vectors + vectors + 2 <= spreadingRegisters;
    this.#together = spreads ? code.vectors(1)[0] : undefined;
    const along = code.spread && spec.lhsStep === 1 && spec.wholeSteps &&
      spec.rows * vectors + vectors + 1 + spec.rows <= alongRegisters;
    this.#along = along ? code.vectors(spec.rows) : [];
    const exchanges = beside && spec.rows === code.lanes + pairRows && vectors === exchangedVectors;
    this.#exchanges = exchanges ? code.exchanges : undefined;
  }

  write(): void {
    const code = this.#code;
    const { runs } = this.#spec;
    this.#eachSum((sum) => code.clear(sum));
    if (this.#spec.accumulates) {
      code.unless0(this.#accumulate, () => {
        this.#eachSum((sum, lanes, address, offset) => code.load(sum, address, offset, lanes));
        this.#exchangeSums();
      });
    }
    if (runs) this.#eachRun();
    else this.#run();
    this.#exchangeSums();
    this.#eachSum((sum, lanes, address, offset) => code.store(sum, address, offset, lanes));
    releaseSumTile(code, this.#tile);
    code.releaseIntegers(this.#count);
    if (this.#together !== undefined) code.releaseVectors(this.#together);
    code.releaseVectors(...this.#along);
  }

  /** Adds the products of all steps of a run. */
  #run(): void {
    const code = this.#code;
    const many = code.spread && !this.#exchanges ? manySteps : unrolledSteps;
    code.setQuotient(this.#count, this.#steps, many);
    code.repeat(this.#count, () => this.#addSteps(many));
    if (many > unrolledSteps) {
      code.setRemainder(this.#count, this.#steps, many);
      code.setQuotient(this.#count, this.#count, unrolledSteps);
      code.unless0(this.#count, () => this.#addSteps(unrolledSteps));
    }
    if (this.#spec.wholeSteps) return;
    code.setRemainder(this.#count, this.#steps, unrolledSteps);
    code.repeat(this.#count, () => this.#addSteps(1));
  }

  #eachRun(): void {
    const code = this.#code;
    const [lhs, rhs] = code.integers(2);
    code.set(lhs, this.#lhs);
    code.set(rhs, this.#rhs);
    code.repeat(this.#runs, () => {
      this.#run();
      moveInPlace(code, lhs, this.#distances.lhsRun);
      moveInPlace(code, rhs, this.#distances.rhsRun);
      code.set(this.#lhs, lhs);
      code.set(this.#rhs, rhs);
    });
    code.releaseIntegers(lhs, rhs);
  }

  /** Calls `body` with each sum, how many of its lanes are columns, and where its first element is in the result. */
  #eachSum(body: (sum: number, lanes: number, address: number, offset: number) => void): void {
    const { lanes } = this.#code;
    const line = new Cursor(this.#code, this.#result);
    this.#tile.sums.forEach((sums, row) => {
      if (row > 0) line.move(this.#distances.resultRow);
      sums.forEach((sum, v) =>
        body(sum, Math.min(lanes, this.#spec.columns - v * lanes), line.address, line.offset + v * lanes * floatBytes)
      );
    });
    line.release();
  }

  /** Adds the products of some steps, and moves the pointers behind them. */
  #addSteps(count: number): void {
    const lhs = new Cursor(this.#code, this.#lhs, { inPlace: true });
    const rhs = new Cursor(this.#code, this.#rhs, { inPlace: true });
    for (let step = 0; step < count; step++) {
      this.#addStep(lhs, rhs, step, count);
      if (count === unrolledSteps) this.#bringAhead(step);
      lhs.move(this.#distances.lhsStep);
      rhs.move(this.#distances.rhsStep);
    }
    lhs.settle();
    rhs.settle();
  }

  /** Asks for the lines of step number `step` of four. */
  #bringAhead(step: number): void {
    const code = this.#code;
    const { linesAhead = 0 } = this.#spec;
    for (let line = step; line < linesAhead; line += unrolledSteps) code.bringNear?.(this.#ahead, line * lineBytes);
    if (linesAhead > 0 && step === unrolledSteps - 1) code.add(this.#ahead, linesAhead * lineBytes);
  }

  /** Brings each row's elements into its sums, or back where exchanges leave them: lane j of sum i has row i xor j. */
  #exchangeSums(): void {
    if (!this.#exchanges) return;
    const { sums, passing } = this.#tile;
    for (const distance of [1, 2] as const) {
      sums.forEach((line, row) => {
        const other = row ^ distance;
        // The last two rows are a pair.
        if (other < row || other >= sums.length) return;
        line.forEach((sum, v) => this.#exchanges!.between(sum, sums[other][v], distance, passing));
      });
    }
  }

  /** Sets a vector to the factor of a row in step number `step` of `count`; rows come in order. */
  #loadLeft(to: number, lineOf: (row: number) => Cursor, row: number, step: number, count: number): void {
    const [code, together] = [this.#code, this.#together];
    const { rows, lhsStep } = this.#spec;
    if (this.#along.length > 0 && count % code.lanes === 0) return code.spread!(to, this.#along[row], step % code.lanes);
    // Packed steps follow each other without a gap, whole vectors of them; else it is the rows of a step.
    const packed = lhsStep === rows && count % code.lanes === 0;
    const number = packed ? step * rows + row : row;
    const end = packed ? count * rows : rows;
    if (together === undefined || number - number % code.lanes + code.lanes > end) {
      const line = lineOf(row);
      return code.broadcast(to, line.address, line.offset);
    }
    if (number % code.lanes === 0) {
      const line = lineOf(row);
      code.load(together, line.address, line.offset);
    }
    code.spread!(to, together, number % code.lanes);
  }

  /** Adds the outer product of step number `step` of `count`, at which the pointers are. */
  #addStep(lhs: Cursor, rhs: Cursor, step: number, count: number): void {
    const code = this.#code;
    const { columns } = this.#spec;
    const loadColumn = (to: number, v: number) =>
      code.load(to, rhs.address, rhs.offset + v * code.lanes * floatBytes, Math.min(code.lanes, columns - v * code.lanes));
    if (this.#exchanges) return this.#addExchanged(this.#exchanges, lhs, loadColumn);
    if (step % code.lanes === 0 && count % code.lanes === 0) {
      this.#withRows(lhs, (lineOf) =>
        this.#along.forEach((to, row) => {
          const line = lineOf(row);
          code.load(to, line.address, line.offset);
        }));
    }
    this.#withRows(
      lhs,
      (lineOf) => addOuterProduct(code, this.#tile, (to, row) => this.#loadLeft(to, lineOf, row, step, count), loadColumn),
    );
  }

  /** Gives `body` what moves to a row of the left matrix, row after row. */
  #withRows(lhs: Cursor, body: (lineOf: (row: number) => Cursor) => void): void {
    const line = new Cursor(this.#code, lhs.address, { offset: lhs.offset });
    let reached = 0;
    body((row) => {
      for (; reached < row; reached++) line.move(this.#distances.lhsRow);
      return line;
    });
    line.release();
  }

  /** The same by exchanging lanes of the left matrix. */
  #addExchanged(exchanges: LaneExchanges, lhs: Cursor, loadColumn: (to: number, v: number) => void): void {
    const code = this.#code;
    const { sums, held, passing } = this.#tile;
    const add = (row: number) => held.forEach((column, v) => code.multiplyAdd(passing, column, sums[row][v]));
    held.forEach((to, v) => loadColumn(to, v));
    code.load(passing, lhs.address, lhs.offset);
    add(0);
    exchanges.within(passing, 1);
    add(1);
    exchanges.within(passing, 2);
    add(3);
    exchanges.within(passing, 1);
    add(2);
    exchanges.loadPair(passing, lhs.address, lhs.offset + code.lanes * floatBytes);
    add(4);
    exchanges.within(passing, 1);
    add(5);
  }
}
