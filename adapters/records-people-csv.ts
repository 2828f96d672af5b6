/**
 * Reads lists of people as exported by LinkedIn, HubSpot, Salesforce and others. Columns are known by
 * their names, in any order.
 */
import { normaliseAddress } from "../actors/addresses.ts"
import type { ParsedPerson } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import {
  cellIn,
  cellsOf,
  columnsOf,
  type CsvLayout,
  delimiters,
  headerIn,
  namesOf,
  normaliseColumn,
  readRows,
} from "./records-csv.ts"
import { parseListDate } from "./records-dates.ts"

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
    "connectedon,createdate,createddate,created,createdat,createdon,creationdate,since,dateadded,added,date",
}
const fieldOf = namesOf(columnNames)

interface Layout extends CsvLayout {
  readonly list: ParsedPerson["list"]
  readonly columns: ReadonlyMap<Field, ReadonlyArray<number>>
}

/** Columns that only Salesforce has. */
const salesforce = "accountid,accountname,accountowner,leadsource,leadowner,ownerid,isconverted," +
  "systemmodstamp,billingstreet,billingcity,billingcountry,mailingstreet,mailingcity,reportstoid"

const layoutOf = (row: string): Layout | undefined => {
  for (const delimiter of delimiters) {
    const cells = cellsOf(row, delimiter)
    if (cells === undefined) continue
    const names = cells.map(normaliseColumn)
    const columns = columnsOf(names, fieldOf)
    const identifies = columns.has("address") || columns.has("name") ||
      columns.has("first") && columns.has("last") || columns.has("url")
    const alone = names.length === 1 && columns.has("address")
    if (!identifies || (columns.size < 2 && !alone)) continue
    const has = (...wanted: ReadonlyArray<string>) => wanted.some((name) => names.includes(name))
    const list = has("connectedon") && has("firstname")
      ? "linkedin"
      : has("email") && has("recordid", "contactid", "vid") &&
          has("lifecyclestage", "leadstatus", "contactowner", "createdate", "firstname") &&
          !has("accountname", "accountid")
      ? "hubspot"
      : has(...salesforce.split(","))
      ? "salesforce"
      : "people"
    // Programs drop empty fields at the end; one without its address or name was cut wrongly.
    const needed = columns.get("address") ?? columns.get("last") ?? columns.get("name") ?? [0]
    return { list, delimiter, columns, width: names.length, lastNeeded: needed[0]! }
  }
  return undefined
}

/** What kind of list a file is, told from its first characters; undefined where it is none. */
export const listOf = (head: string): ParsedPerson["list"] | undefined =>
  headerIn(head, layoutOf)?.list

const personOf = (
  cells: ReadonlyArray<string>,
  layout: Layout,
  source: ParsedPerson["source"],
): ParsedPerson | undefined => {
  const cell = (field: Field) => cellIn(cells, layout.columns, field, fieldCharsMax)
  const name = [cell("first"), cell("last")].filter((one) => one !== "").join(" ") || cell("name")
  const address = cell("address").split(/[;,]/).map(normaliseAddress).find((one) => one !== "") ??
    ""
  const since = parseListDate(cell("since"))
  const url = cell("url")
  if (name === "" && address === "" && url === "") return undefined
  // A row of Salesforce's accounts names a company and nobody in it.
  const account = layout.list === "salesforce" && !layout.columns.has("last") &&
    !layout.columns.has("company")
  return {
    record: "person",
    list: layout.list,
    name,
    address,
    company: account ? name : cell("company"),
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
  for await (const row of readRows(texts, layoutOf)) {
    const { at } = row
    const fault = (reason: string): ReadItem => ({ fault: { at, reason } })
    if ("reason" in row) {
      yield fault(row.reason)
      continue
    }
    const { cells, layout } = row
    if (layout === undefined) continue
    const person = personOf(cells, layout, { file, at })
    const written = (layout.columns.get("address") ?? []).map((index) => cells[index] ?? "")
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
