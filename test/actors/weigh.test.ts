/** What a conversation is about and how pressing it is, from its unanswered mails. */
import { describe, expect, it } from "vitest"
import { weigh } from "../../actors/activities/weigh-conversation.ts"

const day = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 10, 24, 8)
const mail = (
  said: { intents?: ReadonlyArray<string>; asks?: boolean; dueAt?: number },
) => ({
  direction: "inward" as const,
  sentAt: now - day,
  findings: {
    reader: "rules-2",
    warmth: 0,
    intents: said.intents ?? [],
    instructsReader: false,
    amounts: [],
    commitments: said.dueAt === undefined
      ? []
      : [{ by: "founder" as const, dueAt: said.dueAt, record: "record-1" }],
    asks: said.asks ?? false,
    suspicions: [],
  },
})

describe("a conversation", () => {
  it.each([
    ["question", { asks: true, intents: ["asks"], dueAt: now + day }],
    ["question", { asks: true, intents: ["asks"] }],
    ["promise", { dueAt: now + day }],
    ["deal", { asks: true, intents: ["asksPrice"], dueAt: now + day }],
    ["complaint", { asks: true, intents: ["complains"], dueAt: now + day }],
  ])("is about a %s: %j", (about, said) => expect(weigh([mail(said)], now).about).toBe(about))

  it("weighs no less by a question than by the date alone", () => {
    const asked = weigh([mail({ asks: true, intents: ["asks"], dueAt: now + day })], now)
    const wanted = weigh([mail({ dueAt: now + day })], now)
    expect(asked.pressing).toBeGreaterThanOrEqual(wanted.pressing)
    expect(asked.dueAt).toBe(now + day)
  })
})
