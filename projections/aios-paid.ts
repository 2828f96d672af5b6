/** The founder says that an invoice was paid: a fact for the invoice's actor, like a payment that was imported. */
import { Clock, Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { EventLog, keyOf, type RecordedEvent } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import type { JsonObject } from "../machines/agent.ts"
import type { Money } from "./aios.ts"
import { door, refuse } from "./aios-failures.ts"
import { moneyOf, moneyText, stateText } from "./aios-words.ts"
import { objectOf, textOf } from "./fields.ts"

const prefixCharsMin = 6
/** What follows from it gets so long. */
const settleMillisMax = 20_000
const pageStreams = 1_000
const eventsMax = 1_000
const namedMax = 5
const day = 24 * 60 * 60 * 1000

interface Known {
  readonly stream: string
  /** As it was issued last. */
  readonly issued: JsonObject
  readonly events: ReadonlyArray<RecordedEvent>
}

const readInvoice = Effect.fnUntraced(function* (stream: string) {
  const log = yield* EventLog
  const events = yield* door(log.readPage(stream, { limit: eventsMax }))
  const issued = objectOf(events.findLast(({ type }) => type === "InvoiceIssued")?.data)
  return { stream, issued, events } satisfies Known
})

const allInvoices = Effect.gen(function* () {
  const log = yield* EventLog
  const found: Array<string> = []
  let after: string | undefined
  for (;;) {
    const page = yield* door(log.streams("invoice", after, pageStreams))
    found.push(...page)
    if (page.length < pageStreams) return found
    after = page.at(-1)
  }
})

const numberOf = ({ issued }: Known) => textOf(issued["number"])

/** By number, exactly; else by the beginning of its key, or of its number where that names one. */
const find = Effect.fnUntraced(function* (written: string) {
  const word = written.trim().replace(/^invoice[-/]/i, "")
  const known = yield* Effect.forEach(yield* allInvoices, readInvoice)
  const folded = word.toLowerCase()
  const exact = known.filter((one) => numberOf(one).toLowerCase() === folded)
  const alike = exact.length > 0 ? exact : known.filter((one) =>
    word.length >= prefixCharsMin &&
    (keyOf(one.stream).startsWith(folded) || numberOf(one).toLowerCase().startsWith(folded))
  )
  const [first, second] = alike
  if (first === undefined) {
    const open = known.map(numberOf).filter((one) => one !== "").slice(-namedMax)
    return yield* refuse(
      "failed",
      "InvoiceNotFound",
      `There is no invoice ${written}. ${
        open.length === 0
          ? "None was imported yet: aios import invoices.csv"
          : `Some that there are: ${open.join(", ")}; aios agents invoice shows all.`
      }`,
    )
  }
  if (second !== undefined) {
    return yield* refuse(
      "usage",
      "AmbiguousId",
      `${written} names ${alike.length} invoices (${
        alike.slice(0, namedMax).map((one) => `${numberOf(one)}: invoice/${keyOf(one.stream)}`)
          .join(", ")
      }). Give the key of one.`,
    )
  }
  return first
})

/** What its events say was paid, less what was given back. */
const paidSoFar = ({ events, issued }: Known): number => {
  const sum = events.reduce((sum, { data, type }) => {
    const minor = moneyOf(objectOf(data)["amount"])?.minor ?? 0
    return type === "PaymentReceived" ? sum + minor : type === "PaymentRefunded" ? sum - minor : sum
  }, 0)
  return Math.max(sum, moneyOf(issued["paid"])?.minor ?? 0)
}

export const paid = Effect.fnUntraced(function* (
  written: string,
  payment: { readonly amount?: Money; readonly at?: number; readonly force?: boolean },
) {
  const system = yield* ActorSystem
  const log = yield* EventLog
  const now = yield* Clock.currentTimeMillis
  const invoice = yield* find(written)
  const number = numberOf(invoice) || keyOf(invoice.stream)
  const total = moneyOf(invoice.issued["total"])
  if (total === undefined) {
    return yield* refuse(
      "failed",
      "InvoiceNotFound",
      `Nobody has said yet what invoice ${number} is over. Import it first, then say that it was paid.`,
    )
  }
  const status = textOf(invoice.issued["status"])
  if (payment.amount === undefined && (status === "void" || status === "draft")) {
    return yield* refuse(
      "failed",
      "NothingOwed",
      `Invoice ${number} is ${status}: nothing is owed on it. If money arrived all the same, say how ` +
        `much: aios paid ${number} --amount …`,
    )
  }
  const at = payment.at ?? now
  if (at > now + day) {
    return yield* refuse("usage", "InvalidValue", "A payment cannot be of a day that is to come.")
  }
  const open = total.minor - paidSoFar(invoice)
  const amount = payment.amount ?? { minor: open, currency: total.currency }
  if (amount.currency !== total.currency) {
    return yield* refuse(
      "usage",
      "InvalidValue",
      `Invoice ${number} is in ${total.currency}, not ${amount.currency}. Say what arrived of it in ` +
        `${total.currency}: --amount … --currency ${total.currency}`,
    )
  }
  const stateOf = Effect.map(
    door(system.view(invoice.stream)),
    (view) => stateText(view?.value),
  )
  /** The same amount on the same day is the same payment, said twice. */
  const told = `told:${
    derivedId(`paid:${invoice.stream}:${amount.minor}:${Math.floor(at / day)}`).slice(0, 13)
  }`
  const id = derivedId(`payment:${invoice.stream}:${told}`)
  const known = (yield* door(log.byId(id))).length > 0
  if (known || (open <= 0 && payment.amount === undefined)) {
    return {
      invoice: number,
      state: yield* stateOf,
      outcome: known && open > 0
        ? `${moneyText(amount)} of that day was recorded before; nothing changed. ` +
          `${moneyText({ minor: open, currency: total.currency })} is still open. ` +
          "A second payment of the same amount: give its day with --on."
        : `Invoice ${number} was paid before; nothing changed.`,
    }
  }
  if (amount.minor <= 0) {
    return yield* refuse("usage", "InvalidValue", "--amount: give what arrived, more than nothing.")
  }
  if (amount.minor > open && payment.force !== true) {
    const left = { minor: Math.max(0, open), currency: total.currency }
    return yield* refuse(
      "usage",
      "MoreThanOpen",
      `${moneyText(left)} is open on invoice ${number}, not ${
        moneyText(amount)
      }; nothing was recorded. ` +
        "What you say here cannot be taken back. If so much arrived all the same: " +
        `aios paid ${number} --amount … --force`,
    )
  }
  yield* door(system.propose(invoice.stream, {
    type: "PaymentReceived",
    person: textOf(invoice.issued["person"]),
    invoice: keyOf(invoice.stream),
    record: textOf(invoice.issued["record"]),
    at: Math.round(at),
    payment: told,
    amount: { ...amount },
    by: "operator",
  }, { id, actor: "operator" }))
  yield* door(system.settle(settleMillisMax))
  const left = open - amount.minor
  return {
    invoice: number,
    state: yield* stateOf,
    outcome: `${moneyText(amount)} recorded for invoice ${number}. ${
      left > 0
        ? `${moneyText({ minor: left, currency: total.currency })} is still open.`
        : left < 0
        ? `That is ${moneyText({ minor: -left, currency: total.currency })} more than is owed.`
        : "Nothing is open any more."
    }`,
  }
})
