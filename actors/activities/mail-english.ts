/** What a drafted mail says in English, by its purpose. */
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

/** `send me the contract by Tuesday evening`: what is wanted, and by when, in the person's words. */
const wantedBy =
  /\b(?:send|give|get|have|need|want|receive|share)(?: (?:me|us))? ((?:the|an?) [\p{L} -]{1,40}?) (by [\p{L}\d .:]{1,30}?)(?:, not [\p{L}\d .:]{1,40}?)?[?.!,;]*$/iu

const inQuotes = (words: ReadonlyArray<string>) => words.map((one) => `“${one}”`).join(" and ")
const said = (facts: Facts, intents?: ReadonlyArray<string>): Line => {
  const { asks, words } = quoted(facts, intents)
  return words.length === 0 ? undefined : `You ${asks ? "ask" : "wrote"}: ${inQuotes(words)}`
}

const noted = (facts: Facts): Line => {
  const { dates, wanted } = facts
  if (wanted === undefined) {
    return dates.length === 1 ? `I have noted ${dates[0]}, which you name.` : undefined
  }
  const [, what, when] = wantedBy.exec(wanted) ?? []
  return what === undefined || when === undefined
    ? quoted(facts, ["accepts"]).words.includes(wanted)
      ? "I have noted it."
      : `You also wrote: “${wanted}” I have noted it.`
    : `You asked for ${what.toLowerCase()} ${when}; I have noted it.`
}

const budget = ({ amount }: Facts) =>
  `${
    amount === undefined ? "It helps to know the budget" : `${moneyWords(amount)} is a clear frame`
  }. What has to be part of it, and what can wait?`

const meeting = ({ nextMeeting, times }: Facts) => {
  if (nextMeeting !== undefined) {
    return `We meet on ${nextMeeting} anyway: does that suit, or should it be sooner?`
  }
  const [first, ...others] = times
  if (first === undefined) {
    return "When would suit you? Two or three times to choose from are enough."
  }
  return others.length === 0
    ? `I have noted ${first}. Is there a second time that would suit you?`
    : `I have noted ${[first, ...others].join(" and ")}. Which of them do you prefer?`
}

/** What to say to what was read, in this order. */
const answers: ReadonlyArray<readonly [intent: string, say: (facts: Facts) => Line]> = [
  ["accepts", (facts) =>
    lines(
      facts.amount === undefined
        ? "Good, then we go ahead as you write."
        : `Good, then it is agreed: ${moneyWords(facts.amount)}.`,
      noted(facts),
      facts.company === ""
        ? "Which company name and address belong on the invoice?"
        : `Shall I make the invoice out to ${facts.company}?`,
    ).join(" ")],
  ["asksMeeting", meeting],
  ["asksPrice", (facts) =>
    // Who names a budget is asked what belongs to it already.
    facts.intents.includes("namesBudget")
      ? budget(facts)
      : "To name you one price and not a range: what exactly should it cover?"],
  ["namesBudget", (facts) => facts.intents.includes("asksPrice") ? undefined : budget(facts)],
]
/** Not worth an answer beside a better one. */
const idle = ({ dates }: Facts) =>
  `${
    dates.length === 1 ? `You name ${dates[0]}` : "I have read the date"
  }. Is it fixed, or can it move by a few days?`

const answer = (facts: Facts): ReadonlyArray<Line> => {
  const found = answers.filter(([intent]) => facts.intents.includes(intent))
  const say = found.flatMap(([, one]) => one(facts) ?? []).slice(0, sentencesMax)
  return [
    said(facts, found.map(([intent]) => intent)),
    say.length > 0
      ? say.join("\n")
      : facts.intents.includes("namesDate")
      ? idle(facts)
      : "What would be the next step that helps you most?",
  ]
}

const times = ["", "once", "twice", "three times", "four times"]

const complaint = (facts: Facts): ReadonlyArray<Line> => {
  const { invoice } = facts
  const over = invoice?.overpaid ?? []
  const back = sum(over.map(({ amount }) => amount))
  if (invoice !== undefined && back !== undefined) {
    const often = times[over.length + 1] ?? `${over.length + 1} times`
    return [
      `I am sorry: invoice ${invoice.number} over ${moneyWords(invoice.total)} was charged ` +
      `${often}. ${moneyWords(back)} of that is not mine to keep.`,
      `The refund of ${moneyWords(back)} is prepared and I am checking it now. ` +
      "I write to you again as soon as it is on its way; there is nothing you need to do.",
    ]
  }
  return [
    ["I am sorry about this.", ...lines(said(facts))].join(" "),
    invoice === undefined
      ? "I am looking into what happened and will answer you myself."
      : `I am checking invoice ${invoice.number} over ${moneyWords(invoice.total)} and will ` +
        "tell you what I find.",
  ]
}

const reminder = ({ invoice, invoiceDue }: Facts): ReadonlyArray<Line> => {
  if (invoice === undefined) return []
  const sent = invoice.reminders ?? 0
  const what = `invoice ${invoice.number} over ${moneyWords(invoice.total)}`
  const was = invoiceDue === undefined ? "is due" : `was due on ${invoiceDue}`
  const [paid, owed = invoice.total] = [paidOf(invoice), invoice.owed]
  if (paid !== undefined) {
    return [
      `${sent === 0 ? "Thank you" : `This is reminder ${sent + 1}; thank you`} for ` +
      `${moneyWords(paid)} towards ${what}. It ${was}, and ${moneyWords(owed)} is still open.`,
      "Could you pay the rest, or tell me what stands in the way?",
    ]
  }
  if (sent === 0) {
    return [
      `${what[0]?.toUpperCase()}${what.slice(1)} ${was}, and I do not see a payment yet. ` +
      "Could you have a look?",
      "If it is on its way, nothing is left to do.",
    ]
  }
  if (sent === 1) {
    return [
      `I wrote to you about ${what} before: it ${was} and is still open.`,
      "Please pay it now, or tell me what stands in the way.",
    ]
  }
  return [
    `This is reminder ${sent + 1}: ${what} ${was} and is still open.`,
    "Please pay it now. If something about it is wrong, I need to know what.",
  ]
}

const followUp = ({ subject }: Facts): ReadonlyArray<Line> => [
  `${
    subject === "" ? "I wrote to you some days ago" : `I wrote to you about “${subject}”`
  } and have not heard from you. Is it still of interest, or shall I close it?`,
]

export const english: Voice = {
  greeting: ({ firstName }) => firstName === "" ? "Hello," : `Hello ${firstName},`,
  subject: ({ invoice, purpose, subject }) =>
    subject !== ""
      ? `Re: ${subject}`
      : invoice === undefined
      ? "Re: your mail"
      : purpose === "reminder" && (invoice.reminders ?? 0) > 0
      ? `Reminder: invoice ${invoice.number}`
      : `Invoice ${invoice.number}`,
  bodies: { answer, complaint, reminder, followUp },
}
