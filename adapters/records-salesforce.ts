/** Reads people out of what Salesforce exports: tree exports and query results, as JSON. */
import { normaliseAddress } from "../actors/addresses.ts"
import type { ParsedPerson } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import { parseListDate } from "./records-dates.ts"
import { type JsonCut, member, textAt } from "./records-json.ts"

const textCharsMax = 500
/** Records inside records, such as an account's contacts. */
const childrenMax = 10_000

const short = (text: string) =>
  text.replace(/\s+/g, " ").trim().slice(0, textCharsMax).toWellFormed()
const first = (value: unknown, ...names: ReadonlyArray<string>): string => {
  for (const name of names) {
    const text = short(textAt(value, name))
    if (text !== "") return text
  }
  return ""
}

const isTrue = (value: unknown, name: string): boolean =>
  member(value, name) === true || /^true$/i.test(textAt(value, name))

const people = new Set(["Account", "Contact", "Lead", "User", "PersonAccount", ""])

const personOf = (
  value: unknown,
  company: string,
  source: ParsedPerson["source"],
): ParsedPerson | string | undefined => {
  const type = textAt(value, "attributes", "type")
  if (!people.has(type) || isTrue(value, "IsDeleted")) return undefined
  const written = first(value, "Email", "PersonEmail", "Email__c", "Primary_Email__c")
  const address = normaliseAddress(written)
  const person = [first(value, "FirstName"), first(value, "LastName")].filter((one) => one !== "")
    .join(" ")
  const name = person || first(value, "Name")
  const url = first(value, "LinkedIn__c", "Website", "LinkedIn_Profile__c")
  if (written !== "" && address === "") {
    return `${JSON.stringify(written.slice(0, 60))} is no mail address: correct or remove it`
  }
  if (name === "" && address === "" && url === "") {
    return "it has neither name, address nor web page"
  }
  const since = parseListDate(
    first(value, "CreatedDate").replace(/\.\d+/, "").replace(/([+-]\d{2})(\d{2})$/, "$1:$2"),
  )
  const firm = type === "Account"
    ? name
    : first(value, "Company") || short(textAt(value, "Account", "Name")) || company
  return {
    record: "person",
    list: "salesforce",
    name,
    address,
    company: firm,
    position: first(value, "Title"),
    phone: first(value, "Phone", "MobilePhone", "PersonMobilePhone"),
    url,
    ...(isTrue(value, "HasOptedOutOfEmail") || isTrue(value, "PersonHasOptedOutOfEmail")
      ? { optedOut: true }
      : {}),
    ...(since === undefined ? {} : { since }),
    source,
  }
}

/** Records in order; records inside records (an account's `Contacts`) after the one they are in. */
export async function* readSalesforce(
  cuts: AsyncIterable<JsonCut>,
  file: string,
): AsyncGenerator<ReadItem> {
  /** Names of accounts by their `referenceId`, which contacts of a tree export name as `@AccountRef1`. */
  const accounts = new Map<string, string>()
  let [found, others] = [0, 0]
  const deleted: Array<string> = []
  for await (const cut of cuts) {
    if ("reason" in cut) {
      yield { fault: cut }
      continue
    }
    const source = { file, at: cut.at }
    const waiting: Array<{ readonly value: unknown; readonly company: string }> = [
      { value: cut.value, company: "" },
    ]
    for (let index = 0; index < waiting.length && index < childrenMax; index++) {
      const { value, company } = waiting[index]!
      const refers = textAt(value, "AccountId")
      const one = personOf(
        value,
        company || accounts.get(refers.replace(/^@/, "")) || "",
        source,
      )
      if (isTrue(value, "IsDeleted")) deleted.push(cut.at)
      else if (one === undefined) others++
      else if (typeof one === "string") yield { fault: { at: cut.at, reason: one } }
      else {
        found++
        const reference = textAt(value, "attributes", "referenceId") || textAt(value, "Id")
        if (textAt(value, "attributes", "type") === "Account" && accounts.size < 500_000) {
          accounts.set(reference, one.name)
        }
        yield { record: one }
      }
      const own = textAt(value, "attributes", "type") === "Account" ? first(value, "Name") : ""
      for (const children of ["Contacts", "Leads", "ChildAccounts"]) {
        const list = member(value, children, "records")
        if (Array.isArray(list)) {
          for (const child of list) waiting.push({ value: child, company: own })
        }
      }
    }
  }
  if (deleted.length > 0) {
    yield {
      fault: {
        at: deleted[0]!,
        reason: `${deleted.length} marked as deleted and left out, from this place on`,
      },
    }
  }
  if (found === 0 && others > 0) {
    yield { fault: { at: "", reason: "nothing in it is an account, a contact or a lead" } }
  }
}
