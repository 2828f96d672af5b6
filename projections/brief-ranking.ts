/**
 * What comes first in the brief: what it costs not to act today. The sum of a deadline, of money at
 * stake, of the relationship and of the wait, in points that can be argued about here and nowhere else.
 * Pure, so the same facts are always in the same order.
 */

/** Where a person stands with the founder, as far as the item shows it. */
export type Relationship = "complaint" | "accepts" | "deal" | "question" | "promise" | "none"

export interface Stakes {
  /** Days until it is due by the founder's calendar: 0 today, negative when late; absent: no deadline. */
  readonly dueInDays?: number
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

export const weights = {
  /** Due today or late: a day later it is broken. */
  deadlineToday: 40,
  /** Late: each further day costs less than the first. */
  deadlineLateMost: 10,
  deadlineTomorrow: 25,
  deadlineThisWeek: 10,
  /** For each power of ten: 10 EUR weigh 4, 1,000 EUR weigh 12. */
  moneyPerPowerOfTen: 4,
  moneyMost: 20,
  relationship: {
    /** Who is angry leaves, and tells others. */
    complaint: 35,
    accepts: 30,
    deal: 20,
    question: 10,
    promise: 20,
    none: 0,
  },
  /** Of the analyst's 100. */
  pressing: 0.2,
  waitingPerDay: 1,
  waitingMost: 10,
  /** Each mail after the first that got no answer. */
  unansweredEach: 5,
  unansweredMost: 15,
  /** Prepared, and waiting for nothing but a word. */
  decision: 5,
} as const

const deadline = (days: number | undefined): number => {
  if (days === undefined || days > 7) return 0
  if (days <= 0) return weights.deadlineToday + Math.min(weights.deadlineLateMost, -days)
  return days === 1 ? weights.deadlineTomorrow : weights.deadlineThisWeek
}

const money = (amount: number): number =>
  amount < 1 ? 0 : Math.min(weights.moneyMost, Math.log10(amount) * weights.moneyPerPowerOfTen)

/** Greater comes first. */
export const rankOf = (stakes: Stakes): number => {
  const points = deadline(stakes.dueInDays) + money(stakes.money) +
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
