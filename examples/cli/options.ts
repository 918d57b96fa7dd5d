/**
 * The flags of `mnist_cnn.ts`: what there is, what it means, which values it takes.
 *
 * @module
 */
import { Either, pipe } from "../../deps.ts";
import { Option } from "../../dev_deps.ts";
import { type ModelName, models } from "../parts/models.ts";
import { decimal, deviceOption, integer, makeCommand, notEmpty, parseCommand } from "./command.ts";
import { dataFlag, dataNotes } from "./data.ts";
import { type Failure, misused } from "./failure.ts";

const modelNames = Object.keys(models) as ModelName[];
const optimizerNames = ["sgd", "adam", "adamW"] as const;

/** The options of a training run. */
export type Options = ReturnType<ReturnType<typeof trainingCommand>["opts"]>;

/** Reads the flags; an early end is a wrong command line, or `--help`, which has then been printed. */
export function parseOptions(args: readonly string[]): Either.Either<Failure, Options> {
  const command = trainingCommand();
  return pipe(
    parseCommand(command, args),
    Either.filterOrElse(
      ({ optimizer }) => optimizer === "sgd" || command.getOptionValueSource("momentum") !== "cli",
      ({ optimizer }) => misused(`error: option '--momentum' is for --optimizer sgd, ${optimizer} has none`),
    ),
    Either.filterOrElse(
      ({ checkpoint, checkpointSteps, resume }) => checkpoint !== undefined || (checkpointSteps === undefined && !resume),
      ({ resume }) => misused(`error: option '--${resume ? "resume" : "checkpoint-steps"}' needs --checkpoint FOLDER`),
    ),
  );
}

function trainingCommand() {
  return makeCommand(
    "mnist_cnn.ts",
    "Trains a network to read handwritten digits and reports its accuracy on digits it has not seen.",
  )
    .addOption(new Option("--model <name>", "the network").choices(modelNames).default("cnn" as const))
    .option("--epochs <count>", "passes over the training images", integer(1), 3)
    .option("--batch-size <count>", "images per step", integer(1), 64)
    .option("--lr <rate>", "learning rate, above 0", decimal("a number above 0", (rate) => rate > 0), 0.01)
    .option("--momentum <m>", "of sgd: 0 or more, below 1", decimal("0 or more and below 1", (m) => m >= 0 && m < 1), 0.5)
    .addOption(new Option("--optimizer <name>", "how to follow the gradient").choices(optimizerNames).default("sgd" as const))
    .option("--seed <number>", "chooses initial parameters, order of images and dropout", integer(0), 0)
    .addOption(deviceOption())
    .option("--threads <count>", "threads of wasm (default: all cores)", integer(1, 256))
    .option(...dataFlag)
    .option("--limit <count>", "use only the first <count> training images", integer(1))
    .option("--report <file>", "write a report as JSON", notEmpty)
    .option(
      "--checkpoint <folder>",
      "keep there what the training needs to go on: after each epoch, and when Ctrl-C ends it",
      notEmpty,
    )
    .option("--checkpoint-steps <count>", "keep it also after every <count> steps", integer(1))
    .option("--resume", "go on from the newest whole checkpoint, as if there had been no break; start if there is none")
    .option("--save <file>", "write the trained model as safetensors, for classify.ts and others", notEmpty)
    .addOption(
      new Option(
        "--smoke",
        "a run of a few seconds: stands for --epochs 1 --limit 2000 --data synthetic where these are not given, " +
          "and tests on 200 images",
      ).implies({ epochs: 1, limit: 2000, data: "synthetic" }),
    )
    .addHelpText("after", notes);
}

const notes = `
${dataNotes}

Permissions: none are needed, and none are asked for. Downloading and writing files need -A, or the flags that the program names.

Exit codes: 0 done, 1 something did not work (data, device, a file), 2 wrong command line, 128 + n stopped by signal n (130: Ctrl-C).`;
