/** The rules of an address book over any journal: one line per key, contacts by address, absent fields stay. */
import { Effect, Schema } from "effect"
import { normaliseAddress } from "../actors/addresses.ts"
import { type Crm, type CrmCall, CrmUnavailable } from "../actors/crm.ts"
import type { KeyedJournal } from "./keyed-journal.ts"

/** Of the record format. A book that holds a greater one was written by a newer AIOS. */
export const version = 1
const fieldCharsMax = 500
const noteCharsMax = 10_000

const Contact = Schema.Struct({
  address: Schema.String,
  name: Schema.String,
  company: Schema.optionalKey(Schema.String),
  position: Schema.optionalKey(Schema.String),
  phone: Schema.optionalKey(Schema.String),
  stage: Schema.optionalKey(Schema.String),
})
export type Contact = typeof Contact.Type

const base = { version: Schema.Int, key: Schema.String, at: Schema.Int }
export const Line = Schema.Union([
  Schema.Struct({ ...base, kind: Schema.Literal("contact"), contact: Contact }),
  Schema.Struct({
    ...base,
    kind: Schema.Literal("note"),
    address: Schema.String,
    text: Schema.String,
  }),
])
export type Line = typeof Line.Type

/** Each contact as it is now, in order of first mention. A name is kept where a later one is empty. */
export const contactsOf = (lines: ReadonlyArray<Line>): ReadonlyArray<Contact> => {
  const byAddress = new Map<string, Contact>()
  for (const line of lines) {
    if (line.kind !== "contact") continue
    const before = byAddress.get(line.contact.address)
    const name = line.contact.name === "" ? before?.name ?? "" : line.contact.name
    byAddress.set(line.contact.address, { ...before, ...line.contact, name })
  }
  return [...byAddress.values()]
}

const tidy = (text: string, max: number) =>
  [...text.replace(/[\p{Cc}\s]+/gu, " ").trim()].slice(0, max).join("")
const tidyNote = (text: string) =>
  [...text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n\t]/gu, " ").trim()].slice(0, noteCharsMax)
    .join("")

export interface Showing {
  readonly show: (lines: ReadonlyArray<Line>, line: Line) => void
  readonly where: (kind: Line["kind"]) => string
  readonly trouble: (cause: unknown) => CrmUnavailable
}

export const bookOver = (
  journal: KeyedJournal<Line>,
  { show, trouble, where }: Showing,
): Crm["Service"] => {
  const enter = (call: CrmCall, address: string, make: (address: string) => Line) =>
    Effect.try({
      try: () => {
        const plain = normaliseAddress(address)
        if (plain === "") {
          throw new CrmUnavailable({
            message: `${JSON.stringify(address.slice(0, 100))} is no mail address: correct it; ` +
              "nothing was entered",
            retryable: false,
          })
        }
        const once = (dryRun: boolean) => {
          const known = journal.find(call.key)
          const line = known ?? make(plain)
          if (!dryRun) {
            if (known === undefined) journal.append(line)
            else journal.confirm()
            show(journal.lines(), line)
          }
          return { where: where(line.kind), dryRun }
        }
        return call.dryRun === true ? once(true) : journal.alone(() => once(false))
      },
      catch: (cause) => cause instanceof CrmUnavailable ? cause : trouble(cause),
    })
  const head = ({ key, at }: CrmCall) => ({ version, key, at })

  return {
    version,
    upsertContact: Effect.fn("Crm.upsertContact")(function* (contact, call) {
      return yield* enter(call, contact.address, (address) => {
        const optional = (name: "company" | "position" | "phone" | "stage") => {
          const text = contact[name]
          return text === undefined ? {} : { [name]: tidy(text, fieldCharsMax) }
        }
        return {
          ...head(call),
          kind: "contact",
          contact: {
            address,
            name: tidy(contact.name, fieldCharsMax),
            ...optional("company"),
            ...optional("position"),
            ...optional("phone"),
            ...optional("stage"),
          },
        }
      })
    }),
    addNote: Effect.fn("Crm.addNote")(function* (note, call) {
      return yield* enter(call, note.address, (address) => ({
        ...head(call),
        kind: "note",
        address,
        text: tidyNote(note.text),
      }))
    }),
  }
}
