/**
 * What an event says, in the founder's words: for the chain of causes and the history of a person. It
 * trusts no shape, so that an event of an older version is told with what it has.
 */
import { phraseOf } from "../actors/reading.ts"
import { categoryOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { isRunning } from "../machines/billing.ts"
import {
  amountText,
  contentLine,
  dueText,
  mailboxText,
  momentText,
  nameText,
  oneLine,
  stateText,
} from "./aios-words.ts"
import { founderTeller } from "./event-words-founder.ts"
import { memoryTeller } from "./event-words-memory.ts"
import { serviceTeller } from "./event-words-services.ts"
import { outcomeWords, sentence, spoken, type Words } from "./event-words-outcomes.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"

/** Words quoted in one line. */
const detailCharsMax = 160

/** What is needed to tell an event. */
export interface Known {
  /** How a person is called; what was forgotten is said to be so. */
  readonly nameOf: (person: string) => string
  readonly isKnown: (person: string) => boolean
  /** Envelopes become plain, what cannot be opened null. */
  readonly opened: (value: Json) => Json
  readonly isOwn: (address: string) => boolean
  /** Name of the activity that an ask of a stream is for: `<revision>.<place>`. */
  readonly activityOf: (stream: string, ask: string) => string
  readonly timeZone: string
}

const forgotten = "(forgotten)"
const quoted = (text: string) => text === "" ? forgotten : `“${oneLine(text)}”`
const line = (text: string) => oneLine(text, detailCharsMax)
const day = (value: Json | undefined, { timeZone }: Known) => momentText(numberOf(value), timeZone)

/** `lead of Ada Weiss`, `the coordinator`: who an actor is about. */
export const actorText = (stream: string, { isKnown, nameOf }: Known): string => {
  const category = categoryOf(stream)
  const [person] = /[0-9a-f]{32}/.exec(stream) ?? []
  if (category === "coordinator") return "the coordinator"
  if (category === "settings") return "your settings"
  // An invoice's key looks like a person's, and so does that of work on one.
  return person === undefined || !isKnown(person)
    ? `the ${category}`
    : `the ${category} of ${nameOf(person)}`
}

const intentsOf = (fields: JsonObject): string => {
  const intents = [
    ...textsOf(fields["intents"]),
    ...textsOf(objectOf(fields["signals"])["intents"]),
    ...textsOf(objectOf(fields["findings"])["intents"]),
  ]
  return [...new Set(intents)].map(phraseOf).join(", ")
}
const quotesOf = (fields: JsonObject): string =>
  line(textsOf(fields["quotes"]).map((one) => `“${one}”`).join(" · "))

const purposes: { readonly [purpose: string]: string } = {
  complaint: "about their complaint",
  answer: "in answer to them",
  reminder: "to remind them of an invoice",
  followUp: "to follow up",
}
const teller: {
  readonly [type: string]: (fields: JsonObject, known: Known, event: RecordedEvent) => Words
} = {
  ...founderTeller,
  ...memoryTeller,
  ...serviceTeller,
  MailReceived: (fields, known) => {
    const content = objectOf(fields["content"])
    const from = objectOf(content["from"])
    const own = known.isOwn(textOf(from["address"]))
    const subject = quoted(textOf(content["subject"]))
    const warnings = textsOf(fields["suspicions"])
    const person = known.nameOf(textOf(fields["person"]))
    const others = listOf(content["to"]).map(nameText).filter((one) => one !== "").join(", ")
    return {
      what:
        (warnings.includes("forgedFrom")
          ? `A mail that claims to be from ${
            textOf(from["address"]) || nameText(from) || person
          }: ${subject}`
          : own
          ? `You wrote to ${others || person}: ${subject}`
          : `${nameText(from) || person} wrote: ${subject}`) +
        (warnings.length === 0 ? "" : ` (beware: ${warnings.map(spoken).join(", ")})`),
      detail: line(textOf(content["text"])),
    }
  },
  MessageReceived: (fields, known) => {
    const content = objectOf(fields["content"])
    const person = known.nameOf(textOf(fields["person"]))
    return {
      what: fields["direction"] === "outward"
        ? `You wrote to ${person} on ${textOf(fields["network"])}`
        : `${person} wrote on ${textOf(fields["network"])}`,
      detail: line(textOf(content["text"])) || forgotten,
    }
  },
  PersonListed: (fields, known) => {
    const listing = objectOf(fields["listing"])
    return {
      what: `${known.nameOf(textOf(fields["person"]))} stands in your ${
        textOf(fields["list"])
      } list`,
      detail: [listing["position"], listing["company"]].map(textOf).filter((one) => one !== "")
        .join(", "),
    }
  },
  InvoiceRecorded: (fields, known) => ({
    what: `Invoice ${textOf(fields["number"])} over ${amountText(fields["total"])}: ${
      textOf(fields["status"])
    }`,
    detail: dueText(fields, known.timeZone),
  }),
  PaymentRecorded: (fields) => ({
    what: isRunning({ of: textOf(fields["of"]), payment: textOf(fields["payment"]) })
      ? `Refunded of a charge in all: ${amountText(fields["amount"])}`
      : `${sentence(textOf(fields["kind"]) || "payment")} of ${amountText(fields["amount"])}: ${
        textOf(fields["status"])
      }`,
    detail: line([textOf(fields["payment"]), textOf(fields["description"])].join(" ")),
  }),
  MeetingRecorded: (fields, known) => {
    const content = objectOf(fields["content"])
    return {
      what: `${fields["status"] === "cancelled" ? "Cancelled meeting" : "Meeting"} ${
        quoted(textOf(content["title"]))
      }, ${day(fields["startsAt"], known)}`,
      detail: line(textOf(content["location"])),
    }
  },
  FeedItemRead: (fields) => ({
    what: `${textOf(objectOf(fields["feed"])["title"]) || "A feed"}: ${
      quoted(textOf(fields["title"]))
    }`,
    detail: textOf(fields["url"]),
  }),
  NoteRecorded: (fields) => {
    const content = objectOf(fields["content"])
    return {
      what: `Your ${textOf(fields["kind"])} ${quoted(textOf(content["title"]))} for ${
        textOf(fields["topic"])
      }`,
      detail: line(textOf(content["text"])),
    }
  },
  TellRefused: (fields, known) => ({
    what: `${sentence(actorText(textOf(fields["to"]), known))} did not take ${
      textOf(fields["refused"])
    }`,
    detail: line(textOf(fields["reason"])),
  }),
  LeadWrote: (fields, known) => ({
    what: `What ${known.nameOf(textOf(fields["person"]))} wrote was read: ${
      intentsOf(fields) || "nothing that asks for anything"
    }`,
    detail: quotesOf(fields),
  }),
  LeadListed: (fields, known) => ({
    what: `${known.nameOf(textOf(fields["person"]))} became a lead by a list (${
      textOf(fields["list"])
    })`,
    detail: "",
  }),
  LeadAnswered: (fields, known) => ({
    what: `You answered ${known.nameOf(textOf(fields["person"]))} yourself`,
    detail: "",
  }),
  LeadUnsubscribed: (fields, known) => ({
    what: `${known.nameOf(textOf(fields["person"]))} asked not to be written to`,
    detail: quotesOf(fields),
  }),
  LeadBounced: (fields, known) => ({
    what: `Mail to ${known.nameOf(textOf(fields["person"]))} came back for good`,
    detail: "",
  }),
  MailRead: (fields, known) => ({
    what: `The conversation with ${known.nameOf(textOf(fields["person"]))} was read: ${
      intentsOf(fields) || "nothing that asks for anything"
    }`,
    detail: quotesOf(fields),
  }),
  OutreachRequested: (fields, known) => ({
    what: `An answer to ${known.nameOf(textOf(fields["person"]))} was asked for`,
    detail: intentsOf(fields),
  }),
  MailRequested: (fields, known, event) => ({
    what: `${sentence(actorText(textOf(fields["requester"]), known))} asked for a mail to ${
      nameText(fields["contact"]) || known.nameOf(textOf(fields["person"]))
    } ${purposes[textOf(fields["purpose"])] ?? ""}`.trim(),
    detail: intentsOf(fields) || quotesOf(fields) ||
      (event.metadata.actor === undefined ? "" : `asked by ${event.metadata.actor}`),
  }),
  RefundRequested: (fields, known) => ({
    what: `${sentence(actorText(textOf(fields["requester"]), known))} asked for a refund of ${
      amountText(fields["amount"])
    } on invoice ${textOf(objectOf(fields["invoice"])["number"])}`,
    detail: line(textOf(fields["reason"])),
  }),
  InvoiceRequested: (fields, known) => ({
    what: `${sentence(actorText(textOf(fields["requester"]), known))} asked for an invoice over ${
      amountText(fields["amount"])
    } to ${nameText(fields["contact"]) || known.nameOf(textOf(fields["person"]))}`,
    detail: line(textOf(fields["description"])),
  }),
  PublicationRequested: (fields, known) => ({
    what: `Publication of ${quoted(textOf(fields["title"]))} was asked for, ${
      day(fields["publishAt"], known)
    }`,
    detail: "",
  }),
  WorkWithdrawn: (fields) => ({
    what: "Nobody needs it any more",
    detail: spoken(textOf(fields["because"])),
  }),
  FloorRequested: (fields, known) => ({
    what: `${sentence(actorText(textOf(fields["work"]), known))} asked whether it may write to ${
      known.nameOf(textOf(fields["person"]))
    }`,
    detail: "",
  }),
  FloorReleased: (fields, known) => ({
    what: fields["sent"] === true
      ? `A mail to ${known.nameOf(textOf(fields["person"]))} is on its way; others wait`
      : `Others may write to ${known.nameOf(textOf(fields["person"]))} again`,
    detail: "",
  }),
  FloorGranted: (fields, known) => ({
    what: `The coordinator let it write to ${known.nameOf(textOf(fields["person"]))}`,
    detail: "",
  }),
  FloorDenied: (fields, known) => ({
    what: `The coordinator did not let it write to ${known.nameOf(textOf(fields["person"]))}: ${
      actorText(textOf(fields["holder"]), known)
    } writes ${purposes[textOf(fields["purpose"])] ?? "first"}`,
    detail: `until ${day(fields["until"], known)}`,
  }),
  FloorRevoked: (fields, known) => ({
    what: `Something more important wants ${known.nameOf(textOf(fields["person"]))}: ${
      actorText(textOf(fields["holder"]), known)
    } writes ${purposes[textOf(fields["purpose"])] ?? "first"}`,
    detail: `until ${day(fields["until"], known)}`,
  }),
  ApprovalRequested: (fields, known) => ({
    what: `${sentence(actorText(textOf(fields["stream"]), known))} asked for your approval: ${
      contentLine(textOf(fields["activity"]), fields["content"] ?? null)
    }`,
    detail: [
      textsOf(fields["reasons"]).join(" · "),
      textOf(fields["rule"]) === ""
        ? `policy: ${textOf(fields["risk"])}`
        : `policy: ${textOf(fields["grade"])} risk, ${textOf(fields["rule"])}`,
    ].filter((one) => one !== "").join(" · "),
  }),
  ApprovalGranted: (fields) => ({ what: `${who(fields)} approved it`, detail: "" }),
  ApprovalRejected: (fields) => ({
    what: `${who(fields)} rejected it`,
    detail: line(textOf(fields["reason"])),
  }),
  ApprovalPostponed: (fields, known) => ({
    what: `${who(fields)} postponed it until ${day(fields["until"], known)}`,
    detail: "",
  }),
  ApprovalWithdrawn: (fields) => ({ what: `${who(fields)} took the decision back`, detail: "" }),
  ApprovalRegretted: (fields) => ({ what: `${who(fields)} took back what was done`, detail: "" }),
  ApprovalSuperseded: (fields, known) => ({
    what: "Its content changed, or nobody waits for it any more",
    detail: actorText(textOf(fields["by"]), known),
  }),
  ApprovalCarriedOut: (fields) => ({
    what: fields["outcome"] === "succeeded"
      ? "What was approved was done"
      : `What was approved came to nothing (${textOf(fields["outcome"])})`,
    detail: "",
  }),
  InvoiceIssued: (fields, known) => ({
    what: `Invoice ${textOf(fields["number"])} over ${amountText(fields["total"])} is ${
      textOf(fields["status"])
    }, ${amountText(fields["paid"])} of it paid`,
    detail: dueText(fields, known.timeZone),
  }),
  PaymentReceived: (fields) => ({
    what: `${amountText(fields["amount"])} arrived${
      fields["by"] === "operator" ? ", as you said" : ""
    }`,
    detail: textOf(fields["payment"]),
  }),
  PaymentFailed: (fields) => ({ what: "A payment failed", detail: textOf(fields["payment"]) }),
  PaymentRefunded: (fields) => ({
    what: `${amountText(fields["amount"])} was given back`,
    detail: textOf(fields["payment"]),
  }),
  InvoiceDisputed: (fields) => ({
    what: fields["by"] === "bank"
      ? "The customer disputes it with the bank"
      : "The customer complains about it",
    detail: "",
  }),
  SlotReached: (fields) => ({
    what: `The ${textOf(fields["slot"])} slot of ${textOf(fields["date"])} was reached`,
    detail: "",
  }),
  TimerFired: (_, known, event) => ({
    what: `Time passed for ${actorText(event.stream, known)}`,
    detail: "",
  }),
  SettingsRecorded: () => ({ what: "You changed your settings", detail: "" }),
}

const who = (fields: JsonObject): string => {
  const by = textOf(fields["by"])
  return by === "operator" || by === "" ? "You" : `The ${by}`
}

/** An event in words. */
export const wordsOf = (event: RecordedEvent, known: Known): Words => {
  const fields = objectOf(known.opened(event.data))
  if (event.type.startsWith("Activity")) {
    return outcomeWords(event, fields, known.activityOf(event.stream, textOf(fields["ask"])))
  }
  const own = teller[event.type]
  if (own !== undefined) return own(fields, known, event)
  const state = stateText(event.metadata.value)
  return {
    what: `${sentence(actorText(event.stream, known))}: ${spoken(event.type).toLowerCase()}${
      state === "" ? "" : `, now ${state}`
    }`,
    detail: mailboxText(fields["contact"]),
  }
}

/** The imported line that an event is, if it is one. */
export const sourceOf = (event: RecordedEvent): { file: string; at: string } | undefined => {
  const { at, file } = objectOf(objectOf(event.data)["source"])
  return typeof file === "string" && typeof at === "string" ? { file, at } : undefined
}
