/** The activities by themselves, over a real log, vault, actor system and outbox. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { simpleParser } from "mailparser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { draftMail } from "../../actors/activities/draft-mail.ts"
import { type Facts, firstNameOf, moneyWords, textOf } from "../../actors/activities/mail-words.ts"
import { recallMail } from "../../actors/activities/recall-mail.ts"
import { sendMail } from "../../actors/activities/send-mail.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import * as cadence from "../../actors/cadence.ts"
import * as contacts from "../../actors/contacts.ts"
import * as languageModel from "../../actors/language-model.ts"
import { Recall, type Remembered } from "../../actors/recall.ts"
import * as recall from "../../actors/recall.ts"
import * as system from "../../actors/system.ts"
import { Vault } from "../../actors/vault.ts"
import * as log from "../log-memory.ts"
import * as mailer from "../../adapters/mailer-folder.ts"
import * as readStore from "../../adapters/read-store-memory.ts"
import * as snapshots from "../../adapters/snapshot-store-memory.ts"
import * as vault from "../../adapters/vault-memory.ts"
import { agents, journals } from "../../machines/mod.ts"
import { settingsStream } from "../../machines/settings.ts"
import * as openAsks from "../../projections/open-asks.ts"
import { projections } from "../../projections/mod.ts"
import * as runner from "../../projections/runner.ts"

let root = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "aios-activities-"))
})
afterAll(() => rm(root, { recursive: true }))

const person = "0123456789abcdef0123456789abcdef"
const how = { askId: "outreach-1/3.0", attempt: 1, clock: 0 }

/** A company of its own for every test. */
const company = () => {
  const outbox = join(root, String(Math.random()).slice(2), "outbox")
  const base = Layer.mergeAll(log.layer, vault.layer, readStore.layer, snapshots.layer)
  const queue = openAsks.layer.pipe(Layer.provideMerge(runner.layer(projections)))
  const layer = Layer.mergeAll(contacts.layer, mailer.layer(outbox), languageModel.absent).pipe(
    Layer.provideMerge(system.layer({ agents, journals })),
    Layer.provideMerge(queue),
    Layer.provideMerge(base),
  )
  return { outbox, layer }
}
const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  where = company(),
): Promise<A> => {
  const provided = Effect.provide(effect, where.layer) as Effect.Effect<A, E>
  return Effect.runPromise(Effect.scoped(provided))
}

const today = Date.UTC(2026, 10, 23, 9)
const mail = Effect.gen(function* () {
  const { seal } = yield* Vault
  return {
    person,
    purpose: "answer",
    answers: today,
    intents: ["asksPrice"],
    contact: seal(person, { name: "Ada Weiss", address: "ada@lumen.example" }),
    subject: seal(person, "AW: Re: Sponsorship"),
    quotes: seal(person, ["how much would a sponsorship cost"]),
  }
})
const record = (event: { readonly [field: string]: string | ReadonlyArray<string> }) =>
  Effect.flatMap(
    ActorSystem,
    (actors) => actors.record(settingsStream, { type: "SettingsRecorded", ...event }),
  )
const founder = record({
  name: "Mara Lindqvist",
  addresses: ["mara@northlight.example"],
  signature: "Mara\nNorthlight",
  timeZone: "Europe/Berlin",
})

const invoice = {
  invoice: "b".repeat(32),
  number: "1042",
  total: { minor: 8_900, currency: "EUR" },
  dueAt: Date.UTC(2026, 9, 20, 12),
}
const twice = { ...invoice, overpaid: [{ payment: "ch_2", amount: invoice.total }] }
/** Where nothing is remembered, or just this. */
const remembering = (known?: Partial<Remembered>) =>
  known === undefined ? recall.absent : Layer.succeed(
    Recall,
    Recall.of({
      about: () => Effect.succeed({ mails: 1, invoices: [], ...known }),
      notes: () => Effect.succeed([]),
      search: () => Effect.succeed([]),
      texts: () => Effect.succeed([]),
    }),
  )
/** The words of a draft, without greeting and signature. */
const drafted = (
  more: (seal: (value: unknown) => unknown) => object,
  known?: Partial<Remembered>,
) =>
  Effect.gen(function* () {
    yield* founder
    const { seal } = yield* Vault
    const input = { ...yield* mail, ...more((value) => seal(person, value as never)) }
    const draft = yield* draftMail.run(input, how).pipe(
      Effect.provide(remembering(known)),
    ) as Effect.Effect<{ readonly subject: string; readonly text: string }>
    const [greeting = "", ...rest] = draft.text.split("\n\n")
    return { greeting, subject: draft.subject, words: rest.slice(0, -1).join("\n") }
  })

describe("draftMail", () => {
  it("answers by first name, quotes what was asked, signs as the founder does", () =>
    run(Effect.gen(function* () {
      yield* founder
      const draft = yield* draftMail.run(yield* mail, how).pipe(Effect.provide(recall.absent))
      expect(draft).toEqual({
        person,
        from: { name: "Mara Lindqvist", address: "mara@northlight.example" },
        to: { name: "Ada Weiss", address: "ada@lumen.example" },
        subject: "Re: Sponsorship",
        text: "Hello Ada,\n\nYou wrote: “how much would a sponsorship cost”\n\n" +
          "To name you one price and not a range: what exactly should it cover?\n\n" +
          "Mara\nNorthlight\n",
        made: "template-2",
        asks: true,
      })
    })))
  it("who accepts reads what is agreed, with the amount and the date as quoted", () =>
    run(Effect.gen(function* () {
      const { words } = yield* drafted((seal) => ({
        intents: ["accepts", "namesDate"],
        quotes: seal(["we accept 1,200 EUR", "send it by Tuesday evening"]),
      }), { company: "Lumen GmbH" })
      expect(words).toContain("it is agreed: 1,200 EUR. I have noted Tuesday 24 November")
      expect(words).toContain("Shall I make the invoice out to Lumen GmbH?")
    })))
  it.each([
    [
      "Could you send me the contract by Tuesday evening?",
      "You asked for the contract by Tuesday evening; I have noted it.",
    ],
    ["Please sign it by Tuesday.", "You also wrote: “Please sign it by Tuesday.” I have noted it."],
  ])(
    "what is asked for by a date is named in the person's words: %j",
    (quote, words) =>
      run(Effect.gen(function* () {
        const draft = yield* drafted((seal) => ({
          intents: ["accepts", "namesDate", "asks"],
          quotes: seal(["We accept your offer: 1,200 EUR.", quote]),
        }))
        expect(draft.words).toContain("You wrote: “We accept your offer: 1,200 EUR.”")
        expect(draft.words).toContain(words)
      })),
  )
  it("questions are what is answered: they are quoted before anything else", () =>
    run(Effect.gen(function* () {
      const { words } = yield* drafted((seal) => ({
        intents: ["namesDate", "asks", "asksPrice"],
        quotes: seal(["The days in September were good.", "Have you time?", "What would it cost?"]),
      }))
      expect(words).toContain("You ask: “Have you time?” and “What would it cost?”")
    })))
  it("an amount that is named twice is one amount", () =>
    run(Effect.gen(function* () {
      const { words } = yield* drafted((seal) => ({
        intents: ["asksPrice", "namesBudget"],
        quotes: seal(["We can spend 6,500 EUR", "6,500 EUR and not more"]),
      }))
      expect(words).toContain("6,500 EUR is a clear frame.")
      expect(words.match(/\?/g)).toHaveLength(1)
    })))
  it("a meeting that stands already is named", () =>
    run(Effect.gen(function* () {
      const nextMeeting = { startsAt: Date.UTC(2026, 10, 26, 9), title: "Call" }
      const { words } = yield* drafted(() => ({ intents: ["asksMeeting"] }), { nextMeeting })
      expect(words).toContain("We meet on Thursday 26 November anyway")
    })))
  it("the words that are answered are quoted; times that are named are not asked for again", () =>
    run(Effect.gen(function* () {
      const { words } = yield* drafted((seal) => ({
        intents: ["asksMeeting"],
        quotes: seal(["it was good to see you", "could we meet on Wednesday at 10:00"]),
      }))
      expect(words).toBe(
        "You wrote: “could we meet on Wednesday at 10:00”\n" +
          "I have noted Wednesday 25 November at 10:00. Is there a second time that would suit you?",
      )
      const { words: two } = yield* drafted((seal) => ({
        intents: ["asksMeeting"],
        quotes: seal(["Could we meet on Wednesday at 10:00 or on Thursday at 14:00?"]),
      }))
      expect(two).toContain(
        "I have noted Wednesday 25 November at 10:00 and Thursday 26 November at 14:00. " +
          "Which of them do you prefer?",
      )
      expect(`${words} ${two}`).not.toMatch(/I am|I will|write to you/)
      const { words: open } = yield* drafted((seal) => ({
        intents: ["asksMeeting"],
        quotes: seal(["it has to be online before March", "could we have a call"]),
      }))
      expect(open).toContain("When would suit you?")
    })))
  it("a complaint is met with one apology and what was charged twice, and no date is promised", () =>
    run(Effect.gen(function* () {
      const more = { purpose: "complaint", intents: ["complains"], invoice: twice }
      const { words } = yield* drafted(() => more)
      expect(words).toContain("invoice 1042 over 89 EUR was charged twice")
      expect(words).toContain("The refund of 89 EUR is prepared")
      expect(words.match(/sorry|apolog/gi)).toHaveLength(1)
      expect(words).not.toMatch(/today|tomorrow|days|Monday|Friday/)
    })))
  it("what was charged twice is remembered, where the complaint does not say so", () =>
    run(Effect.gen(function* () {
      const more = { purpose: "complaint", intents: ["complains"] }
      const { words } = yield* drafted(() => more, { invoices: [twice] })
      expect(words).toContain("invoice 1042 over 89 EUR was charged twice")
      const { words: unclear } = yield* drafted(() => more, {})
      expect(unclear).toContain("looking into what happened")
      expect(unclear).not.toMatch(/invoice|refund/)
    })))
  it("a reminder names number, amount and due date, and grows firmer", () =>
    run(Effect.gen(function* () {
      const reminder = (reminders: number) =>
        drafted((seal) => ({
          purpose: "reminder",
          intents: [],
          subject: seal(""),
          quotes: seal([]),
          invoice: { ...invoice, reminders },
        }))
      const first = yield* reminder(0)
      expect(first.subject).toBe("Invoice 1042")
      expect(first.words).toContain("Invoice 1042 over 89 EUR was due on Tuesday 20 October")
      expect(first.words).toContain("Could you have a look?")
      expect((yield* reminder(1)).words).toContain("before: it was due")
      expect((yield* reminder(2)).words).toContain("This is reminder 3")
      const { words } = yield* drafted(() => ({
        purpose: "reminder",
        invoice: { ...invoice, owed: { minor: 4900, currency: "EUR" } },
      }))
      expect(words).toContain("Thank you for 40 EUR towards invoice 1042 over 89 EUR.")
      expect(words).toContain("and 49 EUR is still open")
      expect(words).not.toContain("do not see a payment")
    })))
  it("a reminder of nothing is not written", () =>
    run(Effect.gen(function* () {
      const failure = yield* Effect.flip(drafted(() => ({ purpose: "reminder" })))
      expect(failure).toMatchObject({ _tag: "MissingFacts" })
    })))
  it("a follow-up is two sentences about what was written of", () =>
    run(Effect.gen(function* () {
      const { words } = yield* drafted(() => ({ purpose: "followUp" }))
      expect(words).toBe(
        "I wrote to you about “Sponsorship” and have not heard from you. " +
          "Is it still of interest, or shall I close it?",
      )
    })))
  describe("in German", () => {
    const german = (more: (seal: (value: unknown) => unknown) => object) =>
      drafted((seal) => ({ language: "de", ...more(seal) }))
    it("greets by the whole name, quotes the question, and says Sie", () =>
      run(Effect.gen(function* () {
        const { greeting, subject, words } = yield* german((seal) => ({
          quotes: seal(["Was kostet ein Workshop?"]),
        }))
        expect(greeting).toBe("Guten Tag Ada Weiss,")
        expect(subject).toBe("Re: Sponsorship")
        expect(words).toBe(
          "Sie fragen: „Was kostet ein Workshop?“\n" +
            "Damit ich Ihnen einen Preis nennen kann und keine Spanne: Was genau soll dabei sein?",
        )
      })))
    it("says du to whoever wrote so, and goes on in lower case after the greeting", () =>
      run(Effect.gen(function* () {
        const { greeting, words } = yield* german((seal) => ({
          language: "de-informal",
          quotes: seal(["Was kostet ein Workshop bei dir?"]),
        }))
        expect(greeting).toBe("Hallo Ada,")
        expect(words).toContain("du fragst: „Was kostet ein Workshop bei dir?“")
        expect(words).toContain("Damit ich dir einen Preis nennen kann")
        expect(words).not.toMatch(/Sie|Ihnen/)
      })))
    it("agrees, with money and dates as they are written there", () =>
      run(Effect.gen(function* () {
        const { words } = yield* german((seal) => ({
          intents: ["accepts"],
          quotes: seal(["wir nehmen Ihr Angebot über 1.200 EUR an", "am 3. Dezember"]),
        }))
        expect(words).toContain("Gut, dann ist es abgemacht: 1.200 EUR.")
        expect(words).toContain("Donnerstag, 3. Dezember")
      })))
    it("is sorry, and promises as little", () =>
      run(Effect.gen(function* () {
        const { words } = yield* german(() => ({ purpose: "complaint", invoice: twice }))
        expect(words).toContain("das tut mir leid: Rechnung 1042 über 89 EUR wurde zweimal")
        expect(words).toContain("Die Rückerstattung von 89 EUR ist vorbereitet")
        expect(words).not.toMatch(/heute|morgen|Tage/)
      })))
    it("reminds of an invoice, ever firmer, and follows up", () =>
      run(Effect.gen(function* () {
        const reminder = (reminders: number) =>
          german((seal) => ({
            purpose: "reminder",
            intents: [],
            subject: seal(""),
            quotes: seal([]),
            invoice: { ...invoice, reminders },
          }))
        const first = yield* reminder(0)
        expect(first.subject).toBe("Rechnung 1042")
        expect(first.words).toContain(
          "Rechnung 1042 über 89 EUR war am Dienstag, 20. Oktober fällig, und ich sehe noch keine",
        )
        expect((yield* reminder(1)).words).toContain(
          "schon geschrieben: Sie war am Dienstag, 20. Oktober fällig und ist noch offen.",
        )
        expect((yield* reminder(2)).subject).toBe("Zahlungserinnerung: Rechnung 1042")
        expect((yield* reminder(2)).words).toContain("dies ist die 3. Erinnerung")
        expect((yield* german(() => ({ purpose: "followUp" }))).words).toBe(
          "ich habe Ihnen zu „Sponsorship“ geschrieben und noch nichts gehört. " +
            "Besteht noch Interesse, oder soll ich die Sache schließen?",
        )
      })))
    it("where nobody said so, it is in what the person wrote in last", () =>
      run(Effect.gen(function* () {
        const { greeting } = yield* drafted(() => ({}), { language: "de" })
        expect(greeting).toBe("Guten Tag Ada Weiss,")
      })))
  })
  it("without settings it fails and names what is missing", () =>
    run(Effect.gen(function* () {
      const attempt = Effect.gen(function* () {
        return yield* Effect.flip(
          draftMail.run(yield* mail, how).pipe(Effect.provide(recall.absent)),
        )
      })
      const failure = yield* attempt
      expect(failure).toMatchObject({ _tag: "MissingSettings", retryable: false })
      expect(failure.message).toContain("name, addresses")
      yield* record({ name: "Mara" })
      expect((yield* attempt).message).toContain("Not known yet: addresses.")
    })))
  it("nothing is drafted for somebody whose key is gone", () =>
    run(Effect.gen(function* () {
      const lost = { $sealed: [person, "gone", "AAAA", "AAAA"] }
      const failure = yield* Effect.flip(drafted(() => ({ contact: lost })))
      expect(failure).toMatchObject({ _tag: "PersonForgotten" })
    })))
  it("input that does not fit is refused, not guessed at", () =>
    run(Effect.gen(function* () {
      const failure = yield* Effect.flip(
        draftMail.run({ person }, how).pipe(Effect.provide(recall.absent)),
      )
      expect(failure).toMatchObject({ _tag: "MisfitActivity", retryable: false })
    })))
  it.each([
    ["Ada Weiss", "Ada"],
    ["Dr. Ada Weiss", "Ada"],
    ["", ""],
    ["ada@lumen.example", ""],
    ["Weiss, Ada", ""],
    ["Lumen <sales>", ""],
    ["Agent 007", ""],
    ["Brightside Ltd", ""],
    ["Lumen", ""],
    ["A. Weiss", ""],
  ])(
    "of the name %j the greeting uses %j",
    (name, first) => expect(firstNameOf(name, "", "ada@lumen.example")).toBe(first),
  )
  it.each([
    [{ minor: 120_000, currency: "EUR" }, "1,200 EUR"],
    [{ minor: 8_950, currency: "EUR" }, "89.50 EUR"],
    [{ minor: 5, currency: "EUR" }, "0.05 EUR"],
    [{ minor: 1_234_567, currency: "JPY" }, "1,234,567 JPY"],
    [{ minor: 1_234_567, currency: "KWD" }, "1,234.567 KWD"],
    [{ minor: -8_900, currency: "EUR" }, "-89 EUR"],
  ])(
    "money is said with its currency: %j is %j",
    (money, words) => expect(moneyWords(money)).toBe(words),
  )
  it("there are no placeholders, whatever is known", () => {
    const quotes = [[], [""], ["a\r\nb"], ["long ".repeat(100)]]
    const intents = [[], ["accepts"], ["asksPrice", "namesDate", "namesBudget"], ["unheardOf"]]
    const more: ReadonlyArray<Partial<Facts>> = [
      {},
      { invoice: twice, invoiceDue: "Tuesday 20 October" },
      { wanted: "by Friday, please" },
      { amount: invoice.total, dates: ["Tuesday 24 November", "Friday 27 November"] },
    ]
    for (const purpose of ["answer", "complaint", "reminder", "followUp"] as const) {
      for (const quoted of quotes) {
        for (const meant of intents) {
          for (const [n, known] of more.entries()) {
            const text = textOf({
              language: (["en", "de", "de-informal"] as const)[(n + quoted.length) % 3]!,
              ...{ purpose, firstName: "", fullName: "", company: "", subject: "" },
              ...{ signature: "Mara", intents: meant, quotes: quoted, dates: [], times: [] },
              ...known,
            })
            expect(text).not.toMatch(/undefined|null|[[\]{}<>]|\bTODO\b|“\s*”|\r| ,| {2}/)
            expect(text.length).toBeLessThan(600)
          }
        }
      }
    }
  })
})

describe("recallMail", () => {
  it("takes a mail back by the ask that sent it", () => {
    const where = company()
    return run(
      Effect.gen(function* () {
        const { seal } = yield* Vault
        const mailbox = (name: string) => seal(person, { name, address: `${name}@x.example` })
        const input = {
          ...{ person, purpose: "answer", from: mailbox("mara"), to: mailbox("ada") },
          ...{ subject: seal(person, "S"), text: seal(person, "T"), inReplyTo: seal(person, "") },
          made: "founder",
        }
        const output = yield* sendMail.run(input, how)
        expect((yield* Effect.promise(() => readdir(where.outbox))).join()).toMatch(/\.eml$/)
        yield* recallMail.run({ ask: how.askId, input: null, output }, {
          ...how,
          askId: "outreach-1/9.0",
        })
        const left = yield* Effect.promise(() => readdir(where.outbox))
        expect(left.filter((name) => name.endsWith(".eml"))).toEqual([])
      }),
      where,
    )
  })
})

describe("sendMail", () => {
  const draft = Effect.gen(function* () {
    const { seal } = yield* Vault
    return {
      person,
      purpose: "answer",
      made: "template-2",
      from: seal(person, { name: "Mara", address: "mara@northlight.example" }),
      to: seal(person, { name: "Ada Weiss", address: "ada@lumen.example" }),
      subject: seal(person, "Re: Sponsorship"),
      text: seal(person, "Hello"),
      inReplyTo: seal(person, "<1@lumen.example>"),
    }
  })
  const tellLead = (type: "LeadUnsubscribed" | "LeadBounced") =>
    Effect.flatMap(ActorSystem, (actors) =>
      actors.propose(`lead-${person}`, {
        type,
        person,
        record: "record-1",
        sentAt: 1,
        ...(type === "LeadUnsubscribed" ? { quotes: ["remove me"] } : {}),
      }))

  it("hands over exactly what it was given, once for each ask", async () => {
    const where = company()
    await run(
      Effect.gen(function* () {
        const input = yield* draft
        const first = yield* sendMail.run(input, how)
        expect(yield* sendMail.run(input, { ...how, attempt: 2 })).toEqual(first)
      }),
      where,
    )
    const files = await readdir(where.outbox)
    expect(files.length).toBe(1)
    const sent = await simpleParser(await readFile(join(where.outbox, files[0]!)))
    expect(sent.text).toBe("Hello\n")
    expect(sent.inReplyTo).toBe("<1@lumen.example>")
  })
  it.each(["LeadUnsubscribed", "LeadBounced"] as const)(
    "after %s nothing is sent",
    async (type) => {
      const where = company()
      await run(
        Effect.gen(function* () {
          yield* tellLead(type)
          const failure = yield* Effect.flip(sendMail.run(yield* draft, how))
          expect(failure).toMatchObject({ _tag: "NotPermitted", retryable: false })
        }),
        where,
      )
      expect(await readdir(where.outbox).catch(() => [])).toEqual([])
    },
  )
})

describe("the cadence in a running system", () => {
  const at = (text: string) => Date.parse(`${text}Z`)
  it("tells the coordinator what is due, once, however often it looks", () =>
    run(Effect.gen(function* () {
      yield* founder
      const actors = yield* ActorSystem
      const installed = Date.now()
      const daily = (yield* cadence.catchUp(installed + 40 * 86_400_000))
        .find(({ slot }) => slot === "daily")
      expect(daily?.missed).toBeGreaterThanOrEqual(39)
      const view = yield* actors.view(cadence.coordinatorStream)
      expect(view?.context).toMatchObject({ reached: { daily: daily?.date } })
      const again = yield* Effect.all(
        Array.from({ length: 4 }, () => cadence.catchUp(installed + 40 * 86_400_000)),
        { concurrency: "unbounded" },
      )
      expect(again).toEqual([[], [], [], []])
      const next = yield* cadence.catchUp(installed + 41 * 86_400_000)
      expect(next.map(({ slot, missed }) => [slot, missed])).toContainEqual(["daily", 0])
    })))
  it("a slot that two look at in the same moment happens once", () =>
    run(Effect.gen(function* () {
      yield* founder
      const now = Math.max(at("2027-01-01T12:00"), Date.now() + 40 * 86_400_000)
      const both = yield* Effect.all([cadence.catchUp(now), cadence.catchUp(now)], {
        concurrency: "unbounded",
      })
      const happened = both.flat().map(({ slot, date }) => `${slot} ${date}`)
      expect(new Set(happened).size).toBe(happened.length)
      expect(happened.length).toBeGreaterThan(0)
    })))
})
