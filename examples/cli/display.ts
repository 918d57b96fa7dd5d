/**
 * What a training program shows while it works: a progress bar on a terminal, plain lines elsewhere.
 *
 * @module
 */
import type { Progress } from "../../datasets/mod.ts";
import { progressBars } from "../../dev_deps.ts";
import { type Shape, show, type Tensor } from "../../mod.ts";

/** How far the training has come. Loss and accuracy are means over the epoch so far. */
export interface Status {
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  /** Steps in an epoch. */
  readonly steps: number;
  readonly loss: number;
  /** The mean loss of the steps since the last plain line. */
  readonly runningLoss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  readonly imagesPerSecond: number;
  /** Until the end of the last epoch. */
  readonly secondsLeft: number;
}

/** Where a program shows its progress. */
export interface Display extends Disposable {
  /** A line that stays. */
  line(text: string): void;
  /** How far a download has come. */
  download(progress: Progress): void;
  /** How far the training has come. */
  training(status: Status): void;
  /** The bar, if there is one, goes away. */
  close(): void;
}

/** The number of steps between two plain lines. */
export const stepsPerLine = 300;

/** A display that suits where the output goes. */
export function openDisplay(): Display {
  return Deno.stderr.isTerminal() ? bars() : lines();
}

function lines(): Display {
  let file: string | undefined;
  return {
    line: (text) => console.log(text),
    download: (progress) => {
      if (progress.file !== file) console.log(`Downloading ${progress.file}`);
      file = progress.file;
    },
    training: (status) => {
      if (status.step % stepsPerLine === 0) {
        const running = describe({ ...status, loss: status.runningLoss });
        console.log(`epoch ${status.epoch}/${status.epochs}  step ${status.step}/${status.steps}  ${running}`);
      }
    },
    close: () => {},
    [Symbol.dispose]: () => {},
  };
}

/** Bars on the standard error, so that the standard output can be kept in a file. */
function bars(): Display {
  let title = "";
  let bar: progressBars.SingleBar | undefined;
  const close = () => {
    bar?.stop();
    bar = undefined;
    title = "";
  };
  const show = (name: string, total: number, value: number, text: string) => {
    if (name !== title) {
      close();
      title = name;
      bar = new progressBars.SingleBar(
        // By default it turns off that lines wrap, and a program that is killed leaves the terminal so.
        { format: `${name} {bar} {text}`, barsize: 10, clearOnComplete: true, linewrap: true },
        style,
      );
      bar.start(total, value, { text });
    }
    bar?.update(value, { text });
  };
  return {
    line: (text) => {
      close();
      console.log(text);
    },
    download: ({ file, received, total }) => {
      show(file, total ?? 0, received, total ? `${megabytes(received)} of ${megabytes(total)} MB` : `${megabytes(received)} MB`);
    },
    training: (status) => show(`epoch ${status.epoch}/${status.epochs}`, status.steps, status.step, describe(status)),
    close,
    [Symbol.dispose]: close,
  };
}

const style = progressBars.Presets.shades_classic;

function describe({ loss, accuracy, imagesPerSecond, secondsLeft }: Status): string {
  const rate = Math.round(imagesPerSecond).toLocaleString("en");
  return `loss ${lossText(loss)}  accuracy ${percent(accuracy)}  ${rate} images/s  ${duration(secondsLeft)} left`;
}

/** A loss, with four digits behind the point while it is of a size for them. */
export function lossText(loss: number): string {
  return Math.abs(loss) < 1e6 ? loss.toFixed(4) : loss.toExponential(4);
}

/** A part of the whole, as percents. */
export function percent(part: number, digits = 1): string {
  return `${(100 * part).toFixed(digits)} %`;
}

/** Seconds, for people. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${seconds.toFixed(0)} s`;
  return seconds < 5970 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Bytes in millions. */
function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** A shape, as errors and tables write it. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Prints a tensor below a line that says what it is. */
export function printTensor(what: string, x: Tensor): void {
  console.log(`${what}:\n${show(x)}`);
}
