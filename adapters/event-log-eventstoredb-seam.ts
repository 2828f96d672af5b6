/**
 * What the event log needs of an event store's client, whichever it is: appends, pages and subscriptions
 * as plain promises and callbacks, one kind of failure, and a connection string that can be shown.
 */
import type { NewEvent } from "../actors/event-log.ts"

/** away, late: the same call may succeed later. The others say what was wrong with it. */
export type Trouble =
  | "away"
  | "late"
  | "closed"
  | "conflict"
  | "deleted"
  | "tooLarge"
  | "denied"
  | "untrusted"
  | "refused"

export class StoreFailure extends Error {
  readonly trouble: Trouble
  /** The stream's last revision, of a conflict. */
  readonly actual: number
  constructor(trouble: Trouble, message: string, cause?: unknown, actual = -1) {
    super(message, { cause })
    this.trouble = trouble
    this.actual = actual
  }
}

/** An event as the client gives it: JSON is parsed already. */
export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly revision: number
  /** Absent where the server does not say it, as old ones do when one stream is read. */
  readonly position: number | undefined
  readonly json: boolean
  readonly data: unknown
  readonly metadata: unknown
  /** Epoch ms when the server took it. */
  readonly created: number
}

export interface ReadAt {
  /** Revision or position; default the first, or backwards the last. */
  readonly from?: number
  readonly backwards?: boolean
  readonly limit: number
}

export interface Subscriber {
  event(event: StoredEvent): void
  /** Everything up to here was given, or was of no interest. */
  reached(position: number): void
  /** Called once; nothing comes after. */
  ended(failure: StoreFailure): void
}

export interface Connection {
  /** For messages: the hosts, without credentials. */
  readonly where: string
  readonly hasTls: boolean
  /** `expected` -1: the stream has no events. The position is that of the last event, where it is told. */
  append(
    stream: string,
    expected: number,
    events: ReadonlyArray<NewEvent>,
  ): Promise<{ readonly revision: number; readonly position: number | undefined }>
  /** Gives events to `take` until it answers false. A stream that is not there has none. */
  readStream(stream: string, at: ReadAt, take: (event: StoredEvent) => boolean): Promise<void>
  /** The same of the whole log, system events too. `from` is inclusive forwards and exclusive backwards. */
  readAll(at: ReadAt, take: (event: StoredEvent) => boolean): Promise<void>
  /** What comes after `after` (from the start: -1), without system events. The answer ends it. */
  subscribe(after: number, subscriber: Subscriber): () => void
  metadataOf(stream: string): Promise<Readonly<Record<string, unknown>> | undefined>
  /** Sets the metadata of a stream that has none; a conflict where it has. */
  setMetadata(stream: string, metadata: Readonly<Record<string, string>>): Promise<void>
  close(): Promise<void>
}

const keys = new Set(
  [
    "userCertFile",
    "userKeyFile",
    "maxDiscoverAttempts",
    "connectionName",
    "defaultDeadline",
    "discoveryInterval",
    "gossipTimeout",
    "nodePreference",
    "tls",
    "tlsCAFile",
    "throwOnAppendFailure",
    "keepAliveInterval",
    "keepAliveTimeout",
  ].map((key) => key.toLowerCase()),
)

/**
 * What the client is given. It prints the whole string, password included, with every key it does not
 * know or cannot honour: those are taken out. Its other name for the product's scheme is taken too.
 */
export const connectionOf = (
  given: string,
): { readonly text: string; readonly where: string; readonly hasTls: boolean } => {
  const text = given.trim().replace(/^(kurrentdb|kurrent|kdb)(\+discover)?:/, "esdb$2:")
  const scheme = /^esdb(\+discover)?:\/\//.exec(text)?.[0]
  if (scheme === undefined) throw new StoreFailure("refused", "it does not begin with esdb://")
  const query = text.indexOf("?") < 0 ? text.length : text.indexOf("?")
  const authority = text.slice(scheme.length, query)
  const kept = text.slice(query + 1).split("&").filter((pair) =>
    keys.has(pair.split("=")[0]!.trim().toLowerCase().replace(/[_-]/g, ""))
  ).filter((pair) => !/^throw/i.test(pair.trim()))
  // A door of ours tells its own clients by their name.
  if (!kept.some((pair) => /^connection_?-?name=/i.test(pair.trim()))) {
    kept.push("connectionName=aios-log")
  }
  return {
    text: `${scheme}${authority}?${kept.join("&")}`,
    hasTls: !kept.some((pair) => /^tls=false$/i.test(pair.trim())),
    where: authority.slice(authority.lastIndexOf("@") + 1).replace(/\/+$/, ""),
  }
}
