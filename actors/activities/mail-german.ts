/** What a drafted mail says in German, by its purpose: with `Sie`, or with `du` to whoever wrote so. */
import {
  type Facts,
  type Line,
  lines,
  moneyWords,
  paidOf,
  quoted,
  sum,
  type Voice,
} from "./mail-facts.ts"

/** At most so many intents are answered: a short mail is answered sooner. */
const sentencesMax = 2

const isFamiliar = ({ language }: Facts) => language === "de-informal"
/** One of two ways to say it. */
const to = (facts: Facts, formal: string, familiar: string) => isFamiliar(facts) ? familiar : formal
const money = (amount: Parameters<typeof moneyWords>[0]) => moneyWords(amount, "de")
const inQuotes = (words: ReadonlyArray<string>) => words.map((one) => `„${one}“`).join(" und ")

const said = (facts: Facts, intents?: ReadonlyArray<string>): Line => {
  const { asks, words } = quoted(facts, intents)
  const verb = asks
    ? to(facts, "Sie fragen", "du fragst")
    : to(facts, "Sie schreiben", "du schreibst")
  return words.length === 0 ? undefined : `${verb}: ${inQuotes(words)}`
}

const noted = (facts: Facts): Line => {
  const { dates, wanted } = facts
  if (wanted !== undefined) {
    return `${to(facts, "Außerdem schreiben Sie", "Außerdem schreibst du")}: „${wanted}“ ` +
      "Das ist notiert."
  }
  return dates.length === 1 ? `Notiert ist auch: ${dates[0]}.` : undefined
}

const budget = ({ amount }: Facts) =>
  `${
    amount === undefined ? "Gut, das Budget zu kennen" : `${money(amount)} sind ein klarer Rahmen`
  }. Was muss auf jeden Fall dabei sein, und was kann warten?`

const meeting = (facts: Facts) => {
  const { nextMeeting, times } = facts
  if (nextMeeting !== undefined) {
    return `Wir sehen uns ohnehin am ${nextMeeting}. Passt das, oder soll es früher sein?`
  }
  const [first, ...others] = times
  const you = to(facts, "Ihnen", "dir")
  if (first === undefined) {
    return `Wann passt es ${you}? Zwei oder drei Termine zur Auswahl genügen.`
  }
  return others.length === 0
    ? `Notiert ist ${first}. Gibt es einen zweiten Termin, der ${you} passt?`
    : `Notiert sind ${[first, ...others].join(" und ")}. Was davon ist ${you} lieber?`
}

const price = (facts: Facts) =>
  `Damit ich ${to(facts, "Ihnen", "dir")} einen Preis nennen kann und keine Spanne: ` +
  "Was genau soll dabei sein?"

/** What to say to what was read, in this order. */
const answers: ReadonlyArray<readonly [intent: string, say: (facts: Facts) => Line]> = [
  ["accepts", (facts) =>
    lines(
      facts.amount === undefined
        ? `Gut, dann machen wir es so, wie ${to(facts, "Sie schreiben", "du schreibst")}.`
        : `Gut, dann ist es abgemacht: ${money(facts.amount)}.`,
      noted(facts),
      facts.company === ""
        ? "Auf welchen Namen und welche Adresse soll die Rechnung lauten?"
        : `Soll die Rechnung auf ${facts.company} lauten?`,
    ).join(" ")],
  ["asksMeeting", meeting],
  // Who names a budget is asked what belongs to it already.
  ["asksPrice", (facts) => facts.intents.includes("namesBudget") ? budget(facts) : price(facts)],
  ["namesBudget", (facts) => facts.intents.includes("asksPrice") ? undefined : budget(facts)],
]
/** Not worth an answer beside a better one. */
const idle = (facts: Facts) =>
  `${
    facts.dates.length === 1
      ? `${to(facts, "Sie nennen", "Du nennst")} ${facts.dates[0]}`
      : "Das Datum ist angekommen"
  }. Steht das fest, oder geht es auch ein paar Tage später?`

const answer = (facts: Facts): ReadonlyArray<Line> => {
  const found = answers.filter(([intent]) => facts.intents.includes(intent))
  const say = found.flatMap(([, one]) => one(facts) ?? []).slice(0, sentencesMax)
  return [
    said(facts, found.map(([intent]) => intent)),
    say.length > 0
      ? say.join("\n")
      : facts.intents.includes("namesDate")
      ? idle(facts)
      : `Was wäre der nächste Schritt, der ${to(facts, "Ihnen", "dir")} am meisten hilft?`,
  ]
}

const times = ["", "einmal", "zweimal", "dreimal", "viermal"]

const complaint = (facts: Facts): ReadonlyArray<Line> => {
  const { invoice } = facts
  const over = invoice?.overpaid ?? []
  const back = sum(over.map(({ amount }) => amount))
  const you = to(facts, "Ihnen", "dir")
  if (invoice !== undefined && back !== undefined) {
    const often = times[over.length + 1] ?? `${over.length + 1}-mal`
    return [
      `Das tut mir leid: Rechnung ${invoice.number} über ${money(invoice.total)} wurde ${often} ` +
      `abgebucht. ${money(back)} davon stehen mir nicht zu.`,
      `Die Rückerstattung von ${money(back)} ist vorbereitet, und ich prüfe sie gerade. ` +
      `Ich schreibe ${you} wieder, sobald sie unterwegs ist; ${
        to(facts, "Sie müssen", "du musst")
      } nichts weiter tun.`,
    ]
  }
  return [
    ["Das tut mir leid.", ...lines(said(facts)).map(capital)].join(" "),
    invoice === undefined
      ? `Ich gehe dem nach und antworte ${you} selbst.`
      : `Ich prüfe Rechnung ${invoice.number} über ${money(invoice.total)} und schreibe ${you}, ` +
        "was ich finde.",
  ]
}

const reminder = (facts: Facts): ReadonlyArray<Line> => {
  const { invoice, invoiceDue } = facts
  if (invoice === undefined) return []
  const sent = invoice.reminders ?? 0
  const what = `Rechnung ${invoice.number} über ${money(invoice.total)}`
  const was = invoiceDue === undefined ? "ist fällig" : `war am ${invoiceDue} fällig`
  const [paid, owed = invoice.total] = [paidOf(invoice), invoice.owed]
  if (paid !== undefined) {
    return [
      `${sent === 0 ? "Danke" : `Dies ist die ${sent + 1}. Erinnerung; danke`} für ` +
      `${money(paid)} zu ${what}. Sie ${was}, und ${money(owed)} sind noch offen.`,
      `${to(facts, "Könnten Sie", "Könntest du")} den Rest zahlen oder mir ` +
      `sagen, was dem im Weg steht?`,
    ]
  }
  if (sent === 0) {
    return [
      `${what} ${was}, und ich sehe noch keine Zahlung. ` +
      `${to(facts, "Könnten Sie", "Könntest du")} bitte nachsehen?`,
      "Falls sie schon unterwegs ist, bleibt nichts zu tun.",
    ]
  }
  const open = `${was} und ${invoiceDue === undefined ? "" : "ist "}noch offen`
  if (sent === 1) {
    return [
      `Zu ${what} habe ich ${to(facts, "Ihnen", "dir")} schon geschrieben: Sie ${open}.`,
      `Bitte ${to(facts, "zahlen Sie", "zahl")} sie jetzt, oder ${
        to(facts, "sagen Sie", "sag")
      } mir, was dem im Weg steht.`,
    ]
  }
  return [
    `Dies ist die ${sent + 1}. Erinnerung: ${what} ${open}.`,
    `Bitte ${to(facts, "zahlen Sie", "zahl")} sie jetzt. Falls etwas daran nicht stimmt, ${
      to(facts, "schreiben Sie mir", "schreib mir")
    }, was.`,
  ]
}

const followUp = (facts: Facts): ReadonlyArray<Line> => {
  const you = to(facts, "Ihnen", "dir")
  return [
    `${
      facts.subject === ""
        ? `Vor einigen Tagen habe ich ${you} geschrieben`
        : `Ich habe ${you} zu „${facts.subject}“ geschrieben`
    } und noch nichts gehört. Besteht noch Interesse, oder soll ich die Sache schließen?`,
  ]
}

const capital = (line: string) => `${line.slice(0, 1).toUpperCase()}${line.slice(1)}`
/** After the greeting's comma a sentence goes on: only nouns and `Sie` keep their capital. */
const goesOn = (body: ReadonlyArray<Line>): ReadonlyArray<Line> => {
  const [first, ...others] = lines(...body)
  return first === undefined ? [] : [
    first.replace(
      /^(?:Das|Dies|Gut|Wir|Wann|Damit|Was|Ich|Du|Zu|Vor|Notiert|Auf)(?!\p{L})/u,
      (word) => word.toLowerCase(),
    ),
    ...others.map(capital),
  ]
}

export const german: Voice = {
  // Whether it is Frau or Herr nobody knows here: the whole name is polite to both.
  greeting: (facts) => {
    const name = isFamiliar(facts) ? facts.firstName : facts.fullName
    return `${isFamiliar(facts) ? "Hallo" : "Guten Tag"}${name === "" ? "" : ` ${name}`},`
  },
  subject: (facts) => {
    const { invoice, purpose, subject } = facts
    return subject !== ""
      ? `Re: ${subject}`
      : invoice === undefined
      ? `Re: ${to(facts, "Ihre", "deine")} Mail`
      : purpose === "reminder" && (invoice.reminders ?? 0) > 0
      ? `Zahlungserinnerung: Rechnung ${invoice.number}`
      : `Rechnung ${invoice.number}`
  },
  bodies: {
    answer: (facts) => goesOn(answer(facts)),
    complaint: (facts) => goesOn(complaint(facts)),
    reminder: (facts) => goesOn(reminder(facts)),
    followUp: (facts) => goesOn(followUp(facts)),
  },
}
