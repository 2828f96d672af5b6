/**
 * Drafts an answer to what a lead wrote, by a fixed template: no model, the same input gives the same
 * text. It quotes the person, answers what was asked with a question or a plain statement, promises
 * nothing, and has no placeholders: where a fact is missing it fails and names the fact.
 */
import { Effect, Schema } from "effect"
import { draftOutreach as declaration } from "../../machines/outreach.ts"
import { implement } from "../activity.ts"
import { currentSettings, type Settings } from "../settings.ts"
import { opened } from "./opened.ts"

const madeBy = "template-1"
/** Longer subjects and quotes are cut at a word. */
const subjectCharsMax = 150
const quoteCharsMax = 160

/** The founder has to tell something first. */
export class MissingSettings extends Schema.TaggedError<MissingSettings>()("MissingSettings", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

/** What to say to what was read, in this order. At most two are said: a short mail is answered sooner. */
const sentences: ReadonlyArray<readonly [intent: string, sentence: string]> = [
  [
    "accepts",
    "Good. To put it in writing I need the company name and the address for the invoice.",
  ],
  ["asksMeeting", "When would suit you? Two or three times to choose from are enough."],
  ["asksPrice", "To name you one price and not a range: what exactly should it cover?"],
  [
    "namesBudget",
    "It helps that you named the budget. What has to be part of it, and what can wait?",
  ],
  ["namesDate", "I have read the date. Is it fixed, or can it move by a few days?"],
]
const sentencesMax = 2
const otherwise = "What would be the most useful next step for you?"

const oneLine = (text: string) => text.replace(/[\p{Cc}\s]+/gu, " ").trim()

const cut = (text: string, charsMax: number) => {
  const chars = [...text]
  if (chars.length <= charsMax) return text
  const kept = chars.slice(0, charsMax - 1).join("")
  const space = kept.lastIndexOf(" ")
  return `${(space > charsMax / 2 ? kept.slice(0, space) : kept).trimEnd()}…`
}

/** A name fit for a greeting; none where it is an address, or turned round, or a company's. */
const greetingOf = (name: string) => {
  const plain = oneLine(name).replace(/^["']+|["']+$/g, "")
  return plain === "" || /[@,;:<>()\d]/.test(plain) || plain.length > 60
    ? "Hello,"
    : `Hello ${plain},`
}

const subjectOf = (subject: string) => {
  const bare = oneLine(subject).replace(/^((re|aw|sv|fwd?|wg)\s*(\[\d+\])?:\s*)+/i, "")
  return cut(`Re: ${bare === "" ? "your mail" : bare}`, subjectCharsMax)
}

export const textOf = (
  mail: {
    readonly name: string
    readonly intents: ReadonlyArray<string>
    readonly quotes: ReadonlyArray<string>
  },
  signature: string,
): string => {
  const quote = mail.quotes.map(oneLine).find((one) => one !== "")
  const said = sentences.filter(([intent]) => mail.intents.includes(intent))
    .slice(0, sentencesMax).map(([, sentence]) => sentence)
  const opening = quote === undefined
    ? "Thank you for your mail."
    : `Thank you for your mail. You wrote: “${cut(quote, quoteCharsMax)}”`
  return [
    greetingOf(mail.name),
    opening,
    (said.length === 0 ? [otherwise] : said).join("\n"),
    signature.trim(),
  ].join("\n\n") + "\n"
}

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

export const draftOutreach = implement(declaration, (mail) =>
  Effect.gen(function* () {
    const settings = yield* Effect.mapError(currentSettings, (cause) => ({
      _tag: cause._tag,
      message: cause.message,
      retryable: cause.retryable,
    }))
    const { name, address, missing } = senderOf(settings)
    if (missing.length > 0) {
      return yield* new MissingSettings({
        message: `Not known yet: ${missing.join(", ")}. Tell it with: aios settings`,
        retryable: false,
      })
    }
    const to = yield* opened(mail.contact)
    const subject = subjectOf(yield* opened(mail.subject))
    const quotes = yield* opened(mail.quotes)
    const signature = settings.signature?.trim() || name
    return {
      person: mail.person,
      from: { name, address },
      to,
      subject,
      text: textOf({ name: to.name, intents: mail.intents, quotes }, signature),
      made: madeBy,
    }
  }))
