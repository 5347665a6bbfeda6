/**
 * Names that outlive a power cut.
 *
 * @since 0.1.0
 */
import * as Fs from "node:fs/promises"
import * as Path from "node:path"

/** Makes the name of a new file durable, which syncing the file does not; not every system can. */
export const syncFolder = async (path: string): Promise<void> => {
  try {
    const folder = await Fs.open(Path.dirname(path), "r")
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (!cannot.has((error as NodeJS.ErrnoException).code)) throw error
  }
}

/** What Windows, network file systems and folders that may be written but not read answer. */
const cannot: ReadonlySet<string | undefined> = new Set(["EPERM", "EACCES", "EISDIR", "EINVAL", "ENOTSUP", "EBADF"])
