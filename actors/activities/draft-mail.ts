/**
 * Drafts a mail for its purpose from what is known: what the person wrote, the invoice it is about, and
 * what is remembered of the person. Where a fact is missing that only the founder knows it fails and
 * names it; what cannot be remembered is done without. The template's draft is always made; a model's
 * words take the place of its body where there is a model and the rules find nothing wrong with them.
 */
import { Clock, Effect, Option, Schema } from "effect"
import { draftMail as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { amountsIn } from "../reading-amounts.ts"
import { commitmentsIn } from "../reading-commitments.ts"
import { datesIn, type Reckoning } from "../reading-dates.ts"
import { Recall, type Remembered } from "../recall.ts"
import { currentSettings, type Settings } from "../settings.ts"
import { groundsCited, quotesCited } from "./cites.ts"
import { modelDraft } from "./draft-mail-model.ts"
import {
  asksBack,
  bareSubject,
  bodyOf,
  dateWords,
  type Facts,
  firstNameOf,
  fullNameOf,
  letterOf,
  oneLine,
  subjectOf,
  textOf,
  timeWords,
} from "./mail-words.ts"
import { opened } from "./opened.ts"

const madeBy = "template-2"
/** What is remembered helps; nobody waits longer for it. */
const recallMillisMax = 2_000
/** When "this evening" is, where nobody said when the day ends. */
const dayEndsAt = "17:00"

/** The founder has to tell something first. */
export class MissingSettings extends Schema.TaggedError<MissingSettings>()("MissingSettings", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

/** Whoever asked for the mail did not say what it needs. */
export class MissingFacts extends Schema.TaggedError<MissingFacts>()("MissingFacts", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

/** The sender as the settings have it, or the names of what is missing. */
const senderOf = (settings: Settings) => {
  const name = oneLine(settings.name ?? "")
  const address = settings.addresses[0] ?? settings.proposedAddresses[0] ?? ""
  const missing = [
    ...(name === "" ? ["name"] : []),
    ...(address === "" ? ["addresses"] : []),
  ]
  return { name, address, missing }
}

const remembered = (person: string) =>
  Effect.flatMap(Recall, (recall) => recall.about(person)).pipe(
    Effect.timeoutOption(recallMillisMax),
    Effect.map(Option.getOrUndefined),
    Effect.catch(() => Effect.succeed(undefined)),
  )

/** What a complaint is about, where only one invoice can be meant: one that was charged too often. */
const complainedAbout = (known: Remembered | undefined) => {
  const over = (known?.invoices ?? []).filter(({ overpaid }) => (overpaid ?? []).length > 0)
  return over.length === 1 ? over[0] : undefined
}

const onlyOne = <A>(all: ReadonlyArray<A>): A | undefined => all.length === 1 ? all[0] : undefined
/** Fields that are there. */
const given = <A extends object>(fields: A) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]?: Exclude<A[K], undefined>
  }

/** A time of day beside a date. */
const clock = /\d{1,2}[:.]\d{2}|\b\d{1,2} ?(?:am|pm|uhr|o'clock)\b/i
/** The times that are named to choose from, each with its day. */
const timesIn = (quote: string, reckoning: Reckoning): ReadonlyArray<number> =>
  quote.split(/ (?:or|oder) /i).filter((part) => clock.test(part))
    .flatMap((part) => datesIn(part, reckoning).slice(0, 1).map(({ dueAt }) => dueAt))

export const draftMail = implement(declaration, (mail, run) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const settings = yield* Effect.mapError(currentSettings, (cause) => ({
      _tag: cause._tag,
      message: cause.message,
      retryable: cause.retryable,
    }))
    const { timeZone } = settings
    const { name, address, missing } = senderOf(settings)
    if (missing.length > 0) {
      return yield* new MissingSettings({
        message: `Not known yet: ${missing.join(", ")}. Tell it with: aios settings`,
        retryable: false,
      })
    }
    const to = yield* opened(mail.contact)
    const quotes = (yield* opened(mail.quotes)).map(oneLine)
    const known = yield* remembered(mail.person)
    const invoice = mail.invoice?.overpaid === undefined && mail.purpose === "complaint"
      ? known?.invoices.find((one) => one.invoice === mail.invoice?.invoice) ??
        mail.invoice ?? complainedAbout(known)
      : mail.invoice
    if (mail.purpose === "reminder" && invoice === undefined) {
      return yield* new MissingFacts({
        message: "A reminder names an invoice, and none was given",
        retryable: false,
      })
    }
    const language = mail.language ?? known?.language ?? "en"
    const amount = onlyOne(amountsIn(quotes.join("\n")))
    const reckoning = {
      sentAt: mail.answers,
      timeZone,
      dayEndsAt: settings.workingHours?.to ?? dayEndsAt,
    }
    const words = (at: number | undefined) =>
      at === undefined ? undefined : dateWords(at, timeZone, now, language)
    const named = mail.dueAt !== undefined
      ? [mail.dueAt]
      : quotes.flatMap((quote) => datesIn(quote, reckoning).map(({ dueAt }) => dueAt))
    const wanted = quotes.find((quote) =>
      commitmentsIn(quote, reckoning).some(({ by }) => by === "reader")
    )
    const times = quotes.flatMap((quote) => timesIn(quote, reckoning))
    const nameOf = (named: typeof firstNameOf) =>
      named(to.name, known?.company, to.address) ||
      named(known?.name ?? "", known?.company, to.address)
    const facts: Facts = {
      language,
      purpose: mail.purpose,
      firstName: nameOf(firstNameOf),
      fullName: nameOf(fullNameOf),
      company: oneLine(known?.company ?? ""),
      intents: mail.intents,
      dates: [...new Set(named.map((at) => dateWords(at, timeZone, now, language)))],
      times: [...new Set(times.map((at) => timeWords(at, timeZone, now, language)))],
      quotes,
      subject: bareSubject(yield* opened(mail.subject)),
      signature: settings.signature?.trim() || name,
      ...given({
        invoice,
        wanted,
        amount: amount && { minor: amount.minor, currency: amount.currency },
        invoiceDue: words(invoice?.dueAt),
        nextMeeting: words(known?.nextMeeting?.startsAt),
      }),
    }
    const { draft, refused } = yield* modelDraft({
      ...{ facts, settings, now, person: mail.person, answers: mail.answers },
      template: bodyOf(facts),
      address: to.address,
    })
    const text = draft === undefined ? textOf(facts) : letterOf(facts, draft.body)
    const quoted = [...draft?.cites ?? [], ...yield* quotesCited(run.askId, quotes, text)]
    const cites = [
      ...quoted,
      ...quoted.length > 0 ? [] : yield* groundsCited(run.askId, quotes, invoice?.number),
    ].filter((one, place, all) => all.findIndex(({ quote }) => quote === one.quote) === place)
    return {
      person: mail.person,
      from: { name, address },
      to,
      subject: subjectOf(facts),
      text,
      made: draft?.made ?? madeBy,
      asks: asksBack(facts, draft?.body),
      ...(cites.length === 0 ? {} : { cites }),
      ...(refused.length === 0 ? {} : { refusedModel: refused }),
    }
  }))
