/**
 * Everybody the founder's records name: one row per person's key. Names and addresses stay in their
 * envelopes, so a forgotten person is unknown here at once.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { numberOf, objectOf, sealedOf, sealedRow, textOf, textsOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

/** Lists a row remembers; further ones are in the log. */
const listsMax = 20

const update = (event: RecordedEvent, rows: Rows, change: (row: JsonObject) => JsonObject) => {
  const person = textOf(objectOf(event.data)["person"])
  if (person !== "") rows.set(person, change(objectOf(rows.get(person))))
}

/** When it happened in the world, as far as is known. */
const timeOf = (event: RecordedEvent) => event.metadata.occurredAt ?? event.metadata.at

/** The newest envelope stays, whatever order things were imported in. */
const newest = (row: JsonObject, name: string, envelope: Json | undefined, at: number) => {
  const sealed = sealedOf(envelope)
  return sealed === undefined || numberOf(row[`${name}At`]) > at
    ? {}
    : { [name]: sealedRow(sealed), [`${name}At`]: at }
}

const touched = (row: JsonObject, at: number) => ({
  firstAt: row["firstAt"] === undefined ? at : Math.min(numberOf(row["firstAt"]), at),
  lastAt: Math.max(numberOf(row["lastAt"]), at),
})

const mail = (counter: "received" | "sent") => (event: RecordedEvent, rows: Rows) =>
  update(event, rows, (row) => {
    const at = timeOf(event)
    return {
      ...row,
      ...touched(row, at),
      ...newest(row, "contact", objectOf(event.data)["contact"], at),
      [counter]: numberOf(row[counter]) + 1,
    }
  })

/**
 * Row `<person>`: envelopes `contact`, `customer` (as invoices name them) and `listing`, `mails`,
 * `received`, `sent`, `firstAt`, `lastAt`, `lists`, and `record`, the newest mail.
 */
export const people = defineProjection({
  name: "people",
  version: 3,
  on: {
    MailReceived: (event, rows) =>
      update(event, rows, (row) => ({
        ...row,
        ...touched(row, timeOf(event)),
        mails: numberOf(row["mails"]) + 1,
        // Lists and machines are nobody's contact: what they are called stands in their mail.
        ...(numberOf(row["recordAt"]) > timeOf(event)
          ? {}
          : { record: event.stream, recordAt: timeOf(event) }),
      })),
    MessageReceived: (event, rows) =>
      update(event, rows, (row) => ({
        ...row,
        ...touched(row, timeOf(event)),
        mails: numberOf(row["mails"]) + 1,
      })),
    MailRead: (event, rows) =>
      update(event, rows, (row) => ({
        ...row,
        // The contact of a mail that was sent is the address book's; the person's own mail says more.
        ...(objectOf(event.data)["direction"] === "inward" || row["contact"] === undefined
          ? newest(row, "contact", objectOf(event.data)["contact"], timeOf(event))
          : {}),
      })),
    InvoiceIssued: (event, rows) =>
      update(event, rows, (row) => ({
        ...row,
        ...(row["contact"] === undefined
          ? newest(row, "contact", objectOf(event.data)["contact"], 0)
          : {}),
        ...newest(row, "customer", objectOf(event.data)["contact"], timeOf(event)),
      })),
    PersonListed: (event, rows) =>
      update(event, rows, (row) => {
        const data = objectOf(event.data)
        const list = textOf(data["list"])
        const lists = textsOf(row["lists"])
        return {
          ...row,
          ...newest(row, "listing", data["listing"], event.metadata.at),
          lists: lists.includes(list) ? lists : [...lists, list].slice(-listsMax),
        }
      }),
    LeadListed: (event, rows) =>
      update(event, rows, (row) => ({
        ...row,
        // A list says less about a name than a mail does: it counts only where no mail did.
        ...(row["contact"] === undefined
          ? newest(row, "contact", objectOf(event.data)["contact"], 0)
          : {}),
      })),
    LeadWrote: mail("received"),
    LeadUnsubscribed: mail("received"),
    LeadAnswered: mail("sent"),
    LeadContacted: mail("sent"),
  },
})
