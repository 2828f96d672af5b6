/** Which events of the whole log a reader wants: by stream or type, by prefix or regular expression. */
import messages from "@eventstore/db-client/generated/streams_pb.js"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { invalidArgument } from "./errors.ts"

const { FilterCase, WindowCase } = messages.ReadReq.Options.FilterOptions

/** Events that are looked at in one go, where the reader does not say. */
export const windowDefault = 32

export type Wanted = (event: Pick<RecordedEvent, "stream" | "type">) => boolean

/** What persistent subscriptions to the whole log keep for themselves would feed on itself. */
export const inAll: Wanted = ({ stream }) =>
  !(stream.startsWith("$persistentsubscription-$all::") &&
    (stream.endsWith("-checkpoint") || stream.endsWith("-parked")))

/** Inline options at the beginning, as `(?i)`, become flags. */
const pattern = (source: string): RegExp => {
  const options = /^\(\?([ims]+)\)/.exec(source)
  try {
    return options === null
      ? new RegExp(source)
      : new RegExp(source.slice(options[0].length), options[1])
  } catch {
    throw invalidArgument(`'${source}' is not a valid regular expression`)
  }
}

interface Expression {
  getRegex(): string
  getPrefixList(): ReadonlyArray<string>
}

/** The wanted texts; `regex` counts where there is one. */
export const matching = (expression: Expression): (text: string) => boolean => {
  const regex = expression.getRegex()
  if (regex !== "") {
    const compiled = pattern(regex)
    return (text) => compiled.test(text)
  }
  const prefixes = expression.getPrefixList()
  return (text) => prefixes.some((prefix) => text.startsWith(prefix))
}

export interface Filter {
  readonly wanted: Wanted
  /** Events that are looked at in one go. */
  readonly window: number
  /** A checkpoint is due after this many events that were looked at. */
  readonly checkpointEvery: number
}

export const filterOf = (options: messages.ReadReq.Options.FilterOptions): Filter => {
  const by = (() => {
    switch (options.getFilterCase()) {
      case FilterCase.STREAM_IDENTIFIER: {
        const matches = matching(options.getStreamIdentifier()!)
        return (event: Pick<RecordedEvent, "stream">) => matches(event.stream)
      }
      case FilterCase.EVENT_TYPE: {
        const matches = matching(options.getEventType()!)
        return (event: Pick<RecordedEvent, "type">) => matches(event.type)
      }
      default:
        throw invalidArgument("A filter must name streams or event types.")
    }
  })()
  const window = options.getWindowCase() === WindowCase.MAX
    ? Math.max(1, options.getMax())
    : windowDefault
  if (options.getWindowCase() === WindowCase.WINDOW_NOT_SET) {
    throw invalidArgument("'None' is not a valid WindowOneofCase")
  }
  return {
    wanted: (event) => inAll(event) && by(event),
    window,
    checkpointEvery: window * Math.max(1, options.getCheckpointintervalmultiplier()),
  }
}
