/**
 * What a group of a persistent subscription is told to do: its settings as calls bring them, and as the
 * log keeps them (one list of all groups, in the server's own words, so that it could be read there).
 * A place is a revision of a stream or a position of `$all`; as a text it is `12` or `C:12/P:12`.
 */

/** Most groups in one log: all of them stand in one event. */
export const groupsMax = 1_000
/** Largest number a place can be told by. */
const placeMax = BigInt(Number.MAX_SAFE_INTEGER)
/** How a client says "the end" with a number. */
const endOfNumbers = 18_446_744_073_709_551_615n
/** Ticks of a hundred nanoseconds in a millisecond. */
const ticksPerMilli = 10_000

export const strategyNames = [
  "DispatchToSingle",
  "RoundRobin",
  "Pinned",
  "PinnedByCorrelation",
] as const
export type StrategyName = typeof strategyNames[number]
export const strategyOf = (name: string): StrategyName | undefined =>
  strategyNames.find((known) => known === name)

export const allStream = "$all"

/** Which events of `$all` a group gets. */
export interface GroupFilter {
  readonly on: "stream" | "type"
  readonly regex?: string
  readonly prefixes?: ReadonlyArray<string>
}

export interface GroupSettings {
  readonly resolveLinks: boolean
  readonly extraStatistics: boolean
  /** -1 for the end, else the place of the first event. */
  readonly startFrom: number
  /** The prepare position of `startFrom`, where it differs. */
  readonly prepareFrom?: number
  /** Milliseconds. */
  readonly messageTimeout: number
  /** Milliseconds; 0: by count only. */
  readonly checkpointAfter: number
  readonly minCheckpointCount: number
  readonly maxCheckpointCount: number
  readonly maxRetryCount: number
  /** 0: as many as come. */
  readonly maxSubscriberCount: number
  readonly liveBufferSize: number
  readonly readBatchSize: number
  readonly historyBufferSize: number
  /** As it was asked for: `strategyOf` tells whether there is such a one. */
  readonly strategy: string
}

/** A group: what it is named, what it reads, how. */
export interface GroupEntry {
  /** A stream, or `$all`. */
  readonly stream: string
  readonly group: string
  readonly filter?: GroupFilter
  readonly settings: GroupSettings
  /**
   * Where the source ended when a group that starts at the end was made: the place of its first event.
   * So a restart before the first checkpoint loses nothing.
   */
  readonly origin?: number
}

export const keyOf = (stream: string, group: string): string => `${stream}::${group}`

export const placeText = (stream: string, place: number, prepare = place): string =>
  stream === allStream ? `C:${place}/P:${prepare}` : String(place)

/** The other way round; undefined for what is no place. */
export const placeIn = (
  text: string,
): { readonly place: number; readonly prepare: number } | undefined => {
  const found = /^(?:C:(-?\d+)\/P:(-?\d+)|(-?\d+))$/.exec(text)
  if (found === null) return undefined
  const place = Number(found[1] ?? found[3])
  return { place, prepare: Number(found[2] ?? place) }
}

/** A place from a 64-bit number as a text; the largest stands for the end. */
export const placeOf = (text: string): number => {
  const number = BigInt(text === "" ? 0 : text)
  if (number === endOfNumbers || number < 0n) return -1
  return Number(number > placeMax ? placeMax : number)
}

/** As much of the settings of a call as creating and updating have in common. */
export interface SettingsMessage {
  getResolveLinks(): boolean
  getExtraStatistics(): boolean
  getMaxRetryCount(): number
  getMinCheckpointCount(): number
  getMaxCheckpointCount(): number
  getMaxSubscriberCount(): number
  getLiveBufferSize(): number
  getReadBatchSize(): number
  getHistoryBufferSize(): number
  hasMessageTimeoutMs(): boolean
  getMessageTimeoutMs(): number
  hasMessageTimeoutTicks(): boolean
  getMessageTimeoutTicks(): string
  hasCheckpointAfterMs(): boolean
  getCheckpointAfterMs(): number
  hasCheckpointAfterTicks(): boolean
  getCheckpointAfterTicks(): string
  getNamedConsumerStrategy(): number
}

const millis = (inMillis: number | undefined, inTicks: string | undefined): number =>
  inMillis ?? (inTicks === undefined ? 0 : Math.trunc(Number(inTicks) / ticksPerMilli))

export const settingsIn = (
  message: SettingsMessage,
  start: { readonly place: number; readonly prepare?: number },
  /** The newer field by name; empty where only the older by number was given. */
  named: string,
): GroupSettings => ({
  resolveLinks: message.getResolveLinks(),
  extraStatistics: message.getExtraStatistics(),
  startFrom: start.place,
  ...(start.prepare === undefined || start.prepare === start.place
    ? {}
    : { prepareFrom: start.prepare }),
  messageTimeout: millis(
    message.hasMessageTimeoutMs() ? message.getMessageTimeoutMs() : undefined,
    message.hasMessageTimeoutTicks() ? message.getMessageTimeoutTicks() : undefined,
  ),
  checkpointAfter: millis(
    message.hasCheckpointAfterMs() ? message.getCheckpointAfterMs() : undefined,
    message.hasCheckpointAfterTicks() ? message.getCheckpointAfterTicks() : undefined,
  ),
  minCheckpointCount: message.getMinCheckpointCount(),
  maxCheckpointCount: message.getMaxCheckpointCount(),
  maxRetryCount: message.getMaxRetryCount(),
  maxSubscriberCount: message.getMaxSubscriberCount(),
  liveBufferSize: message.getLiveBufferSize(),
  readBatchSize: message.getReadBatchSize(),
  historyBufferSize: message.getHistoryBufferSize(),
  strategy: named !== "" ? named : strategyNames.slice(0, 3)[message.getNamedConsumerStrategy()] ??
    String(message.getNamedConsumerStrategy()),
})

/** What is wrong with the settings, in the server's words; undefined where nothing is. */
export const flawIn = (
  { stream, settings }: GroupEntry,
  /** Position of the last event of the log. */
  head: number,
): string | undefined => {
  if (strategyOf(settings.strategy) === undefined) {
    return `Consumer strategy ${settings.strategy} does not exist.`
  }
  const { startFrom, prepareFrom = startFrom } = settings
  if (stream === allStream) {
    if (prepareFrom > startFrom) {
      return "Invalid Start From position: prepare position must be less than or equal to the " +
        "commit position."
    }
    // Position 0 is where a log begins, also one without events.
    if (startFrom > Math.max(head, 0)) {
      return "Invalid Start From position: commit position must be less than or equal to the last " +
        "commit position in the transaction file."
    }
    if ((startFrom < 0 || prepareFrom < 0) && !(startFrom === -1 && prepareFrom === -1)) {
      return "Invalid Start From position: prepare and commit positions must be greater than or " +
        "equal to 0 or both equal to -1."
    }
  }
  if (settings.readBatchSize >= settings.historyBufferSize) {
    return "Specified argument was out of the range of valid values. (Parameter 'ReadBatchSize " +
      "may not be greater than or equal to BufferSize')"
  }
  return undefined
}

/** The list of all groups, as an event's data. Fields at their default are left out, as the server does. */
export const configurationOf = (
  entries: ReadonlyArray<GroupEntry>,
  by: string,
  at: number,
): unknown => ({
  version: "2",
  updated: new Date(at).toISOString(),
  updatedBy: by,
  entries: entries.map(({ stream, group, filter, settings, origin }) => {
    const { startFrom, prepareFrom = startFrom } = settings
    const entry = {
      stream,
      group,
      filter: filter === undefined ? undefined : {
        context: filter.on === "stream" ? "streamid" : "eventtype",
        type: filter.regex === undefined ? "prefix" : "regex",
        data: filter.regex ?? (filter.prefixes ?? []).join(","),
        isAllStream: true,
        ...(filter.prefixes?.some((prefix) => prefix.includes(",")) === true
          ? { prefixes: filter.prefixes }
          : {}),
      },
      resolveLinkTos: settings.resolveLinks,
      extraStatistics: settings.extraStatistics,
      messageTimeout: settings.messageTimeout,
      startFrom: stream === allStream ? undefined : startFrom,
      startPosition: placeText(stream, startFrom, prepareFrom),
      liveBufferSize: settings.liveBufferSize,
      historyBufferSize: settings.historyBufferSize,
      maxRetryCount: settings.maxRetryCount,
      readBatchSize: settings.readBatchSize,
      checkPointAfter: settings.checkpointAfter,
      minCheckPointCount: settings.minCheckpointCount,
      maxCheckPointCount: settings.maxCheckpointCount,
      maxSubscriberCount: settings.maxSubscriberCount,
      namedConsumerStrategy: settings.strategy,
      origin: origin === 0 ? "0" : origin,
    }
    return Object.fromEntries(
      Object.entries(entry).filter(([, value]) =>
        value !== undefined && value !== false && value !== 0
      ),
    )
  }),
})

const fieldsOf = (of: unknown) => {
  const get = (key: string): unknown =>
    typeof of === "object" && of !== null ? Reflect.get(of, key) : undefined
  return {
    get,
    text: (key: string): string => {
      const value = get(key)
      return typeof value === "string" ? value : ""
    },
    number: (key: string): number => {
      const value = get(key)
      return typeof value === "number" && Number.isFinite(value) ? value : 0
    },
  }
}

const filterIn = (said: unknown): GroupFilter | undefined => {
  if (typeof said !== "object" || said === null) return undefined
  const { get, text } = fieldsOf(said)
  const on = text("context") === "streamid" ? "stream" : "type"
  if (text("type") === "regex") return { on, regex: text("data") }
  const listed = get("prefixes")
  return {
    on,
    prefixes: Array.isArray(listed)
      ? listed.filter((prefix) => typeof prefix === "string")
      : text("data").split(",").filter((prefix) => prefix !== ""),
  }
}

/** The groups of a stored list; entries that do not read are left out. */
export const entriesIn = (configuration: unknown): ReadonlyArray<GroupEntry> => {
  const listed = fieldsOf(configuration).get("entries")
  if (!Array.isArray(listed)) return []
  return listed.flatMap((one): ReadonlyArray<GroupEntry> => {
    const { get, text, number } = fieldsOf(one)
    const [stream, group] = [text("stream"), text("group")]
    if (stream === "" || group === "") return []
    const start = placeIn(text("startPosition")) ??
      { place: number("startFrom"), prepare: number("startFrom") }
    const filter = filterIn(get("filter"))
    const origin = get("origin") === undefined ? undefined : Number(get("origin"))
    return [{
      stream,
      group,
      ...(filter === undefined ? {} : { filter }),
      ...(origin === undefined || !Number.isFinite(origin) ? {} : { origin }),
      settings: {
        resolveLinks: get("resolveLinkTos") === true,
        extraStatistics: get("extraStatistics") === true,
        startFrom: start.place,
        ...(start.prepare === start.place ? {} : { prepareFrom: start.prepare }),
        messageTimeout: number("messageTimeout"),
        checkpointAfter: number("checkPointAfter"),
        minCheckpointCount: number("minCheckPointCount"),
        maxCheckpointCount: number("maxCheckPointCount"),
        maxRetryCount: number("maxRetryCount"),
        maxSubscriberCount: number("maxSubscriberCount"),
        liveBufferSize: number("liveBufferSize"),
        readBatchSize: number("readBatchSize"),
        historyBufferSize: number("historyBufferSize"),
        // Lists of the first version said only whether turns are taken.
        strategy: text("namedConsumerStrategy") ||
          (get("preferRoundRobin") === true ? "RoundRobin" : "DispatchToSingle"),
      },
    }]
  })
}
