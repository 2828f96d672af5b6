/**
 * A company behind the door for browser tests: a few decisions over a log in memory, one of them about a
 * hostile mail. Every decision is an event, so pages that follow the log see it.
 */
import { Effect, Stream } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import {
  type Aios,
  type Approval,
  type Brief,
  type BriefItem,
  OperationFailed,
} from "../../projections/aios.ts"
import { failureOf } from "../../projections/aios-failures.ts"

export const now = Date.parse("2026-11-24T07:00:00Z")
const hour = 60 * 60 * 1000
const day = 24 * hour

/** What a stranger would do to a page, and to who reads it. */
export const hostile = [
  "<script>document.title='owned'</script>",
  "<img src=x onerror=\"document.title='owned'\">",
  "https://phishing.example/login",
  "invoice\u202egpj.exe",
  "hidden\u{e0049}\u{e0047}",
  "javascript:alert(1)",
].join("\n")

const id = (n: number) => `${String(n).repeat(8)}-0000-8000-8000-000000000000`

const mail = (n: number, more: Partial<Approval> & { content: Approval["content"] }): Approval => ({
  id: id(n),
  agent: `outreach-${n}`,
  activity: "sendMail",
  risk: "mail",
  reasons: ["named a budget", "asked for a date"],
  hash: `${n}`.repeat(64),
  events: [id(n + 4)],
  requestedAt: now - 2 * hour,
  grade: "normal",
  rule: "every mail waits for you",
  ...more,
})

const approvals = (): Array<Approval> => [
  mail(1, {
    dueAt: now + 9 * hour,
    made: "gemma3:270m draftMail@1f2e3d4c",
    evidence: [{ event: id(6), quote: "two sponsorships, as last year" }],
    content: {
      to: { name: "Ada Weiss", address: "ada@lumen.example" },
      subject: "Re: Two sponsorships in December",
      text:
        "Hi Ada,\n\ntwo sponsorships for 1,200 EUR, issues 47 and 49: agreed. The contract is attached; " +
        "if you sign it today, both places are yours.\n\nMara",
    },
  }),
  mail(2, {
    activity: "refundPayment",
    risk: "money",
    grade: "high",
    content: {
      to: { name: "Marco Rossi", address: "marco@studiorossi.example" },
      number: "1042",
      amount: { minor: 8900, currency: "EUR" },
      reason: "charged twice",
    },
  }),
  mail(3, {
    made: "template-2",
    refusedModel: ["it invents an amount"],
    content: {
      to: { name: "Jonas \u202eWeber <b>", address: "jonas@weber.example" },
      subject: "Re: <b>Rates</b>",
      text: hostile,
    },
  }),
]

const item = (
  approval: Approval,
  what: string,
  prepared: string,
  more: Partial<BriefItem> = {},
) => ({
  what,
  short: what,
  more: [],
  prepared,
  action: `aios approve ${approval.id.slice(0, 6)}`,
  why: approval.reasons,
  since: approval.requestedAt,
  kind: "approval" as const,
  approvals: [approval.id],
  events: approval.events,
  rank: 1,
  ...(approval.dueAt === undefined ? {} : { dueAt: approval.dueAt }),
  ...more,
})

const texts = [
  "Ada Weiss (Lumen) accepts 1,200 EUR for two sponsorships, wants the contract “by Tuesday evening”.",
  "Marco Rossi writes for the third time: invoice 1042 was charged twice (2 × 89 EUR). He is angry.",
  `Jonas Weber asks for rates. ${hostile.split("\n")[0]}`,
]

const promise: Brief["week"][number] = {
  what: "You promised Tomas Reyes, due today: “I will call you on Tuesday.”",
  short: "You promised Tomas Reyes, due today",
  prepared: "",
  action: "aios done tomas@reyes.example",
  more: [{ prepared: "", action: "aios history tomas@reyes.example" }],
  why: [],
  since: now - day,
  kind: "reply",
  person: "Tomas Reyes",
  key: "t1",
  approvals: [],
  events: [id(6)],
  rank: 0,
}

/** The parts of an `Aios`, and a way to let something happen from elsewhere. */
export const company = Effect.gen(function* () {
  const log = yield* EventLog
  let waiting = approvals()
  /** A promise that nobody kept yet, and a draft that waits for its review. */
  let isOwed = true
  let draftIs = "inReview"
  const decided: Array<Brief["decided"][number]> = []
  const taken = new Map<string, Approval>()
  let revision = -1

  const happen = (type: string) =>
    Effect.gen(function* () {
      const expected = revision++
      yield* log.append("company-1", expected, [{
        id: crypto.randomUUID(),
        type,
        data: {},
        metadata: { at: now, $correlationId: id(9) },
      }])
    }).pipe(Effect.orDie)

  const named = (wanted: string) => {
    const found = waiting.find((one) => one.id.startsWith(wanted))
    return found === undefined
      ? Effect.fail(
        new OperationFailed({
          kind: "failed",
          error: "ApprovalNotFound",
          message: `There is no approval ${wanted}. aios approvals shows those that wait for you.`,
        }),
      )
      : Effect.succeed(found)
  }
  const settle = (
    wanted: string,
    decision: "approved" | "rejected" | "postponed",
    outcome: string,
  ) =>
    Effect.gen(function* () {
      const found = yield* named(wanted)
      waiting = waiting.filter((one) => one !== found)
      taken.set(found.id, found)
      decided.push({
        id: found.id,
        decision,
        what: "a mail",
        outcome,
        at: now,
        events: [],
      })
      yield* happen(`Decision${decision}`)
      return { id: found.id, decision, already: false, outcome }
    })

  const brief = (): Brief => ({
    date: "2026-11-24",
    timeZone: "Europe/Berlin",
    now: waiting.map((one) =>
      item(one, texts[Number(one.id[0]) - 1] ?? "A new draft waits.", "draft ready")
    ),
    week: [{
      what:
        "Newsletter 47 is due Thursday: the draft covers 3 of your 5 notes; nothing yet on pricing.",
      short: "Newsletter 47 due Thursday, 3 of 5 notes",
      prepared: "",
      action: draftIs === "inReview" ? "aios review newsletter-47" : "aios agents article",
      more: [],
      why: ["notes of 12 and 19 Nov are not covered"],
      since: now - 3 * day,
      dueAt: now + 2 * day,
      kind: "content",
      approvals: [],
      events: [id(8)],
      rank: 0,
    }, ...(isOwed ? [promise] : [])],
    leads: [{
      person: "Priya Nair",
      key: "p1",
      state: "warm",
      score: 42,
      reasons: ["wrote twice", "asks for a price: “what would a sponsorship cost”"],
      events: [id(7)],
    }],
    approvals: waiting,
    invoices: [{
      key: "i1",
      number: "1039",
      person: "Brightside",
      state: "overdue",
      total: { minor: 300000, currency: "EUR" },
      open: { minor: 300000, currency: "EUR" },
      dueAt: now - 31 * day,
      daysLate: 31,
      events: [],
    }],
    money: {
      overdue: [{ minor: 432000, currency: "EUR" }],
      overdueCount: 2,
      oldest: { person: "Brightside", days: 31 },
      expected: [{ minor: 120000, currency: "EUR" }],
      accepted: [],
      received: [],
    },
    replies: [],
    content: [{
      topic: "newsletter-47",
      title: "Newsletter 47",
      state: draftIs,
      notes: 5,
      covered: 3,
      uncovered: [],
      events: [id(8)],
    }],
    meetings: [{
      title: "Call with Lumen",
      startsAt: now + 3 * hour,
      endsAt: now + 4 * hour,
      allDay: false,
      with: "Ada Weiss",
      events: [],
    }],
    news: {
      mails: 41,
      messages: 0,
      people: 0,
      leads: 3,
      payments: 2,
      since: now - 13 * hour,
      takenIn: { records: 46 },
      known: true,
    },
    decided,
    done: [
      { what: "9 mails filed", count: 9, each: ["From the bank: statement"], events: [id(6)] },
      { what: "2 duplicates merged", count: 2, each: [], events: [id(6), id(7)] },
      { what: "1 unsubscribe honoured", count: 1, each: ["Lena Vogt"], events: [id(5)] },
    ],
    held: [{
      what: "1 mail tells its reader's AI to forward invoices; nothing in it was followed",
      action: `aios why ${id(6)}`,
      events: [id(6)],
    }],
    unknown: ["the calendar was last imported 6 days ago; meetings may be missing"],
    checklist: [{ what: "No signature is set.", fix: "aios settings --signature …" }],
  })

  const parts: Partial<Aios["Service"]> = {
    settings: Effect.succeed({
      name: "Mara",
      addresses: [],
      proposedAddresses: [],
      timeZone: "Europe/Berlin",
      currency: "EUR",
      briefAt: "06:00",
      nightlyAt: "02:00",
      reports: [],
      missing: [],
    }),
    brief: () => Effect.sync(brief),
    approvals: Effect.sync(() => waiting),
    approve: (wanted) =>
      settle(wanted, "approved", "Done: outbox/ada.eml. Not sent: AIOS does not send mail yet."),
    reject: (wanted, reason) => settle(wanted, "rejected", `It will not be done (${reason}).`),
    later: (wanted) => settle(wanted, "postponed", "It comes back then."),
    edit: (wanted, patch) =>
      Effect.gen(function* () {
        const found = yield* named(wanted)
        const fresh: Approval = {
          ...found,
          id: id(4),
          hash: "4".repeat(64),
          content: Object.assign({}, found.content, patch),
        }
        waiting = waiting.map((one) => one === found ? fresh : one)
        yield* happen("DraftEdited")
        return { id: found.id, approval: fresh, difference: `- text: …\n+ text: ${patch.text}` }
      }),
    undo: (wanted) =>
      Effect.gen(function* () {
        const found = taken.get(wanted)
        const again = found ?? (yield* named(wanted))
        taken.delete(wanted)
        waiting = [again, ...waiting]
        yield* happen("WorkUndone")
        return { id: wanted, undone: "decision" as const, outcome: "It waits for you again." }
      }),
    done: (person) =>
      Effect.gen(function* () {
        isOwed = false
        yield* happen("ConversationDealtWith")
        return { person, key: person, state: "quiet", changed: true, outcome: "It is dealt with." }
      }),
    review: (topic, verdict) =>
      Effect.gen(function* () {
        if (verdict !== undefined) {
          draftIs = verdict.passed ? "scheduled" : "writing"
          yield* happen("ReviewDone")
        }
        return {
          article: "a1",
          topic,
          title: "Newsletter 47",
          state: draftIs,
          text: `Dear reader,\n\n${hostile}`,
          made: "founder",
          notes: 5,
          outcome: verdict === undefined
            ? "It waits for your review."
            : verdict.passed
            ? "The review is passed."
            : `Sent back (${verdict.reason ?? ""}).`,
        }
      }),
    agents: () =>
      Effect.succeed([
        { agent: "lead", key: "p1", state: "warm", status: "active", revision: 3, accepts: [] },
        {
          agent: "invoice",
          key: "i1",
          state: { open: { payment: "overdue", reminder: "sent" } },
          status: "active",
          revision: 5,
          accepts: [],
        },
      ]),
    people: () => Effect.succeed([]),
    reports: () => Effect.succeed([]),
    events: () => Effect.succeed([]),
    projections: Effect.succeed([]),
    follow: ({ after }) =>
      log.follow(after ?? -1).pipe(
        Stream.mapError(failureOf),
        Stream.flatMap((page) => Stream.fromIterable(page)),
      ),
  }
  /** Another way than the page: a fourth decision comes in. */
  const arrive = Effect.gen(function* () {
    waiting = [...waiting, { ...waiting[0]!, id: id(5), hash: "5".repeat(64) }]
    yield* happen("ApprovalRequested")
  })
  return { parts, arrive, left: () => waiting.length, decided }
})
