/**
 * What comes first in the brief: what it costs not to act today. The sum of a deadline, of money at
 * stake, of the relationship and of the wait, in points that can be argued about here and nowhere else.
 * Pure, so the same facts are always in the same order.
 *
 * What the weights are chosen for, in this order:
 * - who accepted and waits until today, then who is angry, then what else is due today;
 * - a deadline within 36 hours comes before any lead, question or money without a date;
 * - an issue due within three days comes before those, too: readers are a promise with a date;
 * - without dates, what decides is the relationship, then money, then how long it waits.
 */

/** Where a person stands with the founder, as far as the item shows it. */
export type Relationship =
  | "complaint"
  | "accepts"
  | "deal"
  | "promise"
  | "question"
  | "audience"
  | "none"

export interface Stakes {
  /** Days until it is due by the founder's calendar: 0 today, negative when late; absent: no deadline. */
  readonly dueInDays?: number
  /** Hours until it is due; a day without a time ends at midnight. */
  readonly dueInHours?: number
  /** Money at stake, in whole units of its currency (currencies are not converted). */
  readonly money: number
  readonly relationship: Relationship
  /** 0 to 100, as the analyst weighed it. */
  readonly pressing: number
  /** Full days it has been waiting. */
  readonly waitingDays: number
  /** Mails of the person that nobody answered. */
  readonly unanswered: number
  /** It stands still until the founder decides. */
  readonly decision: boolean
}

/** What is due within so many hours is as good as due today. */
export const soonHours = 36

export const weights = {
  /** Due today or late: a day later it is broken. */
  deadlineToday: 62,
  /** Late: each further day costs less than the first. */
  deadlineLateMost: 10,
  /** Within 36 hours: more than all that has no date can have without an angry or accepting customer. */
  deadlineSoon: 55,
  /** Within three days: there is still time, but no day to lose. */
  deadlineThreeDays: 42,
  deadlineThisWeek: 12,
  /** For each power of ten: 10 EUR weigh 2.5, 1,000 EUR weigh 7.5. */
  moneyPerPowerOfTen: 2.5,
  moneyMost: 10,
  relationship: {
    /** Who is angry leaves, and tells others. */
    complaint: 50,
    accepts: 25,
    deal: 15,
    promise: 12,
    /** Readers of an issue or article. */
    audience: 10,
    question: 6,
    none: 0,
  },
  /** Of the analyst's 100. */
  pressing: 0.1,
  waitingPerDay: 0.5,
  waitingMost: 5,
  /** Each mail after the first that got no answer. */
  unansweredEach: 4,
  unansweredMost: 8,
  /** Prepared, and waiting for nothing but a word. */
  decision: 3,
} as const

const threeDays = 3
const week = 7

const deadline = ({ dueInDays: days, dueInHours: hours, relationship }: Stakes): number => {
  if (days === undefined || days > week) return 0
  if (days <= 0) return weights.deadlineToday + Math.min(weights.deadlineLateMost, -days)
  if ((hours ?? days * 24) <= soonHours) return weights.deadlineSoon
  // Who is angry comes near the top by that alone: a last day they name counts once it is near.
  return days <= threeDays && relationship !== "complaint"
    ? weights.deadlineThreeDays
    : weights.deadlineThisWeek
}

const money = (amount: number): number =>
  amount < 1 ? 0 : Math.min(weights.moneyMost, Math.log10(amount) * weights.moneyPerPowerOfTen)

/** Greater comes first. */
export const rankOf = (stakes: Stakes): number => {
  const points = deadline(stakes) + money(stakes.money) +
    weights.relationship[stakes.relationship] +
    stakes.pressing * weights.pressing +
    Math.min(weights.waitingMost, Math.max(0, stakes.waitingDays) * weights.waitingPerDay) +
    Math.min(
      weights.unansweredMost,
      Math.max(0, stakes.unanswered - 1) * weights.unansweredEach,
    ) +
    (stakes.decision ? weights.decision : 0)
  return Math.round(points * 10) / 10
}
