/**
 * Reads invoices that come as a list of their lines (UCI's Online Retail, exports of Xero and of shops).
 * Lines of one invoice stand together; a few invoices are kept open, so that neighbours may mix. One
 * that comes again later is not guessed at but named: half an invoice is a wrong invoice.
 */
import { normaliseAddress } from "../actors/addresses.ts"
import { decimalsOf } from "../actors/currencies.ts"
import { sha256Hex } from "../actors/ids.ts"
import type { ParsedInvoice } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import {
  cellIn,
  cellsOf,
  columnsOf,
  type CsvItem,
  type CsvLayout,
  delimiters,
  headerIn,
  namesOf,
  normaliseColumn,
  readRows,
} from "./records-csv.ts"
import { parseListDate } from "./records-dates.ts"
import { minorOf, parseDecimal, plainNumber, scale } from "./records-decimals.ts"

/** Invoices that may still get lines. */
const openMax = 64
/** Invoices remembered, to know one that comes again. */
const rememberedMax = 500_000
/** Invoices whose lines are remembered, to be found by their cancellation. */
const originalsMax = 50_000
const linesKept = 50
const textCharsMax = 300
/** Rows looked at before the order of day and month is decided. */
const datesLooked = 2_000

type Field =
  | "invoice"
  | "item"
  | "description"
  | "quantity"
  | "date"
  | "due"
  | "price"
  | "amount"
  | "tax"
  | "customerId"
  | "customer"
  | "address"
  | "currency"
  | "status"
  | "cancels"

const fieldOf = namesOf<Field>({
  invoice: "invoiceno,invoice,invoicenumber,invoiceid,invoicenr,invoicenum,billno,billnumber,inv," +
    "documentnumber,rechnungsnummer,rechnungsnr,rechnung,belegnummer,facture,numérofacture,factura," +
    "numerofactura",
  item:
    "stockcode,sku,itemcode,productcode,productid,inventoryitemcode,articlenumber,artikelnummer," +
    "artikelnr,code",
  description:
    "description,item,product,productname,itemname,itemdescription,lineitem,linedescription," +
    "lineitemname,service,memo,details,beschreibung,bezeichnung,artikel,position,désignation,concepto",
  quantity: "quantity,qty,menge,anzahl,units,hours,quantité,cantidad,lineitemquantity",
  date: "invoicedate,date,issuedate,issued,dateissued,issuedon,billdate,rechnungsdatum,datum," +
    "belegdatum,createdat,fecha",
  due: "duedate,due,dueon,datedue,paymentdue,fällig,fälligam,fälligkeit,zahlbarbis",
  price:
    "unitprice,price,unitamount,rate,unitcost,itemprice,lineitemprice,einzelpreis,preis,stückpreis," +
    "prixunitaire,precio",
  amount:
    "amount,linetotal,lineamount,total,subtotal,netamount,gesamt,gesamtpreis,betrag,summe,montant," +
    "importe",
  tax: "taxamount,vat,vatamount,steuerbetrag,mwstbetrag",
  customerId: "customerid,clientid,customerno,customernumber,accountnumber,kundennummer,kundennr",
  customer:
    "customer,customername,client,clientname,contactname,contact,company,billto,buyer,kunde," +
    "kundenname,firma,billingname,cliente",
  address: "email,emailaddress,customeremail,clientemail,contactemail,billingemail,kundenemail",
  currency: "currency,currencycode,währung,devise,moneda",
  status: "status,invoicestatus,paymentstatus,state,financialstatus",
  cancels: "cancels,originalinvoice,creditedinvoice,refersto,stornozu,reverses",
})

interface Layout extends CsvLayout {
  readonly columns: ReadonlyMap<Field, ReadonlyArray<number>>
  readonly commaIsPoint: boolean
}

const layoutOf = (row: string): Layout | undefined => {
  for (const delimiter of delimiters) {
    const cells = cellsOf(row, delimiter)
    if (cells === undefined) continue
    const names = cells.map(normaliseColumn)
    const columns = columnsOf(names, fieldOf)
    // A list of payments names invoices too; its rows are no lines of them.
    if (
      names.some((name) => /^(?:captured|amountrefunded|sellermessage|paymentintentid)$/.test(name))
    ) {
      return undefined
    }
    const priced = columns.has("quantity") && (columns.has("price") || columns.has("amount")) ||
      columns.has("amount") && (columns.has("description") || columns.has("item"))
    if (!columns.has("invoice") || !priced) continue
    const last = (field: Field) => columns.get(field)?.[0] ?? 0
    const lastNeeded = Math.max(
      last("invoice"),
      last(columns.has("price") ? "price" : "amount"),
      last("quantity"),
    )
    const commaIsPoint = delimiter === ";"
    return { delimiter, columns, width: cells.length, lastNeeded, commaIsPoint }
  }
  return undefined
}

export const startsLikeLines = (head: string): boolean => headerIn(head, layoutOf) !== undefined

const statuses: ReadonlyArray<readonly [RegExp, ParsedInvoice["status"]]> = [
  [/^(?:paid|bezahlt|settled|closed|payée?|pagada?)/i, "paid"],
  [/^(?:draft|entwurf|pending approval|brouillon)/i, "draft"],
  [/^(?:void|cancell?ed|storniert|deleted|voided)/i, "void"],
  [/^(?:uncollectible|bad debt|written off|write.?off|abgeschrieben)/i, "uncollectible"],
]

/** An invoice while its lines are read. */
interface Open {
  readonly id: string
  readonly at: string
  readonly customer: ParsedInvoice["customer"]
  readonly currency: string
  readonly status: ParsedInvoice["status"] | undefined
  readonly cancels: string
  readonly issuedAt: number | undefined
  readonly dueAt: number | undefined
  readonly lines: Array<ParsedInvoice["lines"][number]>
  more: number
  total: bigint
  /** Place of a line of it that could not be read: without it the total would be wrong. */
  spoiled: string
  /** Of its lines, without their sign: what an invoice and its cancellation have in common. */
  readonly marks: Array<string>
}

/** Sorted, so that the order of lines does not matter. */
const signatureOf = (open: Open) =>
  sha256Hex([open.customer.id || open.customer.address || open.customer.name, ...open.marks.sort()]
    .join("\u0000"))

const short = (cells: ReadonlyArray<string>, layout: Layout, field: Field) =>
  cellIn(cells, layout.columns, field, textCharsMax)

/** Whether dates of the file have the day first: some date says so, and none the contrary. */
const daysFirst = (rows: ReadonlyArray<CsvItem & { readonly layout?: Layout }>): boolean => {
  let [dayFirst, monthFirst] = [false, false]
  for (const row of rows) {
    if ("reason" in row || row.layout === undefined) continue
    const parts = /^(\d{1,2})[/-](\d{1,2})[/-]\d{2,4}/.exec(short(row.cells, row.layout, "date"))
    if (parts === null) continue
    dayFirst ||= Number(parts[1]) > 12
    monthFirst ||= Number(parts[2]) > 12
  }
  return dayFirst && !monthFirst
}

async function* lookedAt(
  rows: AsyncIterable<CsvItem & { readonly layout?: Layout }>,
): AsyncGenerator<
  { readonly row: CsvItem & { readonly layout?: Layout }; readonly dayFirst: boolean }
> {
  let first: Array<CsvItem & { readonly layout?: Layout }> | undefined = []
  let dayFirst = false
  for await (const row of rows) {
    if (first === undefined) {
      yield { row, dayFirst }
      continue
    }
    first.push(row)
    if (first.length < datesLooked) continue
    dayFirst = daysFirst(first)
    for (const one of first) yield { row: one, dayFirst }
    first = undefined
  }
  if (first !== undefined) {
    dayFirst = daysFirst(first)
    for (const one of first) yield { row: one, dayFirst }
  }
}

export async function* readInvoiceLines(
  texts: AsyncIterable<string>,
  file: string,
): AsyncGenerator<ReadItem> {
  const open = new Map<string, Open>()
  /** Ids of invoices that are complete; `true` once it was said that one came again. */
  const complete = new Map<string, boolean>()
  /** Latest invoice of what its lines say, to be found by its cancellation. */
  const originals = new Map<string, string>()

  const close = (one: Open): ReadItem => {
    open.delete(one.id)
    if (complete.size < rememberedMax) complete.set(one.id, false)
    if (one.spoiled !== "") {
      return {
        fault: {
          at: one.at,
          reason: `invoice ${one.id} is left out: its total would be wrong without ${one.spoiled}`,
        },
      }
    }
    const decimals = one.currency === "" ? 2 : decimalsOf(one.currency)
    const minor = minorOf(one.total, decimals)
    if (minor === undefined) {
      return {
        fault: { at: one.at, reason: `the total of invoice ${one.id} is beyond any amount` },
      }
    }
    const credit = /^C\d/i.test(one.id) || minor < 0
    const signature = signatureOf(one)
    const bare = one.id.replace(/^C/i, "")
    const cancels = one.cancels !== ""
      ? one.cancels
      : !credit
      ? ""
      : bare !== one.id && complete.has(bare)
      ? bare
      : originals.get(signature) ?? ""
    if (!credit) {
      originals.delete(signature)
      originals.set(signature, one.id)
      if (originals.size > originalsMax) originals.delete(originals.keys().next().value ?? "")
    }
    const total = { minor, currency: one.currency }
    // A credit asks nobody for money: it is settled with the invoice it takes back.
    const status = one.status ?? (credit ? "paid" : "open")
    return {
      record: {
        record: "invoice",
        system: "lines",
        id: one.id,
        number: one.id,
        status,
        customer: one.customer,
        total,
        paid: status === "paid" ? total : { minor: 0, currency: one.currency },
        ...(one.issuedAt === undefined ? {} : { issuedAt: one.issuedAt }),
        ...(one.dueAt === undefined ? {} : { dueAt: one.dueAt }),
        ...(cancels === "" ? {} : { cancels }),
        lines: one.lines,
        more: one.more,
        source: { file, at: one.at },
      },
    }
  }

  for await (const { row, dayFirst } of lookedAt(readRows(texts, layoutOf))) {
    const { at } = row
    if ("reason" in row) {
      yield { fault: { at, reason: row.reason } }
      continue
    }
    const { cells, layout } = row
    if (layout === undefined || cells.every((cell) => cell === "")) continue
    const fault = (reason: string): ReadItem => {
      const spoiled = open.get(cellIn(cells, layout.columns, "invoice", textCharsMax))
      if (spoiled !== undefined) spoiled.spoiled ||= at
      return { fault: { at, reason } }
    }
    const cell = (field: Field) => short(cells, layout, field)
    const id = cell("invoice")
    if (id === "") {
      yield fault("the line names no invoice")
      continue
    }
    if (complete.has(id)) {
      if (complete.get(id) === false) {
        complete.set(id, true)
        yield fault(
          `invoice ${id} comes again far from its other lines, which went in without these: ` +
            "sort the file by invoice and import it again",
        )
      }
      continue
    }
    const known = open.get(id)
    const currency = /^[A-Z]{3}$/.test(cell("currency").toUpperCase())
      ? cell("currency").toUpperCase()
      : currencyOfSign(`${cell("price")}${cell("amount")}`)
    const address = normaliseAddress(cell("address"))
    const one: Open = known ?? {
      id,
      at,
      customer: {
        id: cell("customerId").replace(/\.0+$/, ""),
        name: cell("customer"),
        address,
      },
      currency,
      status: statuses.find(([words]) => words.test(cell("status")))?.[1],
      cancels: cell("cancels"),
      issuedAt: parseListDate(cell("date"), dayFirst),
      dueAt: parseListDate(cell("due"), dayFirst),
      lines: [],
      more: 0,
      total: 0n,
      spoiled: "",
      marks: [],
    }
    if (known !== undefined && currency !== known.currency && currency !== "") {
      yield fault(
        `invoice ${id} is in ${known.currency || "no currency"} and this line in ${currency}`,
      )
      continue
    }
    // Most recently named last: the first is the one to be closed.
    open.delete(id)
    open.set(id, one)
    const number = (field: Field) => parseDecimal(cell(field), layout.commaIsPoint)
    const written = (field: Field) => cell(field) !== ""
    const quantity = written("quantity") ? number("quantity") : scale
    const price = number("price")
    const amount = number("amount")
    if (quantity === undefined) {
      yield fault(`${JSON.stringify(cell("quantity").slice(0, 40))} is no quantity`)
      continue
    }
    const sum = price !== undefined
      ? quantity * price / scale
      : amount !== undefined && !(layout.columns.has("price") && written("price"))
      ? amount
      : undefined
    if (sum === undefined) {
      const field = layout.columns.has("price") ? "price" : "amount"
      yield fault(`${JSON.stringify(cell(field).slice(0, 40))} is no ${field}`)
      continue
    }
    const tax = layout.columns.has("tax") ? number("tax") ?? 0n : 0n
    one.total += sum + tax
    const absolute = (value: bigint) => value < 0n ? -value : value
    if (one.marks.length < 2_000) {
      one.marks.push(
        `${cell("item") || cell("description")}|${absolute(quantity)}|${absolute(sum)}`,
      )
    }
    if (one.lines.length < linesKept) {
      one.lines.push({
        description: cell("description") || cell("item"),
        quantity: plainNumber(quantity),
        minor: minorOf(sum, one.currency === "" ? 2 : decimalsOf(one.currency)) ?? 0,
      })
    } else one.more++
    if (open.size > openMax) {
      const oldest = open.values().next().value
      if (oldest !== undefined) yield close(oldest)
    }
  }
  for (const one of [...open.values()]) yield close(one)
}

const signs: Readonly<Record<string, string>> = { "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR" }
/** A currency that an amount is written with; a `$` is of many countries. */
const currencyOfSign = (text: string): string => {
  if (!/[^\d.,-]/.test(text)) return ""
  const code = /(?:^|[^A-Z])(EUR|USD|GBP|CHF|CAD|AUD|SEK|NOK|DKK|PLN|CZK|JPY)(?:[^A-Z]|$)/.exec(
    text,
  )
  if (code !== null) return code[1]!
  for (const sign in signs) if (text.includes(sign)) return signs[sign]!
  return ""
}
