/**
 * Where data sets are looked for, and how their downloads report.
 *
 * @module
 */

/** Where to get a data set from. */
export interface DatasetOptions {
  /**
   * Read the files from this folder (or a folder in it, as others unpack them), packed or not, and download nothing. They may be
   * other files than the published, if they are of the same form.
   */
  readonly folder?: string;
  /** Whether to download what is not in the cache. Default true. */
  readonly download?: boolean;
  /** Is called as the download of each file progresses. */
  readonly onProgress?: (progress: Progress) => void;
  /** Addresses of folders that have the files, instead of the usual. */
  readonly mirrors?: readonly string[];
  /** Milliseconds without a byte after which a mirror is given up, from 1 to 2,147,483,647. Default 30,000. */
  readonly stallTimeout?: number;
}

/** How far a download has come. */
export interface Progress {
  /** The file's name. */
  readonly file: string;
  /** Bytes that are here, those of an earlier, interrupted download included. */
  readonly received: number;
  /** Bytes the whole file has, if the server says so. */
  readonly total?: number;
}
