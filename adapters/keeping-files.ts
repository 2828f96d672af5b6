/**
 * Backups and exports as files. What packs, checks and writes them is loaded when it is first used. How
 * a restored folder is opened to hold things back is given by the composition root.
 */
import { Effect, Layer } from "effect"
import { Buffer } from "node:buffer"
import { OperationFailed } from "../projections/aios.ts"
import { objectOf } from "../projections/fields.ts"
import { Keeping } from "../projections/keeping.ts"

/** An error of the file system, as an operation's failure. */
const failed = (cause: unknown) => {
  if (cause instanceof OperationFailed) return cause
  const full = objectOf(cause)["code"] === "ENOSPC"
  return new OperationFailed({
    kind: full ? "later" : "failed",
    error: full ? "DiskFull" : "FileUnusable",
    message: full
      ? "No space left; nothing half done was kept. Free space and repeat."
      : `${cause instanceof Error ? cause.message : String(cause)}. ` +
        "Check that the folder is there and may be written.",
  })
}
const files = <A>(act: () => Promise<A>) => Effect.tryPromise({ try: act, catch: failed })
const archive = () => import("./backup-archive.ts")

export const layer = (quarantine: Keeping["Service"]["quarantine"]): Layer.Layer<Keeping> =>
  Layer.succeed(
    Keeping,
    Keeping.of({
      quarantine,
      pack: (copy, file, progress) =>
        files(async () => (await archive()).pack(copy, file, progress)),
      unpack: (file, folder, durable, progress) =>
        files(async () => {
          const { at, files, head } = await (await archive()).unpack(
            file,
            folder,
            durable,
            progress,
          )
          const bytes = files.reduce((sum, one) => sum + one.bytes, 0)
          return { at, head, files: files.length, bytes }
        }),
      check: (folder, head, progress) =>
        Effect.flatMap(
          Effect.promise(() => import("./backup-check.ts")),
          ({ check }) => check(folder, head, progress),
        ),
      exporting: (folder) =>
        Effect.gen(function* () {
          const { exporter } = yield* Effect.promise(() => import("./export-folder.ts"))
          const run = Effect.runPromiseWith(yield* Effect.context<never>())
          const writer = yield* Effect.acquireRelease(
            Effect.sync(() => exporter(folder)),
            (writer) => Effect.sync(writer.abandon),
          )
          return {
            take: ({ items }, aios) =>
              files(async () => {
                for (const item of items) {
                  await writer.take(item, async (ref) => {
                    const found = await run(aios.blob(ref))
                    return found === null ? undefined : new Uint8Array(Buffer.from(found, "base64"))
                  })
                }
              }),
            finish: files(writer.finish),
          }
        }),
    }),
  )
