/**
 * How the rules read a whole conversation, and what they hold against a model's reading of it. A model
 * may see more than they do; it may not see warmth where they see a complaint or a no, nor quote what
 * nobody wrote.
 */
import type { ReadIntent } from "../machines/conversation-reading.ts"
import type { Findings } from "../machines/conversation.ts"
import type { Evidence } from "../machines/record.ts"
import { spaced } from "./reading-text.ts"

/** Mails older than this before the newest one do not count for warmth. */
const warmthWindowMillis = 90 * 24 * 60 * 60 * 1000
/** Nobody who complains or declines is warmer than this; who accepts is not colder than that. */
export const coolWarmthMax = 30
export const acceptingWarmthMin = 50
/** Words that show something, and not just anything. */
const quoteCharsMin = 8
export const quoteCharsMax = 200
export const evidenceMax = 3

export interface ReadMail {
  readonly record: string
  readonly direction: "inward" | "outward"
  readonly sentAt: number
  readonly findings: Findings
}

/** What may be somebody else's, is not what it seems, or speaks to an AI: no model gets to see it. */
export const isUnfit = ({ findings }: ReadMail): boolean =>
  findings.instructsReader || findings.suspicions.some((one) => one !== "oversized")

/** The mails the person waits with for an answer; where there are none, the newest one. */
const current = (mails: ReadonlyArray<ReadMail>) => {
  const inward = mails.filter((one) => one.direction === "inward" && !isUnfit(one))
  const answeredAt = Math.max(
    0,
    ...mails.filter(({ direction }) => direction === "outward").map(({ sentAt }) => sentAt),
  )
  const waiting = inward.filter(({ sentAt }) => sentAt > answeredAt)
  return waiting.length > 0 ? waiting : inward.slice(-1)
}

/** What weighs more comes first. */
const ranked: ReadonlyArray<readonly [intent: ReadIntent, read: ReadonlyArray<string>]> = [
  ["complains", ["complains", "chargedTwice", "angry"]],
  ["declines", ["declines"]],
  ["accepts", ["accepts"]],
  ["asksPrice", ["asksPrice", "namesBudget"]],
  ["asksMeeting", ["asksMeeting"]],
  ["asks", ["asks", "asksQuestion", "asksChange", "asksRefund"]],
  ["thanks", ["thanks"]],
]

/** Intents the rules read in what the person waits with. */
export const intentsNow = (mails: ReadonlyArray<ReadMail>): ReadonlySet<string> =>
  new Set(current(mails).flatMap(({ findings }) => findings.intents))

const isCool = (intents: ReadonlySet<string>) =>
  ["complains", "chargedTwice", "angry", "declines"].some((one) => intents.has(one))

/** The rules' own reading. */
export const readByRules = (
  mails: ReadonlyArray<ReadMail>,
): { readonly intent: ReadIntent; readonly warmth: number } => {
  const intents = intentsNow(mails)
  const [intent] = ranked.find(([, read]) => read.some((one) => intents.has(one))) ?? ["other"]
  const inward = mails.filter((one) => one.direction === "inward" && !isUnfit(one))
  const from = (inward.at(-1)?.sentAt ?? 0) - warmthWindowMillis
  const sum = inward.filter(({ sentAt }) => sentAt >= from)
    .reduce((all, { findings }) => all + findings.warmth, 0)
  const warmth = Math.max(0, Math.min(100, sum))
  return { intent, warmth: isCool(intents) ? Math.min(coolWarmthMax, warmth) : warmth }
}

/** A mail's own words, by the label it was shown under. */
export interface Shown {
  readonly label: string
  readonly event: string
  readonly text: string
  /** By the person, not by the founder. */
  readonly inward: boolean
}

interface Quoted {
  readonly mail: string
  readonly quote: string
}

/** Why these words show nothing; undefined where they stand in the mail as quoted. */
const unfounded = (one: Quoted, shown: ReadonlyArray<Shown>): string | undefined => {
  const mail = shown.find(({ label }) => label === one.mail)
  const quote = spaced(one.quote)
  if (mail === undefined) return `evidence names a mail that was not shown`
  if (!mail.inward) {
    return `evidence has to be from the person's own mails, and ${mail.label} is not`
  }
  if (quote.length < quoteCharsMin) return "evidence is too short to show anything"
  return spaced(mail.text).includes(quote)
    ? undefined
    : `evidence does not stand word for word in mail ${mail.label}`
}

/** What is wrong with a model's reading, a line each; nothing personal. Empty where it may stand. */
export const judgeReading = (
  read: {
    readonly intent: ReadIntent
    readonly warmth: number
    readonly evidence: ReadonlyArray<Quoted>
  },
  mails: ReadonlyArray<ReadMail>,
  shown: ReadonlyArray<Shown>,
): ReadonlyArray<string> => {
  const intents = intentsNow(mails)
  const wrong: Array<string | undefined> = [
    ...read.evidence.map((one) => unfounded(one, shown)),
    read.evidence.length === 0 ? "there is no evidence" : undefined,
    isCool(intents) && read.warmth > coolWarmthMax
      ? `the person complains or declines, so warmth is at most ${coolWarmthMax}`
      : undefined,
    isCool(intents) && !["complains", "declines"].includes(read.intent)
      ? "the person complains or declines, and the intent says otherwise"
      : undefined,
    ["complains", "declines"].includes(read.intent) && read.warmth > coolWarmthMax
      ? `who complains or declines is not warm: warmth is at most ${coolWarmthMax}`
      : undefined,
    read.intent === "accepts" && !intents.has("accepts")
      ? "nothing says in so many words that the person accepts"
      : undefined,
    read.intent === "accepts" && read.warmth < acceptingWarmthMin
      ? `who accepts is warm: warmth is at least ${acceptingWarmthMin}`
      : undefined,
    // A forecast of interest needs something that shows interest.
    read.warmth > coolWarmthMax && ["thanks", "other"].includes(read.intent)
      ? `thanks, or nothing in particular, is no interest: warmth is at most ${coolWarmthMax}`
      : undefined,
  ]
  return [...new Set(wrong.flatMap((one) => one === undefined ? [] : [one]))]
}

/** The evidence by the events it is from. */
export const evidenceOf = (
  quotes: ReadonlyArray<Quoted>,
  shown: ReadonlyArray<Shown>,
): ReadonlyArray<Evidence> =>
  quotes.flatMap(({ mail, quote }) => {
    const found = shown.find(({ label }) => label === mail)
    return found === undefined ? [] : [{ event: found.event, quote: spaced(quote) }]
  }).slice(0, evidenceMax)
