/**
 * A sheet to draw a digit on: by mouse, finger or stylus, and by the keyboard.
 *
 * @module
 */
/// <reference lib="dom" />
import { glyphs } from "../../datasets/synthetic_glyphs.ts";
import { corners } from "../../datasets/synthetic_pen.ts";
import type { GreyPicture } from "../parts/digit_picture.ts";

/** A point of the sheet, whose sides are 1 long. */
type Point = readonly [x: number, y: number];

/** What has been drawn. */
export interface Sheet {
  readonly isEmpty: boolean;
  undo(): void;
  clear(): void;
  /** Writes a digit in place of what is there. */
  write(digit: number): void;
  /** Draws it again: colours or sizes have changed. */
  render(): void;
  /** The drawing, white on black, at a size at which no line of it is lost. */
  picture(): GreyPicture;
}

/** The width of the pen, how far an arrow key moves it, and half the height of a digit that a key writes. */
const [pen, keyStep, digitSize] = [0.078, 0.035, 0.34];

/** Pixels along each side of what is read. */
const pictureSize = 112;

const arrows: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Makes a sheet of a canvas; `changed` is called at most once for each frame. */
export function openSheet(canvas: HTMLCanvasElement, changed: () => void): Sheet {
  let strokes: Point[][] = [];
  /** Where the keyboard's pen is, and whether it is on the paper. */
  let cursor: Point = [0.3, 0.25];
  let isDown = false;
  let frame = 0;
  const reader = new OffscreenCanvas(pictureSize, pictureSize).getContext("2d", { willReadFrequently: true })!;

  function paint(context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D, size: number): void {
    context.lineWidth = pen * size;
    context.lineCap = context.lineJoin = "round";
    for (const [first, ...others] of strokes) {
      context.beginPath();
      context.moveTo(first[0] * size, first[1] * size);
      // A dot is a line to where it begins.
      for (const [x, y] of others.length > 0 ? others : [first]) context.lineTo(x * size, y * size);
      context.stroke();
    }
  }

  function render(): void {
    const size = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d")!;
    const { color, accentColor } = getComputedStyle(canvas);
    context.clearRect(0, 0, size, size);
    context.strokeStyle = color;
    paint(context, size);
    if (!canvas.matches(":focus-visible")) return;
    context.strokeStyle = context.fillStyle = accentColor;
    context.lineWidth = 2 * devicePixelRatio;
    context.beginPath();
    context.arc(cursor[0] * size, cursor[1] * size, pen * size / 2, 0, 2 * Math.PI);
    if (isDown) context.fill();
    context.stroke();
  }

  function change(next: Point[][] = strokes): void {
    strokes = next;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      render();
      changed();
    });
  }

  function place({ offsetX, offsetY }: PointerEvent): Point {
    return [offsetX / canvas.clientWidth, offsetY / canvas.clientHeight];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    change([...strokes, [place(event)]]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    strokes[strokes.length - 1].push(...(moves.length > 0 ? moves : [event]).map(place));
    change();
  });
  canvas.addEventListener("focus", render);
  canvas.addEventListener("blur", () => {
    isDown = false;
    render();
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "z") sheet.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (/^\d$/.test(event.key)) sheet.write(Number(event.key));
    else if (event.key === "Backspace" || event.key === "Delete") sheet.clear();
    else if (event.key === " ") {
      isDown = !isDown;
      change(isDown ? [...strokes, [cursor]] : strokes);
    } else if (event.key in arrows) {
      const clamped = (x: number) => Math.min(1 - pen, Math.max(pen, x));
      const [x, y] = arrows[event.key];
      cursor = [clamped(cursor[0] + keyStep * x), clamped(cursor[1] + keyStep * y)];
      if (isDown) strokes[strokes.length - 1].push(cursor);
      change();
    } else return;
    event.preventDefault();
  });
  new ResizeObserver(render).observe(canvas);

  const sheet: Sheet = {
    get isEmpty() {
      return strokes.length === 0;
    },
    undo() {
      isDown = false;
      change(strokes.slice(0, -1));
    },
    clear() {
      isDown = false;
      change([]);
    },
    write(digit) {
      isDown = false;
      change(
        glyphs[digit][0].map((stroke) => corners(stroke).map(([x, y]) => [0.5 + digitSize * x, 0.5 + digitSize * y] as const)),
      );
    },
    render,
    picture() {
      reader.fillStyle = "#000";
      reader.fillRect(0, 0, pictureSize, pictureSize);
      reader.strokeStyle = "#fff";
      paint(reader, pictureSize);
      const { data } = reader.getImageData(0, 0, pictureSize, pictureSize);
      return {
        width: pictureSize,
        height: pictureSize,
        pixels: Float32Array.from({ length: pictureSize ** 2 }, (_, i) => data[4 * i] / 255),
      };
    },
  };
  return sheet;
}
