/**
 * Port: how much room the data directory has left. Imports stop well before the disk is full, so that
 * decisions, and what they lead to, can still be stored. Where nobody tells, there is room.
 */
import { Context, Effect, Schema } from "effect"

/** Below this, imports stop. */
export const importFreeBytesMin = 200_000_000

/** Nothing was taken in. Free some space, then import again: nothing is taken in twice. */
export class DiskLow extends Schema.TaggedError<DiskLow>()("DiskLow", {
  message: Schema.String,
  retryable: Schema.Literal(true),
}) {}

export interface DiskSpaceShape {
  /** Bytes free; undefined where that cannot be told. */
  readonly free: Effect.Effect<number | undefined>
  /** Bytes that must be free for an import. */
  readonly least: number
  /** What is meant, for people: the data directory. */
  readonly where: string
}

export const DiskSpace = Context.Reference<DiskSpaceShape>("actors/DiskSpace", {
  defaultValue: () => ({
    free: Effect.succeed(undefined),
    least: importFreeBytesMin,
    where: "the data directory",
  }),
})

const megabytes = (bytes: number) => `${Math.floor(bytes / 1_000_000)} MB`

/** Fails where an import would leave too little room. */
export const roomForImports = ({ free, least, where }: DiskSpaceShape) =>
  Effect.flatMap(free, (bytes) =>
    bytes === undefined || bytes >= least ? Effect.void : Effect.fail(
      new DiskLow({
        message: `Imports stop: ${megabytes(bytes)} are free on the disk of ${where}, and below ` +
          `${megabytes(least)} AIOS keeps them for your decisions. Free some space, then run the ` +
          "same command again: nothing is imported twice.",
        retryable: true,
      }),
    ))
