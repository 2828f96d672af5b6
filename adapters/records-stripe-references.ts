/**
 * What the objects of a Stripe export say about each other: whose a customer id is, which charge pays
 * which invoice. Collected in a first reading of the file.
 */
import { normaliseAddress } from "../actors/addresses.ts"
import type { ParsedCustomer } from "../actors/intake.ts"
import { member, numberAt, textAt } from "./records-json.ts"

/** References of one file that are kept; of more, some invoices are not named. */
const referencesMax = 500_000
const textCharsMax = 500

/** What objects of a file say about each other. */
export interface StripeReferences {
  readonly customers: Map<string, { readonly name: string; readonly address: string }>
  /** By charge: its customer, and the invoice it pays. */
  readonly charges: Map<
    string,
    { readonly customer: ParsedCustomer; readonly invoice: string; readonly intent: string }
  >
  /** Payment intents that have a charge in the file. */
  readonly charged: Map<string, string>
  /** Invoices by the payment intent or charge that pays them. */
  readonly invoices: Map<string, string>
  /** Refunds that stand in the file, and their sum by charge. */
  readonly refunds: Map<string, number>
  readonly givenBack: Map<string, number>
  /** Of invoices. */
  readonly currencies: Map<string, string>
}

export const stripeReferences = (): StripeReferences => ({
  customers: new Map(),
  charges: new Map(),
  charged: new Map(),
  invoices: new Map(),
  refunds: new Map(),
  givenBack: new Map(),
  currencies: new Map(),
})

const put = <V>(map: Map<string, V>, key: string, value: V) => {
  if (key !== "" && (map.size < referencesMax || map.has(key))) map.set(key, value)
}

/** The id of what a member names, whether it is expanded or not. */
export const idAt = (value: unknown, ...path: ReadonlyArray<string | number>): string => {
  const found = member(value, ...path)
  return typeof found === "string" ? found : textAt(found, "id")
}
export const short = (text: string) =>
  text.replace(/\s+/g, " ").trim().slice(0, textCharsMax).toWellFormed()

export interface Unwrapped {
  readonly object: unknown
  readonly kind: string
  /** Epoch ms of the event around it. */
  readonly at: number | undefined
}

export const millis = (seconds: number | undefined) =>
  seconds === undefined || seconds <= 0 || seconds > 1e11 ? undefined : Math.round(seconds * 1000)

export const unwrap = (value: unknown): Unwrapped => {
  if (textAt(value, "object") === "event") {
    const object = member(value, "data", "object")
    return { object, kind: textAt(object, "object"), at: millis(numberAt(value, "created")) }
  }
  return { object: value, kind: textAt(value, "object"), at: undefined }
}

export const customerFields = (object: unknown): ParsedCustomer => ({
  id: idAt(object, "customer"),
  name: short(
    textAt(object, "customer_name") || textAt(object, "billing_details", "name") ||
      textAt(object, "customer_details", "name") || textAt(object, "customer", "name") ||
      textAt(object, "latest_charge", "billing_details", "name") ||
      textAt(object, "charges", "data", 0, "billing_details", "name") ||
      textAt(object, "shipping", "name") || textAt(object, "source", "name"),
  ),
  address: normaliseAddress(
    textAt(object, "customer_email") || textAt(object, "billing_details", "email") ||
      textAt(object, "customer_details", "email") || textAt(object, "receipt_email") ||
      textAt(object, "customer", "email") ||
      textAt(object, "latest_charge", "billing_details", "email") ||
      textAt(object, "charges", "data", 0, "billing_details", "email") ||
      textAt(object, "source", "owner", "email"),
  ),
})

/** First reading: remembers what an object says about others. */
export const noteReferences = (value: unknown, known: StripeReferences): void => {
  const { object, kind } = unwrap(value)
  const id = textAt(object, "id")
  switch (kind) {
    case "customer": {
      const before = known.customers.get(id)
      put(known.customers, id, {
        name: short(textAt(object, "name")) || before?.name || "",
        address: normaliseAddress(textAt(object, "email")) || before?.address || "",
      })
      return
    }
    case "charge": {
      const intent = idAt(object, "payment_intent")
      const invoice = idAt(object, "invoice")
      put(known.charges, id, { customer: customerFields(object), invoice, intent })
      const refunds = member(object, "refunds", "data")
      for (const refund of Array.isArray(refunds) ? refunds : []) noteRefund(refund, id, known)
      if (intent !== "") put(known.charged, intent, id)
      if (intent !== "" && invoice !== "") put(known.invoices, intent, invoice)
      return
    }
    case "invoice": {
      put(known.currencies, id, textAt(object, "currency").toUpperCase())
      put(known.invoices, idAt(object, "charge"), id)
      put(known.invoices, idAt(object, "payment_intent"), id)
      const payments = member(object, "payments", "data")
      for (const payment of Array.isArray(payments) ? payments : []) notePayment(payment, id, known)
      const { id: customer, name, address } = customerFields(object)
      const before = known.customers.get(customer)
      if (customer !== "" && (name !== "" || address !== "")) {
        put(known.customers, customer, {
          name: before?.name || name,
          address: before?.address || address,
        })
      }
      return
    }
    case "refund":
      noteRefund(object, idAt(object, "charge"), known)
      return
    case "invoice_payment":
      notePayment(object, idAt(object, "invoice"), known)
      return
    case "payment_intent": {
      const charge = idAt(object, "latest_charge") || textAt(object, "charges", "data", 0, "id")
      const invoice = idAt(object, "invoice")
      put(known.invoices, id, invoice === "" ? known.invoices.get(id) ?? "" : invoice)
      if (charge !== "" && invoice !== "") put(known.invoices, charge, invoice)
    }
  }
}

/** Of a file beside it: the refunds, so that a charge's running total is not taken for another. */
export const noteRefunds = (value: unknown, known: StripeReferences): void => {
  const { object, kind } = unwrap(value)
  if (kind === "refund") noteRefund(object, idAt(object, "charge"), known)
}

const noteRefund = (refund: unknown, charge: string, known: StripeReferences) => {
  const [id, amount] = [textAt(refund, "id"), numberAt(refund, "amount") ?? 0]
  if (known.refunds.has(id) || /^(?:failed|cancell?ed)$/.test(textAt(refund, "status"))) return
  put(known.refunds, id, amount)
  put(known.givenBack, charge, (known.givenBack.get(charge) ?? 0) + amount)
}

const notePayment = (payment: unknown, invoice: string, known: StripeReferences) => {
  if (invoice === "") return
  put(known.invoices, idAt(payment, "payment", "payment_intent"), invoice)
  put(known.invoices, idAt(payment, "payment", "charge"), invoice)
}
