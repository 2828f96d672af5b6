/**
 * Where the words of a draft are known from: what it quotes is looked up in the records its request
 * names, and the event is given with them. What cannot be found is not cited.
 */
import { Effect, Option } from "effect"
import { isObject } from "../../machines/agent.ts"
import type { Evidence } from "../../machines/record.ts"
import { EventLog } from "../event-log.ts"
import { spaced } from "../reading-text.ts"
import { Recall } from "../recall.ts"

/** Of a request the newest records, and of a piece of work so many events, are looked at. */
const recordsMax = 6
const eventsMax = 200
const citesMax = 6
const groundsMax = 2
const textsMillisMax = 2_000
/** A longer quote is cut in the draft: its beginning tells. */
const beginningChars = 100

/** The event that a record is; a record is one. */
export const eventOfRecord = (record: string) =>
  Effect.flatMap(EventLog, (log) => log.readPage(record, { limit: 1 })).pipe(
    Effect.map(([event]) => event?.id),
    Effect.catch(() => Effect.undefined),
  )

const textsIn = (data: unknown, field: string): ReadonlyArray<string> => {
  const value = isObject(data) ? data[field] : undefined
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : []
}

/** Records that the last request of this work names, oldest first. */
const recordsAsked = (askId: string) =>
  Effect.flatMap(
    EventLog,
    (log) => log.readPage(askId.slice(0, askId.lastIndexOf("/")), { limit: eventsMax }),
  ).pipe(
    Effect.map((events) =>
      textsIn(events.findLast(({ type }) => type === "MailRequested")?.data, "records")
        .slice(-recordsMax)
    ),
    Effect.catch(() => Effect.succeed<ReadonlyArray<string>>([])),
  )

const textsOf = (records: ReadonlyArray<string>) =>
  Effect.flatMap(Recall, (recall) => recall.texts(records)).pipe(
    Effect.timeoutOption(textsMillisMax),
    Effect.map(Option.getOrElse(() => [])),
    Effect.catch(() => Effect.succeed([])),
  )

/** As it was written: a quote that was cut says so by dots. */
const bare = (quote: string) => spaced(quote.replace(/^…|…\??$/g, ""))

/** What of the quotes stands in the text, with the event each is from. */
export const quotesCited = (askId: string, quotes: ReadonlyArray<string>, text: string) =>
  Effect.gen(function* () {
    const said = spaced(text)
    const used = [...new Set(quotes.map(bare))].filter((quote) =>
      quote !== "" && said.includes(quote.slice(0, beginningChars))
    )
    if (used.length === 0) return []
    const records = yield* recordsAsked(askId)
    if (records.length === 0) return []
    const texts = yield* textsOf(records)
    // Where the texts cannot be had: a request quotes the newest of its records.
    const newest = yield* eventOfRecord(records.at(-1) ?? "")
    return used.slice(0, citesMax).flatMap((quote): ReadonlyArray<Evidence> => {
      const found = texts.findLast((one) => spaced(`${one.subject}\n${one.text}`).includes(quote))
      const event = found?.event ?? (texts.length === 0 ? newest : undefined)
      return event === undefined ? [] : [{ event, quote }]
    })
  })

/** What a mail without a quote rests on: what was complained of, or the record of the invoice it names. */
export const groundsCited = (
  askId: string,
  quotes: ReadonlyArray<string>,
  invoiceNumber: string | undefined,
) =>
  Effect.gen(function* () {
    const texts = yield* textsOf(yield* recordsAsked(askId))
    const said = [...new Set(quotes.map(bare))].filter((quote) => quote !== "")
      .flatMap((quote): ReadonlyArray<Evidence> => {
        const found = texts.findLast((one) => spaced(`${one.subject}\n${one.text}`).includes(quote))
        return found === undefined ? [] : [{ event: found.event, quote }]
      })
    if (said.length > 0 || invoiceNumber === undefined) return said.slice(0, groundsMax)
    const invoice = texts.findLast(({ title = "" }) =>
      title.startsWith(`Invoice ${invoiceNumber} `)
    )
    return invoice === undefined
      ? []
      : [{ event: invoice.event, quote: spaced(invoice.title ?? "") }]
  })
