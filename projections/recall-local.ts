/**
 * `Recall` over the read models and the index of memory, for those who draft: what is known about a person,
 * and what is remembered about a question. What was forgotten is not known here either.
 */
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { EventLog } from "../actors/event-log.ts"
import {
  type Memory,
  type MemoryQuestion,
  Recall,
  RecallUnavailable,
  type Remembered,
} from "../actors/recall.ts"
import { currentSettings } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import type { InvoiceFacts } from "../machines/executor.ts"
import { Language } from "../machines/record.ts"
import { invoicesAsOf } from "./brief-composed.ts"
import { searchedHere } from "./aios-recall.ts"
import { conversations } from "./conversations.ts"
import { objectOf, sealedOf, textOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import type { InvoiceRow } from "./invoices.ts"
import { MemoryIndex } from "./memory-index.ts"
import { textOfEvent } from "./memory-texts.ts"
import { Queries } from "./queries.ts"
import { ReadStore } from "./read-store.ts"
import { limitDefault, search, tokensMaxDefault } from "./recall-search.ts"
import { worldTime } from "./timeline.ts"

/** Invoices of one person, and notes at once, that are given. */
const invoicesMax = 20
const notesMax = 50
const recordsMax = 500

const decodeLanguage = Schema.decodeUnknownOption(Language)

const factsOf = (one: InvoiceRow): InvoiceFacts => ({
  invoice: one.key,
  number: one.number,
  total: { minor: one.total, currency: one.currency },
  ...(one.dueAt > 0 ? { dueAt: one.dueAt } : {}),
  ...(one.overpaid === 0 ? {} : {
    // The last charges are those too many.
    overpaid: one.payments.slice(1).map(({ minor, payment }) => ({
      payment,
      amount: { minor, currency: one.currency },
    })),
  }),
  reminders: one.reminders,
})

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const queries = yield* Queries
  const store = yield* ReadStore
  const vault = yield* Vault
  const blobs = yield* BlobStore
  const index = yield* MemoryIndex
  const here = Effect.provideContext(
    yield* Effect.context<BlobStore | EventLog | Queries | ReadStore | Vault>(),
  )
  const unavailable = (cause: { readonly message: string }) =>
    new RecallUnavailable({ message: cause.message, retryable: true })

  const about = Effect.fn("Recall.about")(function* (person: string) {
    // Brings the read models to the log's head first.
    const known = yield* queries.person(person)
    const now = yield* Clock.currentTimeMillis
    const { timeZone } = yield* currentSettings.pipe(
      Effect.provideService(EventLog, log),
      Effect.provideService(Vault, vault),
    )
    const meeting = (yield* queries.meetings(now, timeZone)).find((one) =>
      one.person === person && one.startsAt >= now
    )
    const invoices = invoicesAsOf(store, now + 1).filter((one) =>
      one.person === person && (one.open > 0 || one.overpaid > 0)
    )
    const language = decodeLanguage(
      objectOf(store.get(tableOf(conversations), `conversation:${person}`))["language"],
    )
    return {
      mails: known?.mails ?? 0,
      ...(Option.isSome(language) ? { language: language.value } : {}),
      invoices: invoices.slice(0, invoicesMax).map(factsOf),
      ...(known?.name === undefined ? {} : { name: known.name }),
      ...(known?.address === undefined ? {} : { address: known.address }),
      ...(known?.company === undefined ? {} : { company: known.company }),
      ...(meeting === undefined
        ? {}
        : { nextMeeting: { startsAt: meeting.startsAt, title: meeting.title } }),
    } satisfies Remembered
  })

  const notes = Effect.fn("Recall.notes")(function* (records: ReadonlyArray<string>) {
    const found = yield* Effect.forEach(
      records.slice(0, notesMax),
      (record) => log.readPage(record, { limit: 1 }),
    )
    return found.flatMap(([event]) => {
      if (event === undefined || event.type !== "NoteRecorded") return []
      const { content } = objectOf(event.data)
      const sealed = sealedOf(content)
      const plain = objectOf(sealed === undefined ? content : vault.open(sealed))
      const title = textOf(plain["title"])
      return title === "" ? [] : [{ record: event.stream, title, text: textOf(plain["text"]) }]
    })
  })

  const found = Effect.fn("Recall.search")(function* (question: MemoryQuestion) {
    if (index === undefined || question.about.trim() === "") return []
    yield* index.words()
    const { limit = limitDefault, person, tokensMax = tokensMaxDefault } = question
    const searched = yield* here(searchedHere(index))
    const answer = yield* search(searched, {
      about: question.about,
      limit,
      tokensMax,
      now: yield* Clock.currentTimeMillis,
      ...(person === undefined ? {} : { person }),
    })
    // Nothing is drafted from what is not from whom it says.
    const trusted = answer.found.filter(({ item }) => item.suspect !== true)
    return trusted.map(({ item, score, text, tier }): Memory => ({
      text,
      tier,
      score,
      events: item.events,
      ...(item.person === undefined ? {} : { person: item.person }),
      at: item.at,
      what: item.what,
    }))
  })

  const texts = Effect.fn("Recall.texts")(function* (records: ReadonlyArray<string>) {
    const opening = { log, vault, blobs, timeZone: "UTC" }
    const all = yield* Effect.forEach(
      records.slice(0, recordsMax),
      (record) =>
        Effect.gen(function* () {
          const [event] = yield* log.readPage(record, { limit: 1 })
          const opened = event === undefined ? undefined : yield* textOfEvent(opening, event)
          return event === undefined || opened === undefined ? [] : [{
            record,
            event: event.id,
            at: worldTime(event),
            text: opened.text,
            subject: opened.subject,
            title: opened.title,
          }]
        }),
    )
    return all.flat().sort((a, b) => a.at - b.at)
  })

  return Recall.of({
    about: (person) => Effect.mapError(about(person), unavailable),
    notes: (records) => Effect.mapError(notes(records), unavailable),
    search: (question) => Effect.mapError(found(question), unavailable),
    texts: (records) => Effect.mapError(texts(records), unavailable),
  })
})

export const layer = Layer.effect(Recall, make)
