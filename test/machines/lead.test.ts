/** The rules of a lead: what warms it, what cools it, when it is answered and when never. */
import { describe, expect, it } from "vitest"
import { historyMax, lead, scoreOf } from "../../machines/lead.ts"
import { after, day, epoch, givenActor, hour } from "../given.ts"

const person = "0123456789abcdef0123456789abcdef"
const envelope = { $sealed: [person, "k1", "n", "t"] } as const

/** A mail, so many hours after the story began. */
const wrote = (
  warmth: number,
  options: {
    at?: number
    intents?: ReadonlyArray<string>
    instructsReader?: boolean
    amounts?: ReadonlyArray<{ minor: number; currency: string }>
    channel?: "mail" | "linkedin"
  } = {},
) => ({
  type: "LeadWrote",
  person,
  record: `record-${options.at ?? 0}`,
  sentAt: epoch + (options.at ?? 0) * hour,
  contact: envelope,
  subject: envelope,
  messageId: envelope,
  signals: {
    reader: "rules-1",
    warmth,
    intents: options.intents ?? ["asksPrice"],
    instructsReader: options.instructsReader ?? false,
  },
  quotes: envelope,
  ...(options.amounts === undefined ? {} : { amounts: options.amounts }),
  ...(options.channel === undefined ? {} : { channel: options.channel }),
})
const listed = {
  type: "LeadListed",
  person,
  record: "record-l",
  list: "linkedin",
  contact: envelope,
}
const answered = (at: number) => ({
  type: "LeadAnswered",
  person,
  record: "record-a",
  sentAt: epoch + at * hour,
  contact: envelope,
})
const unsubscribed = (at: number) => ({
  type: "LeadUnsubscribed",
  person,
  record: "record-u",
  sentAt: epoch + at * hour,
  quotes: envelope,
})
const bounced = (at: number) => ({
  type: "LeadBounced",
  person,
  record: "record-b",
  sentAt: epoch + at * hour,
})
const first = `outreach-${person}~1`
const second = `outreach-${person}~2`
const ended = (type: string, at: number, outreach = first) => ({
  type,
  person,
  outreach,
  answers: epoch + at * hour,
  ...(type === "LeadOutreachFailed" ? { problem: "Skipped" } : {}),
})
const givenLead = (...steps: Parameters<typeof givenActor>[2][]) =>
  givenActor(lead, person, ...steps)

/** Nothing that an outreach can answer. */
const asks = { intents: ["asks"] }

describe("temperature", () => {
  it("who stands in a list only is new, and nobody writes to them", () =>
    void givenLead().when(listed).is("new").tellsNobody().knows({ lists: ["linkedin"] }))
  it("a neutral mail leaves a new lead new", () => void givenLead().when(wrote(0)).is("new"))
  it("an interested mail warms", () => void givenLead().when(wrote(30)).is("warm"))
  it("interest adds up to hot", () =>
    void givenLead(wrote(30), wrote(40, { at: 2 })).is("hot").knows({ score: 70 }))
  it("a very interested mail makes hot at once", () => void givenLead().when(wrote(80)).is("hot"))
  it("14 days of silence cool warm to cold", () =>
    void givenLead(wrote(30, asks), after(14 * day - 1)).is("warm").when(after(1)).is("cold"))
  it("14 days of silence cool hot to warm, 14 more to cold", () =>
    void givenLead(wrote(80, asks), after(14 * day)).is("warm").when(after(14 * day)).is("cold"))
  it("nobody cools while the answer waits with us, and then silence counts from the answer", () =>
    void givenLead(wrote(80), after(20 * day)).is("hot").when(ended("LeadContacted", 0))
      .when(after(14 * day - 1)).is("hot").when(after(1)).is("warm"))
  it("who has waited for us for 28 days has given up, and cools all the same", () =>
    void givenLead(wrote(80), after(28 * day)).is("warm").when(after(14 * day)).is("cold"))
  it("silence counts from the founder's own answer, if it is the last word", () => {
    givenLead(wrote(30, asks), after(10 * day), answered(240), after(14 * day - 1)).is("warm")
      .when(after(1)).is("cold")
    givenLead(wrote(30, { ...asks, at: 5 }), answered(1), after(14 * day)).is(
      "cold",
    )
  })
  it("a mail in between starts the silence anew", () =>
    void givenLead(wrote(30, asks), wrote(0, { ...asks, at: 13 * 24 }), after(13 * day)).is("warm")
      .when(after(day)).is("cold"))
  it("a cold lead who writes again warms again", () =>
    void givenLead(wrote(30, asks), after(20 * day)).is("cold").when(wrote(10, { at: 500 })).is(
      "warm",
    ))
  it("a decline cools at once, however warm it was", () =>
    void givenLead(wrote(80)).when(wrote(-20, { at: 1, intents: ["declines"] })).is("cold"))
  it("a chilly first mail makes cold", () => void givenLead().when(wrote(-30)).is("cold"))
  it("an older mail that comes in later moves nothing but the history", () =>
    void givenLead(wrote(30, { at: 48 }), after(day)).when(wrote(60, { at: 1 })).is("warm")
      .tellsNobody().knows({ mails: 2, lastWroteAt: epoch + 48 * hour }))
  it("the order in which old mails come in does not matter for the score", () => {
    const one = givenLead(wrote(20, { at: 1 }), wrote(30, { at: 2 })).state.snapshot.context.score
    const other = givenLead(wrote(30, { at: 2 }), wrote(20, { at: 1 })).state.snapshot.context
    expect(other.score).toBe(one)
  })
  it("a mail that instructs its reader's AI is remembered and warms nothing", () =>
    void givenLead().when(wrote(90, { instructsReader: true })).is("new").tellsNobody()
      .knows({ mails: 1, score: 0 }))
  it("mails older than 90 days before the newest do not count", () => {
    const mail = (days: number, warmth: number) => ({ record: "", sentAt: days * day, warmth })
    expect(scoreOf([mail(0, 50), mail(10, 20), mail(100, 30)])).toBe(50)
    expect(scoreOf([mail(0, -50)])).toBe(0)
    expect(scoreOf([mail(0, 90), mail(1, 90)])).toBe(100)
  })
  it("it remembers a bounded number of mails", () => {
    const mails = Array.from({ length: historyMax + 5 }, (_, at) => wrote(1, { at }))
    const { history, mails: count } = givenLead(...mails).state.snapshot.context
    expect(history.length).toBe(historyMax)
    expect(count).toBe(historyMax + 5)
  })
})

describe("outreach", () => {
  it("a warm mail asks for an outreach that answers it, with its evidence", () =>
    void givenLead(wrote(5)).when(wrote(30, { at: 1, intents: ["asksPrice"] })).tells(first, {
      type: "OutreachRequested",
      person,
      answers: epoch + hour,
      intents: ["asksPrice"],
      records: ["record-0", "record-1"],
      contact: envelope,
      quotes: envelope,
    }))
  it("a newer mail goes to the outreach under way: never two at once", () =>
    void givenLead(wrote(30)).when(wrote(30, { at: 1 })).tells(first, { answers: epoch + hour }))
  it("after it was sent, the next mail goes to the same outreach, which would follow up else", () =>
    void givenLead(wrote(30), ended("LeadContacted", 0)).knows({ open: null, contacted: first })
      .when(wrote(5, { at: 1 })).tells(first, { type: "OutreachRequested" })
      .knows({ contacted: null }))
  it("who writes back without asking anything is not followed up", () => {
    const thanks = wrote(5, { at: 1, intents: ["thanks"] })
    givenLead(wrote(30), ended("LeadContacted", 0)).when(thanks)
      .tells(first, { type: "OutreachWithdrawn", because: "LeadWrote" })
    givenLead(wrote(30)).when(thanks).tellsNobody()
  })
  it("a mail that asks nothing an outreach can answer warms, and is left to the founder", () =>
    void givenLead().when(wrote(80, { intents: ["asks"] })).is("hot").tellsNobody())
  it("a message of a network warms, and cannot be answered by mail", () =>
    void givenLead().when(wrote(80, { channel: "linkedin" })).is("hot").tellsNobody())
  it("a mail that came while the answer to the one before went out stays under way", () =>
    void givenLead(wrote(30), wrote(30, { at: 1 }), ended("LeadContacted", 0))
      .knows({ open: { outreach: first, answers: epoch + hour } }))
  it("after a rejection that mail is dealt with, and the next one is not", () =>
    void givenLead(wrote(30), ended("LeadOutreachRejected", 0))
      .knows({ open: null, answeredUntil: epoch })
      .when(wrote(5, { at: 1 })).tells(second, { type: "OutreachRequested" }))
  it("after a failure the mail is still unanswered", () =>
    void givenLead(wrote(30), ended("LeadOutreachFailed", 0)).knows({
      open: null,
      answeredUntil: 0,
    }))
  it("the founder's own answer withdraws it", () =>
    void givenLead(wrote(30)).when(answered(1)).is("warm").tells(first, {
      type: "OutreachWithdrawn",
      because: "LeadAnswered",
    }))
  it("our own mail among the founder's sent mail is no second answer", () => {
    const messageId = "<0123456789abcdef0123456789abcdef@northlight.example>"
    const contacted = { ...ended("LeadContacted", 0), messageId }
    givenLead(wrote(30), contacted).when({ ...answered(1), messageId }).tellsNobody()
      .knows({ contacted: first })
    givenLead(wrote(30), contacted).when({ ...answered(1), messageId: `${messageId}x` })
      .tells(first, { type: "OutreachWithdrawn" })
  })
  it("an answer older than the mail withdraws nothing", () =>
    void givenLead(wrote(30, { at: 5 })).when(answered(1)).tellsNobody())
  it("a mail that the founder answered before it came in asks for nothing", () =>
    void givenLead(answered(9)).when(wrote(30, { at: 1 })).is("warm").tellsNobody())
  it("who complains gets no outreach, and one under way is withdrawn", () => {
    givenLead().when(wrote(70, { intents: ["complains"] })).tellsNobody()
    givenLead(wrote(70)).when(wrote(0, { at: 1, intents: ["complains"] }))
      .tells(first, { type: "OutreachWithdrawn" })
    givenLead(wrote(20)).when(wrote(-10, { at: 1, intents: ["complains"] })).is("cold")
      .tells(first, { type: "OutreachWithdrawn" })
  })
  it("who declines gets no outreach, and one under way is withdrawn", () => {
    givenLead().when(wrote(0, { intents: ["declines"] })).tellsNobody()
    givenLead(wrote(70)).when(wrote(0, { at: 1, intents: ["declines"] }))
      .tells(first, { type: "OutreachWithdrawn" })
  })
})

describe("an accepted price", () => {
  const euros = (minor: number) => ({ minor, currency: "EUR" })
  const accepts = (at: number, ...amounts: ReadonlyArray<number>) =>
    wrote(70, { at, intents: ["accepts"], amounts: amounts.map(euros) })
  const works = (then: ReturnType<typeof givenLead>) =>
    then.told.map(({ to }) => to.slice(0, to.indexOf("-")))
  it("asks for its invoice, beside the answer", () => {
    const { told } = givenLead().when(accepts(0, 120_000))
    expect(told).toMatchObject([
      {
        to: `executor-${person}~i${epoch}`,
        event: { type: "InvoiceRequested", amount: euros(120_000), requester: `lead-${person}` },
      },
      { to: first, event: { type: "OutreachRequested" } },
    ])
  })
  it("asks for it once, however often it is accepted", () => {
    const again = givenLead(accepts(0, 120_000)).when(accepts(1, 120_000))
    expect(works(again)).toEqual(["outreach"])
    expect(works(givenLead(accepts(0, 120_000)).when(accepts(1, 90_000))))
      .toEqual(["executor", "executor", "outreach"])
  })
  const changes = (at: number, amount: number) =>
    wrote(5, { at, intents: ["namesDate"], amounts: [euros(amount)] })
  it("that changes before its answer goes out is answered and billed anew, in the same works", () => {
    const { told } = givenLead(accepts(0, 120_000)).when(changes(1, 135_000))
    expect(told).toMatchObject([
      {
        to: `executor-${person}~i${epoch}`,
        event: { type: "InvoiceRequested", amount: euros(135_000) },
      },
      { to: first, event: { type: "OutreachRequested", intents: ["accepts", "namesDate"] } },
    ])
    expect(works(givenLead(accepts(0, 120_000)).when(changes(1, 120_000)))).toEqual(["outreach"])
    expect(works(givenLead(accepts(0, 120_000), changes(1, 135_000)).when(changes(2, 120_000))))
      .toEqual(["executor", "outreach"])
  })
  it("and a newer yes to another amount withdraws the invoice that was asked for before", () => {
    const { told } = givenLead(accepts(0, 120_000)).when(accepts(1, 90_000))
    expect(told).toMatchObject([
      { to: `executor-${person}~i${epoch}`, event: { type: "WorkWithdrawn" } },
      { event: { type: "InvoiceRequested", amount: euros(90_000) } },
      { to: first, event: { type: "OutreachRequested" } },
    ])
  })
  it("a word of thanks in between changes nothing", () =>
    void givenLead(accepts(0, 120_000)).when(wrote(5, { at: 1, intents: ["thanks"] }))
      .tellsNobody())
  it("asks for none where several amounts are named, or none", () => {
    expect(works(givenLead().when(accepts(0, 120_000, 90_000)))).toEqual(["outreach"])
    expect(works(givenLead().when(accepts(0)))).toEqual(["outreach"])
  })
  it("asks for none where an amount is named and nothing accepted", () =>
    void givenLead().when(wrote(70, { intents: ["namesBudget"], amounts: [euros(5)] }))
      .tells(first, { type: "OutreachRequested" }))
})

describe("an end to writing", () => {
  it("who unsubscribes has an outreach under way withdrawn", () =>
    void givenLead(wrote(30)).when(unsubscribed(1)).is("unsubscribed")
      .tells(first, { type: "OutreachWithdrawn" }))
  it("unsubscribed is for good: mails are recorded, nothing follows", () =>
    void givenLead(unsubscribed(0)).when(wrote(90, { at: 1 })).is("unsubscribed").tellsNobody()
      .knows({ mails: 1 }).when(after(400 * day)).is("unsubscribed")
      .when(bounced(2)).is("unsubscribed").when(listed).is("unsubscribed"))
  it("who cannot be reached is not written to again", () =>
    void givenLead(wrote(30)).when(bounced(1)).is("unreachable")
      .tells(first, { type: "OutreachWithdrawn" })
      .when(wrote(90, { at: 2 })).is("unreachable").tellsNobody())
  it("who cannot be reached may still unsubscribe", () =>
    void givenLead(bounced(0)).when(unsubscribed(1)).is("unsubscribed"))
})
