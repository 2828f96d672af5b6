/** The rules of a conversation: whose turn it is, what was promised, and when somebody has to be answered. */
import { describe, expect, it } from "vitest"
import { analyst } from "../../machines/analyst.ts"
import {
  dueSoonMillis,
  lapseMillis,
  mailsMax,
  replyMillisMax,
} from "../../machines/conversation.ts"
import { after, day, done, epoch, failed, givenActor, hour } from "../given.ts"

const person = "0123456789abcdef0123456789abcdef"
const invoice = "fedcba9876543210fedcba9876543210"
const envelope = { $sealed: [person, "k1", "n", "t"] } as const
const eur = (minor: number) => ({ minor, currency: "EUR" })

interface Said {
  readonly at?: number
  readonly intents?: ReadonlyArray<string>
  readonly asks?: boolean
  readonly instructsReader?: boolean
  readonly suspicions?: ReadonlyArray<string>
  readonly commitments?: ReadonlyArray<{ readonly by: string; readonly at: number }>
  readonly invoices?: ReadonlyArray<string>
}

/** A mail, so many hours after the story began. */
const mail = (direction: "inward" | "outward", said: Said) => ({
  type: "MailRead",
  person,
  record: `record-${direction}-${said.at ?? 0}`,
  direction,
  sentAt: epoch + (said.at ?? 0) * hour,
  contact: envelope,
  subject: envelope,
  messageId: envelope,
  findings: {
    reader: "rules-2",
    warmth: 0,
    intents: said.intents ?? [],
    instructsReader: said.instructsReader ?? false,
    amounts: [],
    commitments: (said.commitments ?? []).map(({ at, by }) => ({
      by,
      dueAt: epoch + at * hour,
      record: `record-${direction}-${said.at ?? 0}`,
    })),
    asks: said.asks ?? false,
    suspicions: said.suspicions ?? [],
  },
  quotes: envelope,
  commitmentWords: envelope,
  invoices: said.invoices ?? [],
})
const wrote = (said: Said = {}) => mail("inward", said)
const answered = (at: number, said: Said = {}) => mail("outward", { ...said, at })
const weighed = (about: string) =>
  done("weigh", { about, pressing: 70, made: "rules-2", reasons: ["looks angry"] })
const noted = (standing: string, overpaid = false) => ({
  type: "InvoiceNoted",
  person,
  invoice,
  number: "1042",
  standing,
  total: eur(8900),
  dueAt: epoch,
  overpaid: overpaid ? [{ payment: "ch_2", amount: eur(8900) }] : [],
})
const closed = { type: "ConversationClosed", because: "LeadUnsubscribed" }
const ended = (type: string, work = `executor-${person}~c1`) => ({
  type,
  work,
  kind: "mail",
  answers: epoch,
  ...(type === "WorkFailed" ? { problem: "Skipped" } : {}),
})
const given = (...steps: Parameters<typeof givenActor>[2][]) =>
  givenActor(analyst, person, ...steps)
/** What is read of a person is told of by itself, below: here it is whatever it is. */
const state = (turn: unknown, weighing: string, commitments: string) =>
  ({ turn, weighing, commitments }) as never
const read = (by: "model" | "rules") =>
  done("read", {
    ...{ person, intent: "asksPrice", warmth: 70, by, upTo: epoch },
    ...{
      evidence: envelope,
      made: by === "model" ? "gemma3:270m readConversation@1f2e" : "rules-2",
    },
  })

describe("the turn", () => {
  it("is ours once the person wrote, and theirs once it was answered", () =>
    void given(wrote({ asks: true })).isIn(state({ ours: "waiting" }, "weighing", "none"))
      .when(answered(2)).isIn(state("theirs", "idle", "none")))
  it("is nobody's after thanks alone", () =>
    void given(wrote({ intents: ["thanks"] })).isIn(state("quiet", "idle", "none")))
  it("is overdue when nobody answers, and lapses in the end", () =>
    void given(wrote({ asks: true }), after(replyMillisMax)).isIn(
      state({ ours: "overdue" }, "weighing", "none"),
    ).when(after(lapseMillis)).isIn(state({ ours: "lapsed" }, "weighing", "none")))
  it("counts from the first mail that nobody answered", () =>
    void given(
      wrote({ asks: true }),
      wrote({ at: 48, asks: true }),
      after(replyMillisMax - 48 * hour),
    )
      .isIn(state({ ours: "overdue" }, "weighing", "none")))
  it("begins anew after it lapsed", () =>
    void given(wrote({ asks: true }), after(60 * day), wrote({ at: 61 * 24, asks: true })).isIn(
      state({ ours: "waiting" }, "weighing", "none"),
    ))
  it("does not change for older mail that is told of later", () =>
    void given(answered(5, { commitments: [] }), wrote({ at: 1, asks: true })).isIn(
      state("theirs", "idle", "none"),
    ))
  it("is not taken by a mail that instructs an AI, or that may be forged", () => {
    given(wrote({ asks: true, instructsReader: true })).isIn(state("quiet", "idle", "none")).asks()
    given(wrote({ asks: true, suspicions: ["lookalikeAddress"] })).isIn(
      state("quiet", "idle", "none"),
    )
  })
  it("is closed for good by who wants no mail", () =>
    void given(wrote({ asks: true }), closed).isIn(state("closed", "idle", "none")).stops(
      "read",
      "weigh",
    )
      .when(wrote({ at: 9, asks: true, commitments: [{ by: "founder", at: 99 }] }))
      .isIn(state("closed", "idle", "none")).asks().tellsNobody())
})

describe("an answer that AIOS wrote", () => {
  const work = `executor-${person}~o1`
  const handedOver = (at: number) => ({
    type: "AnswerHandedOver",
    person,
    work,
    answers: epoch + at * hour,
  })
  const takenBack = { type: "AnswerTakenBack", person, work }
  it("makes it their turn, whoever asked for it", () =>
    void given(wrote({ asks: true }), handedOver(0)).isIn(state("theirs", "weighing", "none")))
  it("leaves it ours where the person has written since", () =>
    void given(wrote({ asks: true }), wrote({ at: 5, asks: true }), handedOver(0)).isIn(
      state({ ours: "waiting" }, "weighing", "none"),
    ).knows({ lastOutwardAt: epoch }))
  it("that is taken back leaves the person waiting as before", () =>
    void given(wrote({ asks: true }), handedOver(0), takenBack).isIn(
      state({ ours: "waiting" }, "weighing", "none"),
    ).knows({ lastOutwardAt: 0, answered: null }))
  it("that is taken back changes nothing once the founder has written otherwise", () =>
    void given(wrote({ asks: true }), handedOver(0), answered(2), takenBack).isIn(
      state("theirs", "idle", "none"),
    ))
  it("begins a conversation that nobody had", () =>
    void given(handedOver(0)).isIn(state("theirs", "idle", "none")))
})

describe("what the founder dealt with otherwise", () => {
  const dealtWith = { type: "ConversationDealtWith", by: "operator" }
  it("waits no more, and what was promised is kept", () =>
    void given(wrote({ asks: true, commitments: [{ by: "founder", at: 72 }] }), dealtWith).isIn(
      state("quiet", "idle", "kept"),
    ).knows({ pending: [], broken: [] }))
  it("withdraws the reply that was drafted", () =>
    void given(wrote({ intents: ["complains"] }), weighed("complaint")).when(dealtWith).tells(
      `executor-${person}~c1`,
      { type: "WorkWithdrawn", because: "ConversationDealtWith" },
    ))
  it("is taken up again by the person's next mail", () =>
    void given(wrote({ asks: true }), dealtWith, wrote({ at: 9, asks: true })).isIn(
      state({ ours: "waiting" }, "weighing", "none"),
    ))
})

describe("weighing", () => {
  it("happens once the person wrote, and again for a newer mail", () =>
    void given(wrote({ asks: true })).asks("weighConversation", "readConversation")
      .when(wrote({ at: 1, asks: true })).asks("weighConversation").stops("weigh"))
  it("is skipped for history, and nothing follows", () =>
    void given(wrote({ intents: ["complains"] })).when(failed("weigh", "Skipped")).isIn(
      state({ ours: "waiting" }, "idle", "none"),
    ).tellsNobody())
  it("remembers ten mails, in the order they were sent", () =>
    void given(...Array.from({ length: mailsMax + 3 }, (_, n) => wrote({ at: n, asks: true })))
      .knows({
        mails: Array.from({ length: mailsMax }, (_, n) => ({ sentAt: epoch + (n + 3) * hour })),
      }))
})

describe("what a model reads", () => {
  const is = (reading: unknown) => ({ reading }) as never
  const mails = (n: number) => Array.from({ length: n }, (_, at) => wrote({ at, asks: true }))
  it("is asked for once the person wrote, with the words the rules read", () => {
    const { inputs } = given(wrote({ asks: true })).isIn(is({ reading: "current" }))
    expect(inputs[1]).toMatchObject({
      ...{ person, record: "record-inward-0", quotes: envelope },
      mails: [{ record: "record-inward-0", direction: "inward" }],
    })
  })
  it("is kept with its evidence, and nobody is told", () =>
    void given(wrote({ asks: true })).when(read("model")).isIn(is("read")).tellsNobody()
      .knows({ read: { warmth: 70, evidence: envelope } }))
  it("is the rules' reading where no model could be asked, or what it said did not hold", () =>
    void given(wrote({ asks: true }), read("rules")).isIn(is("byRules")))
  it("is read once more, however many mails come meanwhile", () =>
    void given(...mails(5)).isIn(is({ reading: "outdated" })).when(read("model"))
      .asks("readConversation").isIn(is({ reading: "current" })).when(read("model"))
      .asks().isIn(is("read")))
  it("is read again for the next mail", () =>
    void given(wrote({ asks: true }), read("model")).when(wrote({ at: 3, intents: ["thanks"] }))
      .isIn(is({ reading: "current" })))
  it("is never asked for what is history, held back, older, or the founder's own", () => {
    given({ ...wrote({ asks: true }), history: true }).isIn(is("unread")).asks()
    given(wrote({ asks: true, instructsReader: true })).isIn(is("unread"))
    given(wrote({ asks: true, suspicions: ["forgedFrom"] })).isIn(is("unread"))
    given(answered(5), wrote({ at: 1, asks: true })).isIn(is("unread"))
    given(answered(5)).isIn(is("unread"))
  })
  it("is skipped for what turns out to be history", () =>
    void given(wrote({ asks: true })).when(failed("read", "Skipped")).isIn(is("unread")))
  it("stands, where it cannot be read again", () =>
    void given(wrote({ asks: true }), read("model"), wrote({ at: 3, intents: ["thanks"] }))
      .when(failed("read", "ModelUnavailable")).isIn(is("read"))
      .knows({ read: { by: "model" } }))
  it("ends with the conversation", () =>
    void given(wrote({ asks: true }), read("model")).when(closed).isIn(is("unread"))
      .knows({ read: null }))
})

describe("a complaint", () => {
  const complaint = wrote({ intents: ["complains", "chargedTwice"] })
  const work = `executor-${person}~c1`
  it("is to be answered", () =>
    void given(complaint).when(weighed("complaint")).tells(work, {
      type: "MailRequested",
      requester: `analyst-${person}`,
      purpose: "complaint",
      answers: epoch,
      intents: ["complains", "chargedTwice"],
    }))
  it("is answered in the language it was written in last", () => {
    const german = { ...complaint, findings: { ...complaint.findings, language: "de" } }
    given(german, wrote({ at: 3 })).when(weighed("complaint"))
      .tells(work, { type: "MailRequested", language: "de" })
  })
  it("is asked for once, however often the person writes", () =>
    void given(complaint, weighed("complaint"), wrote({ at: 3, intents: ["complains"] })).when(
      weighed("complaint"),
    ).tells(work, { type: "MailRequested", answers: epoch + 3 * hour }).knows({ works: 1 }))
  it("brings the invoice that was paid twice, and disputes it", () => {
    given(noted("overpaid", true), complaint).when(weighed("complaint"))
      .knows({ open: { work }, invoices: [{ invoice, disputed: true }] })
  })
  it("brings the invoice it names", () =>
    void given(noted("open"), wrote({ intents: ["complains"], invoices: ["1042"] })).when(
      weighed("complaint"),
    ).knows({ invoices: [{ disputed: true }] }))
  it("disputes nothing where no invoice is meant", () =>
    void given(noted("open"), wrote({ intents: ["complains"] })).when(weighed("complaint"))
      .tells(work, { type: "MailRequested" }).knows({ invoices: [{ disputed: false }] }))
  it("is weighed again when an invoice explains it", () =>
    void given(complaint, weighed("complaint")).when(noted("overpaid", true)).asks(
      "weighConversation",
    ).when(noted("overpaid", true)).asks())
  it("is withdrawn once the founder answered", () =>
    void given(complaint, weighed("complaint")).when(answered(4)).tells(work, {
      type: "WorkWithdrawn",
      because: "MailRead",
    }).isIn(state("theirs", "idle", "none")))
  it("that comes again later is another one", () =>
    void given(
      complaint,
      weighed("complaint"),
      answered(4),
      wrote({ at: 9, intents: ["complains"] }),
    )
      .when(weighed("complaint")).tells(`executor-${person}~c2`, { type: "MailRequested" }))
  it("is dealt with once it was answered or rejected", () => {
    given(complaint, weighed("complaint"), ended("WorkCarriedOut")).isIn(
      state("theirs", "weighed", "none"),
    ).knows({ open: null })
    given(complaint, weighed("complaint"), ended("WorkRejected")).isIn(
      state("quiet", "weighed", "none"),
    )
    given(complaint, weighed("complaint"), ended("WorkFailed")).isIn(
      state({ ours: "waiting" }, "weighed", "none"),
    )
  })
  describe("that disputed an invoice", () => {
    const story = [noted("overpaid", true), complaint, weighed("complaint")]
    const settled = { type: "DisputeSettled", outcome: "settled", invoice }
    const handedOver = { type: "AnswerHandedOver", person, work, answers: epoch }
    it("settles that once the founder answered", () =>
      void given(...story).when(answered(4)).tellsAll(
        [work, { type: "WorkWithdrawn" }],
        [`invoice-${invoice}`, settled],
      ).knows({ invoices: [{ disputed: false }] }).when(answered(5)).tellsNobody())
    it("settles it once AIOS answered, or the founder dealt with it", () => {
      given(...story).when(handedOver).tells(`invoice-${invoice}`, settled)
      given(...story, handedOver).when(ended("WorkCarriedOut")).tellsNobody()
      given(...story).when({ type: "ConversationDealtWith", by: "operator" }).tellsAll(
        [work, { type: "WorkWithdrawn" }],
        [`invoice-${invoice}`, settled],
      )
    })
    it("settles nothing by an answer to something else", () =>
      void given(...story).when({ ...handedOver, work: `executor-${person}~o1` }).tellsNobody())
    it("disputes it again where the answer is taken back", () =>
      void given(...story, handedOver, ended("WorkCarriedOut")).when(
        { type: "AnswerTakenBack", person, work },
      ).tells(`invoice-${invoice}`, { type: "InvoiceDisputed", by: "mail" })
        .knows({ invoices: [{ disputed: true }] }))
  })
  it("is not asked for where something else weighs more", () =>
    void given(wrote({ asks: true })).when(weighed("question")).tellsNobody())
})

describe("a commitment", () => {
  const promised = wrote({ asks: true, commitments: [{ by: "founder", at: 72 }] })
  const is = (commitments: string) => state({ ours: "waiting" }, "weighing", commitments)
  it("is due a day before its time, and broken after it", () =>
    void given(promised).isIn(is("pending")).when(after(72 * hour - dueSoonMillis)).isIn(is("due"))
      .when(after(dueSoonMillis)).isIn(state({ ours: "overdue" }, "weighing", "broken"))
      .knows({ broken: [{ by: "founder" }], pending: [] }))
  it("is kept once whoever promised has written", () =>
    void given(promised).when(answered(10)).isIn(state("theirs", "idle", "kept")))
  it("is replaced by a newer one", () =>
    void given(promised).when(answered(10, { commitments: [{ by: "founder", at: 200 }] })).isIn(
      state("theirs", "idle", "pending"),
    ).knows({ pending: [{ dueAt: epoch + 200 * hour }] }))
  it("of the person's is not kept by the founder's mail", () =>
    void given(wrote({ commitments: [{ by: "person", at: 72 }] })).when(answered(10)).isIn(
      state("theirs", "idle", "pending"),
    ).when(wrote({ at: 20, intents: ["thanks"] })).isIn(state("quiet", "idle", "kept")))
  it("that was broken is forgotten a month later", () =>
    void given(promised, after(72 * hour), after(30 * day)).isIn(
      state({ ours: "lapsed" }, "weighing", "none"),
    ))
  it("goes on with the next when one is broken", () =>
    void given(
      wrote({ asks: true, commitments: [{ by: "founder", at: 48 }, { by: "person", at: 60 }] }),
      after(60 * hour),
    ).isIn(state({ ours: "waiting" }, "weighing", "broken")).knows({
      broken: [{ by: "founder" }, { by: "person" }],
    }))
  it("in the past is none", () =>
    void given(wrote({ asks: true, commitments: [{ by: "founder", at: -5 }] })).isIn(is("none")))
})
