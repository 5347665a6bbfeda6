/**
 * A disk that loses what was not synced, or is full: what `node:fs/promises` opens below its folder goes through it, also
 * where it is written by `writeSync` or `writevSync`. To be put in the place of the modules by `vi.mock`.
 */
import type * as FsSync from "node:fs"
import type * as FsPromises from "node:fs/promises"
import { createRequire } from "node:module"
import * as Path from "node:path"

// not by import, as that is what this stands in for
const Fs = createRequire(import.meta.url)("node:fs") as typeof FsSync

type Real = typeof FsPromises

interface Kept {
  /** Bytes that a sync has made durable. */
  synced: number
  /** Whether the folder that names it was synced since. */
  named: boolean
}

export interface Trouble {
  /** Power fails at this write or sync, before it is done or after. */
  readonly lossAt?: number
  readonly after?: boolean
  /** Bytes that there is room for. */
  readonly room?: number
  /** The sync that fails. */
  readonly brokenSync?: number
}

/** What a loss leaves of bytes that were not synced: a part of them, the rest of it cut off or zeros. */
export interface Loss {
  readonly keep: number
  readonly zeros: boolean
}

const state = {
  folder: undefined as string | undefined,
  files: new Map<string, Kept>(),
  handles: new Map<FsPromises.FileHandle, () => Promise<void>>(),
  trouble: {} as Trouble,
  operations: 0,
  syncs: 0,
  room: Number.POSITIVE_INFINITY,
  powered: true,
  onLoss: () => {}
}

const never = new Promise<never>(() => {})

/** Begins with the files that are in the folder, all of them durable. */
export const mount = (folder: string, trouble: Trouble = {}, onLoss: () => void = () => {}): void => {
  state.folder = folder
  state.files = new Map(
    Fs.readdirSync(folder).map((name) => {
      const path = Path.join(folder, name)
      return [path, { synced: Fs.statSync(path).size, named: true }]
    })
  )
  state.handles = new Map()
  Object.assign(state, { trouble, onLoss, operations: 0, syncs: 0, powered: true })
  state.room = trouble.room ?? Number.POSITIVE_INFINITY
}

/** Writes and syncs so far. */
export const operations = (): number => state.operations

/** Puts into another folder what the disk holds when it is powered again; handles of the old one are closed. */
export const recover = async (to: string, { keep, zeros }: Loss): Promise<void> => {
  state.powered = false
  for (const [path, { named, synced }] of state.files) {
    if (!named || !Fs.existsSync(path)) continue
    const bytes = Fs.readFileSync(path)
    const rest = bytes.subarray(synced)
    const kept = Buffer.from(rest.subarray(0, Math.round(rest.length * keep)))
    const tail = zeros ? Buffer.alloc(rest.length - kept.length) : Buffer.alloc(0)
    Fs.writeFileSync(Path.join(to, Path.basename(path)), Buffer.concat([bytes.subarray(0, synced), kept, tail]))
  }
  for (const handle of state.handles.keys()) await handle.close().catch(() => {})
}

const operation = async <A>(happens: () => Promise<A>): Promise<A> => {
  if (!state.powered) return await never
  if (state.operations++ !== state.trouble.lossAt) {
    const result = await happens()
    return state.powered ? result : await never
  }
  if (state.trouble.after === true) await happens()
  state.powered = false
  state.onLoss()
  return await never
}

/** What cannot wait for ever fails instead, once the power is gone. */
const operationSync = <A>(happens: () => A): A => {
  const isLost = state.powered && state.operations++ === state.trouble.lossAt
  if (state.powered && !isLost) return happens()
  if (isLost) {
    if (state.trouble.after === true) happens()
    state.powered = false
    state.onLoss()
  }
  throw failure("EIO", "there is no power")
}

/** As much as there is room for. */
const store = (fd: number, bytes: Uint8Array): void => {
  const fitting = Math.min(bytes.length, state.room)
  state.room -= fitting
  for (let at = 0; at < fitting; ) at += Fs.writeSync(fd, bytes, at, fitting - at)
  if (fitting < bytes.length) throw failure("ENOSPC", "no space left on device, write")
}

const failure = (code: string, message: string): Error => Object.assign(new Error(`${code}: ${message}`), { code })

const wrap = (handle: FsPromises.FileHandle, path: string): FsPromises.FileHandle => {
  const isFolder = path === state.folder
  const kept = state.files.get(path) ?? { synced: 0, named: false }
  if (!isFolder) state.files.set(path, kept)
  const write = async (data: string | Uint8Array): Promise<void> =>
    await operation(async () => store(handle.fd, Buffer.from(data as Uint8Array)))
  const sync = async (): Promise<void> =>
    await operation(async () => {
      if (state.syncs++ === state.trouble.brokenSync) throw failure("EIO", "i/o error, fsync")
      if (isFolder) for (const file of state.files.values()) file.named = true
      else kept.synced = (await handle.stat()).size
    })
  state.handles.set(handle, sync)
  const own: Partial<FsPromises.FileHandle> = {
    appendFile: write as FsPromises.FileHandle["appendFile"],
    writeFile: write as FsPromises.FileHandle["writeFile"],
    sync,
    datasync: sync,
    close: async () => {
      if (!state.powered) return await never
      state.handles.delete(handle)
      await handle.close()
    }
  }
  return new Proxy(handle, {
    get: (target, name) => {
      if (name in own) return own[name as keyof typeof own]
      const value = Reflect.get(target, name, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
}

/** The module, with handles of the mounted folder's files going through the disk. */
export const over = (real: Real): Real => ({
  ...real,
  open: async (path, flags, mode) => {
    const whole = Path.resolve(String(path))
    const isHere = state.folder !== undefined && (whole === state.folder || Path.dirname(whole) === state.folder)
    if (!isHere) return await real.open(path, flags, mode)
    if (!state.powered) return await never
    const known = state.files.get(whole)
    // cut to nothing: what was there may or may not be gone
    if (known !== undefined && String(flags).startsWith("w")) known.synced = 0
    return wrap(await real.open(path, flags, mode), whole)
  },
  rename: async (from, to) => {
    await real.rename(from, to)
    const [old, place] = [Path.resolve(String(from)), Path.resolve(String(to))]
    const moved = state.files.get(old)
    if (moved === undefined) return
    state.files.delete(old)
    state.files.set(place, { ...moved, named: false })
  }
})

/** `node:fs`, whose `writeSync`, `writevSync` and `fdatasync` go through the disk for files that were opened on it. */
export const overSync = (real: typeof FsSync): typeof FsSync => {
  const syncOf = (fd: number) => [...state.handles].find(([handle]) => handle.fd === fd)?.[1]
  const writeSync = (fd: number, bytes: Uint8Array, at: number): number => {
    if (syncOf(fd) === undefined) return real.writeSync(fd, bytes, at)
    const rest = bytes.subarray(at)
    operationSync(() => store(fd, rest))
    return rest.length
  }
  return {
    ...real,
    writeSync: writeSync as typeof FsSync.writeSync,
    writevSync: (fd, pieces) => writeSync(fd, Buffer.concat(pieces as ReadonlyArray<Uint8Array>), 0),
    fdatasync: Object.assign((fd: number, callback: FsSync.NoParamCallback) => {
      const sync = syncOf(fd)
      if (sync === undefined) real.fdatasync(fd, callback)
      else sync().then(() => callback(null), callback)
    }, real.fdatasync)
  }
}
