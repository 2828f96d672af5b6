/** Free space as the file system tells it. A folder that is not there yet lies where its parent does. */
import { existsSync, statfsSync } from "node:fs"
import { dirname } from "node:path"
import { Effect, Layer } from "effect"
import { DiskSpace, importFreeBytesMin } from "../actors/disk-space.ts"

/** Bytes a process without privileges may still write; undefined where the system does not say. */
export const freeBytes = (folder: string): number | undefined => {
  let at = folder
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  try {
    const { bavail, bsize } = statfsSync(at)
    return Number(bavail) * Number(bsize)
  } catch {
    return undefined
  }
}

export const layer = (directory: string, least = importFreeBytesMin) =>
  Layer.succeed(DiskSpace, {
    free: Effect.sync(() => freeBytes(directory)),
    least,
    where: directory,
  })
