/**
 * The address book as files in a folder: `book.ndjson` is the truth, append-only; `contacts.csv` and
 * `notes.csv` are made from it, with the column names that HubSpot's import knows, and may be imported
 * there as they are, again and again: contacts are matched by `Email`.
 */
import { Layer } from "effect"
import { basename, join } from "node:path"
import { Crm, CrmUnavailable } from "../actors/crm.ts"
import { bookOver, type Contact, contactsOf, Line, version } from "./crm-book.ts"
import { csvFile } from "./csv-cells.ts"
import { fileTrouble, keepWhole } from "./durable-file.ts"
import { inFile, JournalUnreadable } from "./keyed-journal.ts"

const contactColumns = [
  "Email",
  "First Name",
  "Last Name",
  "Company Name",
  "Job Title",
  "Phone Number",
  "Lifecycle Stage",
]
const noteColumns = ["Email", "Note body", "Timestamp"]

/** The last word is the last name; `Weiss, Ada` is turned round. */
export const namesOf = (name: string): readonly [first: string, last: string] => {
  const [last, first, ...more] = name.split(",").map((one) => one.trim())
  if (first !== undefined && first !== "" && last !== undefined && more.length === 0) {
    return [first, last]
  }
  const space = name.lastIndexOf(" ")
  return space < 0 ? [name, ""] : [name.slice(0, space).trim(), name.slice(space + 1)]
}

const rowOf = (contact: Contact) => [
  contact.address,
  ...namesOf(contact.name),
  contact.company ?? "",
  contact.position ?? "",
  contact.phone ?? "",
  contact.stage ?? "",
]

export const contactsCsv = (contacts: ReadonlyArray<Contact>): string =>
  csvFile([contactColumns, ...contacts.map(rowOf)])

export const layer = (folder: string): Layer.Layer<Crm> =>
  Layer.sync(Crm, () =>
    Crm.of(bookOver(inFile(join(folder, "book.ndjson"), version, Line), {
      show: (lines) => {
        keepWhole(join(folder, "contacts.csv"), contactsCsv(contactsOf(lines)))
        const notes = lines.flatMap((line) =>
          line.kind === "note" ? [[line.address, line.text, new Date(line.at).toISOString()]] : []
        )
        keepWhole(join(folder, "notes.csv"), csvFile([noteColumns, ...notes]))
      },
      where: (kind) => `${basename(folder)}/${kind}s.csv`,
      trouble: (cause) =>
        cause instanceof JournalUnreadable
          ? new CrmUnavailable({ message: cause.message, retryable: false, cause })
          : new CrmUnavailable({
            message: fileTrouble(cause, folder, "the entry"),
            retryable: true,
            cause,
          }),
    })))
