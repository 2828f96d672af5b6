/** How contents, moments and outcomes are said to the founder: the same words behind every door. */
import type { Json, JsonObject, StateValue } from "../machines/agent.ts"
import type { Money } from "./aios.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"

/** Of a text that is quoted in one line. */
const quotedCharsMax = 80

export const oneLine = (text: string, max = quotedCharsMax): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return [...line].length <= max ? line : `${[...line].slice(0, max - 1).join("")}…`
}

/** A state as the chart calls it: `warm`, or `open.payment.due + open.delivery.sent` for regions. */
export const stateText = (value: StateValue | Json | undefined): string => {
  if (typeof value === "string") return value
  return Object.entries(objectOf(value)).map(([name, child]) => {
    const text = stateText(child)
    return text === "" ? name : `${name}.${text}`
  }).join(" + ")
}

/** `Ada Weiss <ada@lumen.example>`. */
export const mailboxText = (value: Json | undefined): string => {
  const { address, name } = objectOf(value)
  const [at, who] = [textOf(address), textOf(name)]
  return who === "" ? at : at === "" ? who : `${who} <${at}>`
}
/** The name, or the address where there is none. */
export const nameText = (value: Json | undefined): string =>
  textOf(objectOf(value)["name"]) || textOf(objectOf(value)["address"])

/** Digits after the point, by currency: 2 for EUR, 0 for JPY. */
export const minorDigits = (currency: string): number => {
  try {
    const format = new Intl.NumberFormat("en", { style: "currency", currency })
    return format.resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}

/** `1,200.00 EUR`. */
export const moneyText = ({ currency, minor }: Money): string => {
  const digits = minorDigits(currency)
  const amount = (minor / 10 ** digits).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return `${amount} ${currency}`
}
export const moneyOf = (value: Json | undefined): Money | undefined => {
  const { currency, minor } = objectOf(value)
  return typeof minor === "number" && typeof currency === "string" ? { minor, currency } : undefined
}
export const amountText = (value: Json | undefined): string => {
  const money = moneyOf(value)
  return money === undefined ? "an unknown amount" : moneyText(money)
}

/** `Fri 27 Nov 2026, 09:00`, in the founder's zone. */
export const momentText = (at: number, timeZone: string): string =>
  new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
  }).format(at)

/** What an approval is for, in one line. */
export const contentLine = (activity: string, content: Json): string => {
  const fields = objectOf(content)
  const to = mailboxText(fields["to"])
  switch (activity) {
    case "sendMail":
      return `mail to ${to}: “${oneLine(textOf(fields["subject"]))}”`
    case "refundPayment":
      return `refund of ${amountText(fields["amount"])} on invoice ${
        textOf(fields["number"])
      } to ${to}`
    case "draftInvoice":
      return `invoice over ${amountText(fields["amount"])} to ${to}`
    case "publishArticle":
      return `publication of “${oneLine(textOf(fields["title"]))}”`
    default:
      return activity
  }
}

/** What approving does, and what it does not do yet. `sends`: whether mail leaves from here. */
export const effectText = (
  activity: string,
  content: Json,
  here: { readonly sends: boolean; readonly timeZone: string },
): string => {
  const fields = objectOf(content)
  const to = mailboxText(fields["to"])
  switch (activity) {
    case "sendMail":
      return here.sends
        ? `sends a mail to ${to}: “${oneLine(textOf(fields["subject"]))}”`
        : `writes a mail to ${to} (“${
          oneLine(textOf(fields["subject"]))
        }”) into the outbox; AIOS does not send it yet`
    case "refundPayment":
      return `records a refund of ${amountText(fields["amount"])} on payment ${
        textOf(fields["payment"])
      } (invoice ${textOf(fields["number"])}) to ${to} in the payments folder; ` +
        "AIOS moves no money yet"
    case "draftInvoice":
      return `writes a draft invoice over ${
        amountText(fields["amount"])
      } to ${to} into the payments folder; AIOS does not send it yet`
    case "publishArticle":
      return `writes “${oneLine(textOf(fields["title"]))}” into the published folder, dated ${
        momentText(numberOf(fields["publishAt"]), here.timeZone)
      }`
    default:
      return `carries out ${activity}`
  }
}

/** How places of the adapters are to be read; a door that knows the folder says its path instead. */
export const dataFolder = "the data directory"

/** Where something is of which the founder said that it happened. */
export const toldWhere = "unknown (you said that it happened)"

/** What was done, from where the adapter says it now is. */
export const doneText = (activity: string, where: string, sends: boolean): string => {
  if (where === "") return `${activity} is done.`
  if (where === toldWhere) return "You said that it happened; nothing was done from here."
  const place = `${where} in ${dataFolder}`
  switch (activity) {
    case "sendMail":
      return sends
        ? `Done: ${where}`
        : `Written to ${place}. AIOS does not send mail yet: open it in your mail program and send it.`
    case "draftInvoice":
      return `Drafted as ${place}. AIOS does not send it yet: look at it, and send it yourself.`
    case "refundPayment":
      return `Recorded in ${place}. AIOS moves no money yet: refund it where the payment was made.`
    default:
      return `Done: ${place}`
  }
}

/** Longer texts are compared as a whole. */
const diffLinesMax = 500

const mailLines = (content: Json): ReadonlyArray<string> => {
  const { subject, text } = objectOf(content)
  return [`Subject: ${textOf(subject)}`, ...textOf(text).trim().split("\n")]
}

/** Lines that went and came, in order; those that stayed are left out. */
export const changedLines = (before: Json, after: Json): string => {
  const [was, is] = [mailLines(before), mailLines(after)]
  if (was.length > diffLinesMax || is.length > diffLinesMax) {
    return [...was.map((line) => `- ${line}\n`), ...is.map((line) => `+ ${line}\n`)].join("")
  }
  // Longest common subsequence, from the end.
  const width = is.length + 1
  const longest = new Uint16Array((was.length + 1) * width)
  for (let a = was.length - 1; a >= 0; a--) {
    for (let b = is.length - 1; b >= 0; b--) {
      longest[a * width + b] = was[a] === is[b]
        ? longest[(a + 1) * width + b + 1]! + 1
        : Math.max(longest[(a + 1) * width + b]!, longest[a * width + b + 1]!)
    }
  }
  const lines: Array<string> = []
  for (let a = 0, b = 0; a < was.length || b < is.length;) {
    if (a < was.length && b < is.length && was[a] === is[b]) {
      a++
      b++
    } else if (
      a < was.length &&
      (b === is.length || longest[(a + 1) * width + b]! >= longest[a * width + b + 1]!)
    ) lines.push(`- ${was[a++]}\n`)
    else lines.push(`+ ${is[b++]}\n`)
  }
  return lines.join("")
}

/** How two contents differ, line by line: `- text: …`, `+ text: …`. */
export const difference = (before: Json, after: Json): string => {
  const [was, is] = [objectOf(before), objectOf(after)]
  if (
    [was, is].every(({ subject, text }) => typeof subject === "string" && typeof text === "string")
  ) {
    return changedLines(before, after)
  }
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((name) => {
    const lines = (value: Json | undefined) =>
      value === undefined
        ? []
        : (typeof value === "string" ? value : JSON.stringify(value)).split("\n")
    const [old, fresh] = [lines(was[name]), lines(is[name])]
    return [
      ...old.filter((line) => !fresh.includes(line)).map((line) => `- ${name}: ${line}\n`),
      ...fresh.filter((line) => !old.includes(line)).map((line) => `+ ${name}: ${line}\n`),
    ]
  }).join("")
}

/** When an invoice is due. Nobody waits for what is paid; a day that nobody named is not told as one. */
export const dueText = (fields: JsonObject, timeZone: string): string => {
  const { assumed, dueAt, status } = fields
  if (typeof dueAt !== "number" || status === "paid" || status === "void") return ""
  if (assumed === "issue") return "due on issue"
  return assumed === "term"
    ? "no due date given; 14 days assumed"
    : `due ${momentText(dueAt, timeZone)}`
}
