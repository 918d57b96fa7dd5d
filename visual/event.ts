/**
 * What TensorBoard reads, as protocol buffers: an event holds when, at which step, and a summary: a tag and a scalar, an image or
 * a histogram. The numbers are those of the fields in TensorFlow's event.proto, summary.proto and histogram.proto; only fields we
 * need are here.
 *
 * @see https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto
 * @module
 */
import type { Buckets } from "./buckets.ts";
import { BinaryWriter, WireType } from "./deps.ts";

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;

/** What a summary says. */
export type Summary =
  | { readonly kind: "scalar"; readonly value: number }
  | {
    readonly kind: "image";
    readonly height: number;
    readonly width: number;
    readonly channels: 1 | 3;
    readonly png: Uint8Array;
  }
  | { readonly kind: "histogram"; readonly buckets: Buckets };

/** The first event of a file. `time` is in seconds since 1970. */
export function versionEvent(time: number): Uint8Array {
  return new BinaryWriter()
    .tag(1, Bit64).double(time)
    .tag(3, LengthDelimited).string("brain.Event:2")
    .finish();
}

/** An event with one summary. */
export function summaryEvent(time: number, step: number, tag: string, summary: Summary): Uint8Array {
  const event = new BinaryWriter()
    .tag(1, Bit64).double(time)
    .tag(2, Varint).int64(step)
    .tag(5, LengthDelimited).fork() // Summary
    .tag(1, LengthDelimited).fork() // Summary.Value
    .tag(1, LengthDelimited).string(tag);
  return writeSummary(event, summary).join().join().finish();
}

/** Writes one of the values of a Summary.Value. */
function writeSummary(event: BinaryWriter, summary: Summary): BinaryWriter {
  switch (summary.kind) {
    case "scalar":
      return event.tag(2, Bit32).float(Math.fround(summary.value));
    case "image":
      return event.tag(4, LengthDelimited).fork()
        .tag(1, Varint).int32(summary.height)
        .tag(2, Varint).int32(summary.width)
        .tag(3, Varint).int32(summary.channels) // the "colorspace": 1 is grey, 3 is RGB
        .tag(4, LengthDelimited).bytes(summary.png)
        .join();
    case "histogram":
      return writeBuckets(event.tag(5, LengthDelimited).fork(), summary.buckets).join();
  }
}

/** Writes the fields of a HistogramProto. */
function writeBuckets(event: BinaryWriter, { min, max, count, sum, sumOfSquares, limits, counts }: Buckets): BinaryWriter {
  event
    .tag(1, Bit64).double(min)
    .tag(2, Bit64).double(max)
    .tag(3, Bit64).double(count)
    .tag(4, Bit64).double(sum)
    .tag(5, Bit64).double(sumOfSquares);
  writeDoubles(event.tag(6, LengthDelimited), limits);
  return writeDoubles(event.tag(7, LengthDelimited), counts);
}

function writeDoubles(event: BinaryWriter, values: readonly number[]): BinaryWriter {
  return values.reduce((packed, value) => packed.double(value), event.fork()).join();
}
