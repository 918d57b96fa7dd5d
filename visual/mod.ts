/**
 * Pictures and logs: images and curves as files, in the terminal and in notebooks, and logs for TensorBoard.
 *
 * It has an entry of its own, `visual/mod.ts`, so that programs that only train do not load the libraries it draws with. Files
 * are opened by the caller (functions give text or bytes), except for the logs.
 *
 * @module
 */
export { type Scale } from "./axis.ts";
export { barChart, histogram, type HistogramOptions, lineChart } from "./chart.ts";
export { type ColorOptions, showBarChart, showLineChart } from "./chart_text.ts";
export { type BarChartOptions, type ChartOptions, type Curve, type LineChartOptions } from "./curves.ts";
export { display, type Displayed, type DisplayOptions, jupyterDisplay } from "./display.ts";
export { imageFigure, type ImageFigureOptions } from "./image_figure.ts";
export { imageGrid, type ImageGridOptions } from "./image_grid.ts";
export { showImages, type ShowImagesOptions } from "./image_text.ts";
export { type ImageArray, type Images, type RangeOptions } from "./pixels.ts";
export type { MimeBundle } from "../core/notebook/html.ts";
export type { Outcome } from "../core/or_throw.ts";
export { type LogError, type LogTask, type SummaryWriter, summaryWriter } from "./summary_writer.ts";
