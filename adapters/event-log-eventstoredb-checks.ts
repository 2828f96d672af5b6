/**
 * Whether a log on a server is the one that this installation writes to, and whether the index is of it.
 * Whose it is stands in the metadata of a stream `aios`, which has no events; the first installation that
 * comes puts its name there, once it has looked at the log. Asked again whenever the connection broke,
 * since another server may be there: what was ours once is not taken a second time.
 */
import { LogUnavailable } from "../actors/event-log.ts"
import type { Pages } from "./event-log-eventstoredb-pages.ts"
import { type Connection, StoreFailure } from "./event-log-eventstoredb-seam.ts"
import type { LogIndex } from "./log-index-sqlite.ts"

const stream = "aios"

export interface Checks {
  /** True once the log was found to be ours. */
  readonly isDone: boolean
  /** Checks if that was not done yet. Rejects with a failure, or with `LogUnavailable` where it is not ours. */
  readonly once: () => Promise<void>
  /** Checks whose log it is, whatever was found before. */
  readonly again: () => Promise<void>
  /** Makes a log that is nobody's this installation's, and checks. */
  readonly take: () => Promise<void>
}

/** What becomes of a log that is nobody's yet. */
export type Unowned = "take" | "refuse" | "leave"

export const checks = (
  connection: Connection,
  index: LogIndex,
  { rawHead }: Pick<Pages, "rawHead">,
  installation: string | undefined,
  given: Unowned,
): Checks => {
  let unowned = given
  let wasOurs = false
  let isDone = false
  let isIndexed = false
  let running: Promise<void> | undefined

  const ownerOf = async (): Promise<unknown> =>
    (await connection.metadataOf(stream))?.["installation"]

  const refused = (message: string): LogUnavailable => {
    isDone = false
    return new LogUnavailable({ reason: "foreign", message, retryable: false })
  }

  const isOurs = async (): Promise<void> => {
    if (installation === undefined) return
    let owner = await ownerOf()
    if (owner === undefined && wasOurs) {
      throw refused(
        `The log at ${connection.where} was this installation's and is nobody's now: another server ` +
          "answers there, or its data was lost. Nothing was changed. Check AIOS_EVENT_LOG and that " +
          "server, or restore its data.",
      )
    }
    if (owner === undefined && unowned === "leave") return
    if (owner === undefined && unowned === "refuse") {
      throw refused(
        `The log at ${connection.where} is no installation's yet: it is another one than that of ` +
          "aios start, or lost its data, or aios start was never there. Nothing was changed. Check " +
          "AIOS_EVENT_LOG; if it is right, run aios start with it once first.",
      )
    }
    if (owner === undefined) {
      try {
        await connection.setMetadata(stream, { installation })
        owner = installation
      } catch (cause) {
        if (!(cause instanceof StoreFailure) || cause.trouble !== "conflict") throw cause
        // Somebody else was first, or the answer was lost.
        owner = await ownerOf()
      }
    }
    if (owner !== installation) {
      throw refused(
        `The log at ${connection.where} belongs to another installation. Nothing was ` +
          "changed. Name the data directory it belongs to with --data-dir, or another event store in " +
          "AIOS_EVENT_LOG.",
      )
    }
    wasOurs = true
  }

  /** An index of another log, or of one that was put back to an earlier state, is made anew. */
  const isOfLog = async (): Promise<void> => {
    if (isIndexed) return
    const { covered, last } = index
    let is = covered < 0 || covered <= await rawHead()
    if (is && last !== undefined) {
      is = false
      await connection.readAll({ from: last.position, limit: 1 }, (event) => {
        is = event.id === last.id && event.stream === last.stream &&
          event.position === last.position
        return true
      })
    }
    if (!is) index.clear()
    isIndexed = true
  }

  const again = () =>
    running ??= isOurs().then(isOfLog).then(() => {
      isDone = true
    }).finally(() => {
      running = undefined
    })

  return {
    get isDone() {
      return isDone
    },
    once: () => isDone ? Promise.resolve() : again(),
    again,
    take: async () => {
      unowned = "take"
      // One that runs began before that.
      await running?.catch(() => {})
      await again()
    },
  }
}
