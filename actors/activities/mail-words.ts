/**
 * What a drafted mail says, by fixed templates: no model, the same facts give the same text. It is in the
 * person's language, answers what was asked, promises nothing that was not decided, and has no
 * placeholders: a sentence whose fact is not known is left out.
 */
import { english } from "./mail-english.ts"
import { cut, type Facts, lines, oneLine, type Voice } from "./mail-facts.ts"
import { german } from "./mail-german.ts"
import { bareSubject as bare } from "../reading-text.ts"

export { dateWords, type Facts, moneyWords, oneLine, timeWords } from "./mail-facts.ts"

/** Longer subjects are cut at a word. */
const subjectCharsMax = 150
const nameCharsMax = 60

const companyWord =
  /\b(?:ltd|limited|gmbh|ug|ag|kg|inc|llc|corp|company|co|bv|nv|sarl|sas|srl|oy|ab|studio|agency|group|team|sales|info|office|support|billing|accounts?|newsletter|no-?reply)\b/i
const title = /^(?:dr|prof|mr|mrs|ms|mx|herr|frau|sir|dame)\.?\s+/i

const unquoted = (name: string) => oneLine(name).replace(/^["']+|["']+$/g, "")
const untitled = (name: string): string =>
  title.test(name) ? untitled(name.replace(title, "")) : name

/** The first name, where a name is one of a person; empty where it is an address or a company's. */
export const firstNameOf = (name: string, company = "", address = ""): string => {
  const plain = untitled(unquoted(name))
  if (plain === "" || /[@,;:<>()\d]/.test(plain) || plain.length > nameCharsMax) return ""
  const lower = plain.toLowerCase()
  if (companyWord.test(plain) || lower === oneLine(company).toLowerCase()) return ""
  const domain = address.slice(address.lastIndexOf("@") + 1).split(".").slice(0, -1)
  if (domain.includes(lower.replaceAll(" ", "")) || domain.includes(lower.replaceAll(" ", "-"))) {
    return ""
  }
  const first = plain.split(" ")[0] ?? ""
  return /^\p{Lu}\.?$/u.test(first) ? "" : first
}

/** The whole name of a person, as far as it is one. */
export const fullNameOf = (name: string, company = "", address = ""): string =>
  firstNameOf(name, company, address) === "" ? "" : unquoted(name)

/** Whether silence after this mail may be followed up: it asks something, and was no yes or apology. */
export const asksBack = (facts: Facts, body = bodyOf(facts)): boolean =>
  facts.purpose !== "complaint" && !facts.intents.includes("accepts") &&
  body.replace(/[“„][^“”]*[“”]/g, "").includes("?")

/** A subject without the marks of answers and forwards. */
export const bareSubject = (subject: string) => cut(bare(subject), subjectCharsMax)

const voiceOf = ({ language }: Facts): Voice => language === "en" ? english : german

export const subjectOf = (facts: Facts): string => voiceOf(facts).subject(facts)

/** What it says, between greeting and signature. */
export const bodyOf = (facts: Facts): string =>
  lines(...voiceOf(facts).bodies[facts.purpose](facts)).join("\n\n")

/** Words that are written small after a greeting that ends in a comma; others may be nouns. */
const smallAfterComma =
  /^(?:Ich|Wir|Das|Die|Der|Es|Vielen|Danke|Gern|Gerne|Leider|Wie|Zu|Zum|Zur|Für|Am|Im|In|Ja|Mein|Meine|Auf|Mit|Was|Wann|Welche[nrs]?|Damit|Dies|Diese[rs]?)(?!\p{L})/u

const letter = (facts: Facts, body: string): string =>
  lines(voiceOf(facts).greeting(facts), body, facts.signature.trim()).join("\n\n") + "\n"

/** The whole mail around a body that somebody else wrote. */
export const letterOf = (facts: Facts, body: string): string =>
  letter(
    facts,
    facts.language === "en" ? body : body.replace(smallAfterComma, (word) => word.toLowerCase()),
  )

export const textOf = (facts: Facts): string => letter(facts, bodyOf(facts))
