/** `RouterCheckpoint` in a small file. A file that is lost or broken costs a survey of the log, no more. */
import { Effect, Layer, Schema } from "effect"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { RouterCheckpoint } from "../actors/router.ts"

const Mark = Schema.fromJsonString(Schema.Struct({ position: Schema.Int, id: Schema.String }))
const decode = Schema.decodeUnknownSync(Mark)
const encode = Schema.encodeSync(Mark)

export const layer = (file: string): Layer.Layer<RouterCheckpoint> =>
  Layer.succeed(
    RouterCheckpoint,
    RouterCheckpoint.of({
      load: Effect.sync(() => {
        try {
          return decode(readFileSync(file, "utf8"))
        } catch {
          return undefined
        }
      }),
      save: (mark) =>
        Effect.sync(() => {
          try {
            writeFileSync(`${file}.new`, encode(mark), { mode: 0o600 })
            renameSync(`${file}.new`, file)
          } catch {
            // The next round starts further back and tells nobody twice.
          }
        }),
    }),
  )
