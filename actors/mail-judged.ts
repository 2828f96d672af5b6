/**
 * Whether the body a model wrote for a mail may be shown to the founder: in the person's language, of a
 * mail's length, answering what was asked, saying nothing that is not known and promising nothing that
 * was not decided. Pure, and the last word: what is refused here is replaced by the template's draft.
 */
import type { Language } from "../machines/record.ts"
import { inventedIn, type Source } from "./grounded.ts"
import { languageOf } from "./reading-language.ts"
import { readText } from "./reading.ts"
import { spaced } from "./reading-text.ts"

/** A mail shorter says nothing, and a longer one is not read. */
export const bodyCharsMin = 30
export const bodyCharsMax = 1_000

/** What a body may rest on, and what it has to deal with. */
export interface MailGround {
  readonly language: Language
  /** All that is known: quotes, memories, facts, the template's own words. */
  readonly sources: ReadonlyArray<Source>
  /** The template's body: what it promises was decided. */
  readonly template: string
  /** The words that are answered. */
  readonly asked: ReadonlyArray<string>
  /** Each of these has to be named: an invoice's number, an amount. */
  readonly named: ReadonlyArray<string>
  /** Dates and times in words, one of which answers what was asked as well. */
  readonly dates: ReadonlyArray<string>
  /** Addresses and links that may be written: the founder's own and the person's. */
  readonly addresses: ReadonlyArray<string>
  /** Names of who signs: the signature is not the model's to write. */
  readonly signers: ReadonlyArray<string>
  readonly timeZone: string
  readonly now: number
}

const greeting =
  /^(?:hello|hi|hey|dear|good (?:morning|day|afternoon|evening)|hallo|guten (?:tag|morgen|abend)|sehr geehrte[rn]?|liebe[rs]?|moin|servus)(?![\p{L}])[^\n.!?]{0,60}(?:[,!:]?\s*\n+|[,!]\s+)/iu
const closing =
  /\n\s*(?:(?:best|kind|warm|kindest|warmest) (?:regards|wishes)|regards|sincerely|yours|cheers|many thanks|thanks|thank you|(?:viele|beste|liebe|herzliche|schöne) grüße|mit (?:freundlichen|besten|herzlichen) grüßen|gruß|vg|lg|mfg)\s*[,.!]?\s*(?:\n[\s\S]{0,120})?$/iu
/** Labels of memories are for the citations. */
const labels = /\s*[[(](?:M\d{1,2}(?:,\s?)?){1,6}[\])]/g

/** What is ours is taken off: greeting, closing and labels. */
export const bodyOf = (written: string, signers: ReadonlyArray<string>): string => {
  const plain = written.replace(/\r\n?/g, "\n").replace(labels, "").trim()
  const opened = plain.replace(greeting, "").trim()
  const closed = `\n${opened}`.replace(closing, "").trim()
  const lines = closed.split("\n")
  const names = new Set(signers.flatMap((one) => one.split("\n")).map((one) => spaced(one)))
  while (lines.length > 0 && (names.has(spaced(lines.at(-1)!)) || spaced(lines.at(-1)!) === "")) {
    lines.pop()
  }
  return lines.join("\n").replace(/\n{3,}/g, "\n\n").trim()
}

const placeholder =
  /\[[^\]\n]{0,60}\]|\{[^}\n]{0,60}\}|<[^>\n]{1,40}>|_{3,}|\.{4,}|\b(?:XX+|TODO|TBD|lorem|ipsum|your name|my name|name here|insert|placeholder|platzhalter)\b/i
const markup = /```|\*\*|^#{1,6} |^\s*[-*] .*\n\s*[-*] .*\n\s*[-*] /m
const link =
  /[\p{L}\d._%+-]{1,64}@[\p{L}\d-]{1,63}(?:\.[\p{L}\d-]{1,63}){1,6}|https?:\/\/[^\s<>")\]]{1,300}|\bwww\.[^\s<>")\]]{1,300}/giu
const subjectLine = /^(?:subject|betreff|re|to|from|an|von)\s?:/im

/** Small words, which say nothing of what a text is about. */
const small = new Set(
  ("about after again also been before being could does from have here into just know like make more much need only other " +
    "over please should some than that their them then there these they this those time very want were what when where which while " +
    "will with would your yours yourself thank thanks hello dear kind regards write wrote mail email " +
    "aber alle auch auf aus bitte dann dass dein deine dich dies diese diesen dieser doch durch eine einem einen einer etwas " +
    "gern gerne haben habe hätte hier ihnen ihre ihrem ihren ihrer immer jetzt kann können könnten mehr mein meine mich nach " +
    "nicht noch oder ohne schon sehr sein sich sind über unser unsere unter viele vielen waren wann warum weil wenn werden wird " +
    "würde würden zum zur danke guten grüße").split(" "),
)
const wordCharsMin = 4
const stemChars = 5

/** Beginnings of the words that say what a text is about. */
export const stemsOf = (text: string): ReadonlySet<string> =>
  new Set(
    (text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [])
      .filter((word) => word.length >= wordCharsMin && !small.has(word))
      .map((word) => word.slice(0, stemChars)),
  )

/** How many of those words two texts have in common. */
export const shared = (one: string, other: string): number => {
  const known = stemsOf(other)
  return [...stemsOf(one)].filter((stem) => known.has(stem)).length
}

const politely = /(?<=[\p{L},] )(?:Sie|Ihnen|Ihr(?:e[nmrs]?)?)(?!\p{L})/u

const languageWrong = (body: string, wanted: Language): string | undefined => {
  const found = languageOf(body)
  const group = (language: Language | undefined) => language?.startsWith("de") ? "de" : language
  if (group(found) !== group(wanted)) return "it is not in the person's language"
  if (wanted === "de" && found === "de-informal") {
    return "it says du to whoever is spoken to with Sie"
  }
  return wanted === "de-informal" && politely.test(body)
    ? "it says Sie to whoever is spoken to with du"
    : undefined
}

/** What somebody binds themselves to, by its verb. */
const promise =
  /\b(?:i|we)(?:['’]ll|\s(?:will|shall|promise to|are going to|am going to|guarantee))\s(?:\p{L}+ly\s|also\s|be\s|now\s)?(\p{L}{2,20})|\b(?:ich|wir)\s(?:werden?\s(?:\p{L}{1,20}\s){0,6}?(\p{L}{3,20}(?:en|ern))(?=[\s.,!])|(schicken?|senden?|sende|liefern?|liefere|melden?|überweisen?|zahlen?|bezahlen?|erstatten?|rufen?|buchen?)(?!\p{L}))|(?<!\p{L})(schicken?|sende|senden|liefere|liefern|melden?|überweisen?|zahlen?|bezahlen?|erstatten?|rufen?|buchen?)\s(?:ich|wir)(?!\p{L})/giu
/** To look into something, or to wait, binds nobody to anything that can be late. */
const unbinding = new Set("look check see wait read think consider note".split(" "))

const promisesOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(promise)].map((hit) =>
    (hit.slice(1).find((one) => one !== undefined) ?? "")
      .toLowerCase().slice(0, stemChars)
  )

const decides =
  /\b(?:(?:yes|sure|of course|absolutely|certainly),? (?:we|i|that|this)|(?:that|this) works for (?:me|us)|(?:we|i) (?:accept|agree|confirm)|confirmed|(?:ja|klar|natürlich),? (?:das|wir|ich)|(?:das|der termin) passt|(?:ich|wir) bestätigen?|hiermit bestätig)/i

const normal = (text: string) => spaced(text).toLowerCase().replace(/(?<=\d)[.,](?=\d{3}\b)/g, "")

/** What no text of a model's may have, whatever it is for. */
export const faultsOf = (text: string): ReadonlyArray<string> => [
  ...(placeholder.test(text) ? ["it has a placeholder"] : []),
  ...(markup.test(text) || subjectLine.test(text) ? ["it is not plain text"] : []),
  ...(readText("", text).signals.instructsReader ? ["it speaks to an AI"] : []),
]

/** Why the body is of no use, a line each; empty where it may be shown. */
export const judgeBody = (body: string, ground: MailGround): ReadonlyArray<string> => {
  const wrong: Array<string | undefined> = [...faultsOf(body)]
  if (body.length < bodyCharsMin) wrong.push("it is too short to be a mail")
  if (body.length > bodyCharsMax) wrong.push(`it is longer than ${bodyCharsMax} characters`)
  wrong.push(languageWrong(body, ground.language))
  const known = new Set(ground.addresses.map((one) => one.toLowerCase()))
  for (const [found] of body.matchAll(link)) {
    if (!known.has(found.replace(/[.,;:!?/]+$/, "").toLowerCase())) {
      wrong.push(`it names the address ${found}, which is none of yours or theirs`)
    }
  }
  for (const reason of inventedIn(body, ground.sources, ground)) wrong.push(reason)
  const decided = new Set(promisesOf(ground.template))
  for (const verb of promisesOf(body)) {
    if (!decided.has(verb) && !unbinding.has(verb)) {
      wrong.push(`it promises to “${verb}”, which was not decided`)
    }
  }
  const agreed = decides.exec(body)
  if (agreed !== null && !decides.test(ground.template)) {
    wrong.push(`it decides for the founder: “${agreed[0]}”`)
  }
  const said = normal(body)
  for (const one of ground.named) {
    if (!said.includes(normal(one))) wrong.push(`it does not name ${one}`)
  }
  if (
    ground.asked.length > 0 && !ground.asked.some((words) => shared(words, body) > 0) &&
    !ground.dates.some((date) => said.includes(normal(date)))
  ) {
    wrong.push("it does not answer what was asked")
  }
  return [...new Set(wrong.flatMap((one) => one === undefined ? [] : [one]))]
}

/** A reason without what it is about: nothing personal is kept in plain. */
export const reasonInPlain = (reason: string): string => {
  const invented = /^invented (?:the )?(address|link|date|time|number|name)/.exec(reason)
  if (invented !== null) {
    return `it invents ${invented[1] === "address" ? "an" : "a"} ${invented[1]}`
  }
  if (reason.startsWith("invented ")) return "it invents an amount"
  if (reason.startsWith("claims ")) return "it claims what nobody wrote"
  if (reason.startsWith("it names the address")) {
    return "it names a link or address that is not known"
  }
  if (reason.startsWith("it promises")) return "it promises what was not decided"
  if (reason.startsWith("it decides")) return "it decides for the founder"
  return reason.startsWith("it does not name") ? "it leaves out what it is about" : reason
}
