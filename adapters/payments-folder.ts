/**
 * Payments as files in a folder. `book.ndjson` is the truth, append-only; made from it, and again where
 * they are missing, are `invoices/` and `refunds/` (one file to read, one for programs) and `ledger.csv`.
 * No money moves and nothing is sent: the founder does both with what is written here.
 */
import { Layer } from "effect"
import { basename, join } from "node:path"
import { Payments, PaymentsUnavailable } from "../actors/payments.ts"
import type { Money } from "../machines/record.ts"
import { csvFile } from "./csv-cells.ts"
import { fileTrouble, keepWhole, makeFolder } from "./durable-file.ts"
import { inFile, JournalUnreadable } from "./keyed-journal.ts"
import { bookOver, isCancelled, isVoid, Line, version } from "./payments-book.ts"

/** `1200.00`: as many digits after the point as the currency has. */
export const decimalOf = ({ minor, currency }: Money): string => {
  const digits = digitsOf(currency)
  const text = String(Math.abs(minor)).padStart(digits + 1, "0")
  const whole = text.slice(0, text.length - digits)
  return `${minor < 0 ? "-" : ""}${whole}${digits === 0 ? "" : `.${text.slice(-digits)}`}`
}
const digitsOf = (currency: string): number => {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
      .maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}
const shown = (money: Money) =>
  `${decimalOf(money).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",")} ${money.currency}`

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)
/** Text of strangers in Markdown stays text. */
const literal = (text: string) => text.replace(/[\\`*_{}[\]<>#|!]/g, "\\$&")
const partyOf = ({ name, address }: Line["party"]) =>
  literal(name === "" ? address : `${name} (${address})`)

const invoiceText = (line: Line, cancelled: boolean) =>
  `# Invoice ${line.number}${cancelled ? ": void" : ", draft"}

${
    cancelled
      ? "Do not send it. Its number stays taken, so that there are no gaps."
      : "Check it, add what your tax office wants on it, and send it. AIOS has not sent it."
  }

- To: ${partyOf(line.party)}
- Date: ${dayOf(line.at)}
- For: ${literal(line.text)}
- Amount: ${shown(line.amount)}
`

const refundText = (line: Line, cancelled: boolean) =>
  `# Refund ${line.refund}${cancelled ? ": cancelled" : ""}

${
    cancelled
      ? "Do not pay it. Where it was paid already, ask for it back."
      : "Pay it back where the payment came in. AIOS moves no money."
  }

- To: ${partyOf(line.party)}
- Amount: ${shown(line.amount)}
- Of payment: ${literal(line.payment)}
- For invoice: ${literal(line.number)}
- Why: ${literal(line.text)}
- Date: ${dayOf(line.at)}
`

const machineText = (line: Line, status: string) =>
  `${JSON.stringify({ ...line, status, amountDecimal: decimalOf(line.amount) }, null, 2)}\n`

const header = [
  "Date",
  "Kind",
  "Invoice",
  "Payment",
  "Refund",
  "Amount",
  "Currency",
  "Name",
  "Address",
  "Text",
  "Key",
]
const rowOf = (line: Line) => [
  dayOf(line.at),
  line.kind,
  line.number,
  line.payment,
  line.refund,
  decimalOf(line.amount),
  line.amount.currency,
  line.party.name,
  line.party.address,
  line.text,
  line.key,
]

export const layer = (folder: string): Layer.Layer<Payments> =>
  Layer.sync(Payments, () => {
    const file = join(folder, "book.ndjson")
    const showInvoice = (line: Line, book: ReadonlyArray<Line>) => {
      const cancelled = isVoid(book, line.number)
      const path = join(folder, "invoices", line.number)
      makeFolder(join(folder, "invoices"))
      keepWhole(`${path}.json`, machineText(line, cancelled ? "void" : "draft"))
      keepWhole(`${path}.md`, invoiceText(line, cancelled))
    }
    const showRefund = (line: Line, book: ReadonlyArray<Line>) => {
      const cancelled = isCancelled(book, line.refund)
      makeFolder(join(folder, "refunds"))
      keepWhole(join(folder, "refunds", `${line.refund}.md`), refundText(line, cancelled))
    }
    return Payments.of(bookOver(inFile(file, version, Line), {
      show: (line, book) => {
        const invoice = book.find((one) => one.kind === "invoice" && one.number === line.number)
        const refund = book.find((one) => one.kind === "refund" && one.refund === line.refund)
        if (invoice !== undefined) showInvoice(invoice, book)
        if (line.refund !== "" && refund !== undefined) showRefund(refund, book)
        keepWhole(join(folder, "ledger.csv"), csvFile([header, ...book.map(rowOf)]))
      },
      where: (line) => {
        const place = line.kind === "invoice" || line.kind === "void"
          ? `invoices/${line.number}.md`
          : line.kind === "refund" || line.kind === "refundCancelled"
          ? `refunds/${line.refund}.md`
          : "ledger.csv"
        return `${basename(folder)}/${place}`
      },
      trouble: (cause) =>
        cause instanceof JournalUnreadable
          ? new PaymentsUnavailable({ message: cause.message, retryable: false, cause })
          : new PaymentsUnavailable({
            message: fileTrouble(cause, folder, "the entry"),
            retryable: true,
            cause,
          }),
    }))
  })
