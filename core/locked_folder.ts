/**
 * Folders in which processes take turns.
 *
 * @module
 */
import { join } from "node:path";

/**
 * Waits until nobody else, in this process or another, has the folder, which is made if it is not there; disposing of the result gives it
 * back. The lock is the operating system's: it goes with a process that dies.
 *
 * @throws {Error} If the folder cannot be made or written.
 */
export async function lockFolder(folder: string): Promise<Disposable> {
  await Deno.mkdir(folder, { recursive: true });
  const lock = await Deno.open(join(folder, ".lock"), { create: true, write: true });
  // Some network file systems cannot lock: there, too, no file is seen before it is whole.
  await lock.lock(true).catch(() => {});
  return lock;
}
