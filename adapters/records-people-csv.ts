/**
 * Reads lists of people as exported by LinkedIn, HubSpot and others. Columns are known by their names,
 * in any order; rows are put together line by line, so that one quote that is never closed costs its
 * own row and not the rest of the file.
 */
import { parse } from "csv-parse/sync"
import { normaliseAddress } from "../actors/addresses.ts"
import type { ParsedPerson } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import { plainCell } from "./csv-cells.ts"
import { parseListDate } from "./records-dates.ts"

/** Lines before the header, such as LinkedIn's notes. */
const preambleLinesMax = 30
/** A quoted field may run over this many lines; beyond, its quote is taken as never closed. */
const rowLinesMax = 100
const rowCharsMax = 256 * 1024
const fieldCharsMax = 500

type Field =
  | "first"
  | "last"
  | "name"
  | "address"
  | "company"
  | "position"
  | "phone"
  | "url"
  | "since"

/** Column names without case, spaces and punctuation. */
const columnNames: Readonly<Record<Field, string>> = {
  first: "firstname,first,givenname,forename,vorname,prénom,prenom,nombre,nome",
  last: "lastname,last,surname,familyname,nachname,familienname,nom,apellido,apellidos,cognome",
  name: "name,fullname,contactname,contact,person,displayname,kontakt,ansprechpartner,nomcomplet",
  address: "email,emailaddress,mail,mailaddress,primaryemail,workemail,businessemail,email1value," +
    "email1,emailadresse,mailadresse,correo,correoelectrónico,courriel,adressemail,epost",
  company: "company,companyname,organization,organisation,organization1name,organizationname," +
    "associatedcompany,primaryassociatedcompany,account,accountname,firma,unternehmen,employer," +
    "business,société,entreprise,empresa,azienda",
  position: "position,jobtitle,title,role,job,function,funktion,stelle,poste,cargo," +
    "organization1title",
  phone: "phone,phonenumber,mobile,mobilephone,mobilephonenumber,telefon,tel,telephone,handy," +
    "phone1value,téléphone,teléfono",
  url: "url,profileurl,profile,linkedin,linkedinurl,linkedinprofile,website,websiteurl,web,link",
  since:
    "connectedon,createdate,created,createdat,createdon,creationdate,since,dateadded,added,date",
}
const fieldOf = new Map(
  Object.entries(columnNames).flatMap(([field, names]) =>
    names.split(",").map((name) => [name, field])
  ),
)
const normaliseColumn = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")

interface Layout {
  readonly list: ParsedPerson["list"]
  readonly delimiter: string
  readonly columns: ReadonlyMap<string, ReadonlyArray<number>>
  /** Columns of the header. */
  readonly width: number
}

const delimiters = [",", ";", "\t", "|"]

const layoutOf = (row: string): Layout | undefined => {
  for (const delimiter of delimiters) {
    const cells = fields(row, delimiter)
    if (cells === undefined) continue
    const names = cells.map(normaliseColumn)
    const columns = new Map<string, Array<number>>()
    for (const [index, name] of names.entries()) {
      const field = fieldOf.get(name)
      if (field !== undefined) columns.set(field, [...columns.get(field) ?? [], index])
    }
    const identifies = columns.has("address") || columns.has("name") ||
      columns.has("first") && columns.has("last") || columns.has("url")
    const alone = names.length === 1 && columns.has("address")
    if (!identifies || (columns.size < 2 && !alone)) continue
    const has = (...wanted: ReadonlyArray<string>) => wanted.some((name) => names.includes(name))
    const list = has("connectedon") && has("firstname")
      ? "linkedin"
      : has("email") && has("recordid", "contactid", "vid") &&
          has("lifecyclestage", "leadstatus", "contactowner", "createdate", "firstname")
      ? "hubspot"
      : "people"
    return { list, delimiter, columns, width: names.length }
  }
  return undefined
}

/** What kind of list a file is, told from its first characters; undefined where it is none. */
export const listOf = (head: string): ParsedPerson["list"] | undefined => {
  const lines = head.split(/\r\n|\n|\r/, preambleLinesMax)
  if (lines.length < 2 && !/[\r\n]/.test(head)) lines.length = 1
  for (const text of lines) {
    const layout = layoutOf(text)
    if (layout !== undefined) return layout.list
  }
  return undefined
}

const fields = (row: string, delimiter: string): ReadonlyArray<string> | undefined => {
  try {
    const rows: Array<Array<string>> = parse(row, {
      delimiter,
      relax_quotes: true,
      relax_column_count: true,
      trim: true,
      record_delimiter: ["\u0000"],
      max_record_size: rowCharsMax,
    })
    return rows[0]
  } catch {
    return undefined
  }
}

type QuoteState = "closed" | "open" | "broken"

/** Where a row's quoting stands at its end: `broken` where text follows a closing quote. */
const quoting = (row: string, delimiter: string): QuoteState => {
  let at = 0
  let broken = false
  while (at <= row.length) {
    while (row[at] === " ") at++
    if (row[at] === '"') {
      at++
      while (true) {
        const quote = row.indexOf('"', at)
        if (quote < 0) return "open"
        at = quote + 1
        if (row[at] !== '"') break
        at++
      }
      while (row[at] === " ") at++
      if (at < row.length && row[at] !== delimiter) broken = true
    }
    const next = row.indexOf(delimiter, at)
    if (next < 0) break
    at = next + 1
  }
  return broken ? "broken" : "closed"
}

interface Line {
  readonly number: number
  readonly text: string
}

/** Lines as they come. One that is too long is cut there, so that it can be named and passed over. */
async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<Line> {
  let rest = ""
  let number = 0
  for await (const text of texts) {
    const pieces = (rest + text).split(/\r\n|\n|\r(?!$|\n)/)
    rest = pieces.pop() ?? ""
    for (const piece of pieces) yield { number: ++number, text: piece }
    if (rest.length > rowCharsMax) {
      rest = rest.slice(0, rowCharsMax + 1) + (rest.endsWith("\r") ? "\r" : "")
    }
  }
  const last = rest.replace(/\r$/, "")
  if (last !== "") yield { number: number + 1, text: last }
}

const personOf = (
  cells: ReadonlyArray<string>,
  layout: Layout,
  source: ParsedPerson["source"],
): ParsedPerson | undefined => {
  const cell = (field: Field): string => {
    for (const index of layout.columns.get(field) ?? []) {
      const text = plainCell((cells[index] ?? "").trim())
      if (text !== "") return text.slice(0, fieldCharsMax).replace(/\s+/g, " ").toWellFormed()
    }
    return ""
  }
  const name = [cell("first"), cell("last")].filter((one) => one !== "").join(" ") || cell("name")
  const address = cell("address").split(/[;,]/).map(normaliseAddress).find((one) => one !== "") ??
    ""
  const since = parseListDate(cell("since"))
  const [company, url] = [cell("company"), cell("url")]
  if (name === "" && address === "" && url === "") return undefined
  return {
    record: "person",
    list: layout.list,
    name,
    address,
    company,
    position: cell("position"),
    phone: cell("phone"),
    url,
    ...(since === undefined ? {} : { since }),
    source,
  }
}

/** Rows in order. `texts` are the decoded characters of the file, in pieces, without a byte order mark. */
export async function* readPeople(
  texts: AsyncIterable<string>,
  file: string,
): AsyncGenerator<ReadItem> {
  const lines = linesOf(texts)
  /** Lines to be read again, after a quote that was never closed. */
  let again: Array<Line> = []
  const next = async (): Promise<Line | undefined> => {
    const queued = again.shift()
    if (queued !== undefined) return queued
    const step = await lines.next()
    return step.done === true ? undefined : step.value
  }

  let layout: Layout | undefined
  while (true) {
    const first = await next()
    if (first === undefined) return
    if (layout === undefined) {
      layout = layoutOf(first.text)
      if (layout === undefined && first.number > preambleLinesMax) {
        yield { fault: { at: `line ${first.number}`, reason: "no line with column names found" } }
        return
      }
      continue
    }
    const at = `line ${first.number}`
    const fault = (reason: string): ReadItem => ({ fault: { at, reason } })
    if (first.text.trim() === "") continue
    const taken: Array<Line> = [first]
    let row = first.text
    let state = quoting(row, layout.delimiter)
    while (state === "open" && taken.length < rowLinesMax && row.length < rowCharsMax) {
      const more = await next()
      if (more === undefined) break
      taken.push(more)
      row += `\n${more.text}`
      state = quoting(row, layout.delimiter)
    }
    if (state === "open" || (state === "broken" && taken.length > 1)) {
      again = [...taken.slice(1), ...again]
      yield fault("a quote that opens in this line is never closed: close it or remove it")
      continue
    }
    if (row.length > rowCharsMax) {
      yield fault(`the row is longer than ${rowCharsMax} characters`)
      continue
    }
    const cells = fields(row, layout.delimiter)
    if (cells === undefined) {
      yield fault("the row cannot be cut into columns: check its quotes")
      continue
    }
    if (cells.every((cell) => cell.trim() === "")) {
      yield fault("the row has neither name, address nor profile")
      continue
    }
    // Fewer are common, where a program drops empty ones at the end; more mean that it is cut wrongly.
    if (cells.slice(layout.width).some((cell) => cell.trim() !== "")) {
      yield fault(
        `the row has ${cells.length} fields, the header ${layout.width}: quote the delimiter`,
      )
      continue
    }
    const person = personOf(cells, layout, { file, at })
    const written = (layout.columns.get("address") ?? []).map((index) => cells[index]?.trim() ?? "")
      .find((text) => text !== "")
    if (person?.address === "" && written !== undefined) {
      yield fault(
        `${JSON.stringify(written.slice(0, 60))} is no mail address: correct or remove it`,
      )
      continue
    }
    yield person === undefined
      ? fault("the row has neither name, address nor profile")
      : { record: person }
  }
}
