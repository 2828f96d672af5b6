/** Taking records in: once each, sealed, in whatever order the files come. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { BlobStore, inlineBytesMax } from "../../actors/blob-store.ts"
import { Intake, type ParsedRecord } from "../../actors/intake.ts"
import { Vault } from "../../actors/vault.ts"
import { MailReceived } from "../../machines/record.ts"
import { seeded } from "../seeded.ts"
import { aMail, aPerson, company, everything, sampleRecords } from "./company.ts"

const { type: _, ...fields } = MailReceived.fields
const decodeMail = Schema.decodeUnknownSync(Schema.Struct(fields))
const accept = (batch: ReadonlyArray<ParsedRecord>) =>
  Effect.flatMap(Intake, (intake) => intake.accept(batch))
const streams = Effect.map(
  everything,
  (events) =>
    events.filter((event) => event.stream.startsWith("record-")).map((event) => event.stream),
)
const mailsIn = Effect.map(
  everything,
  (events) =>
    events.filter((event) => event.type === "MailReceived").map((event) => ({
      event,
      data: decodeMail(event.data),
    })),
)

describe("importing", () => {
  it.live("twice adds nothing, and nothing personal is in the log in plain", () =>
    Effect.gen(function* () {
      const records = yield* sampleRecords
      expect(yield* accept(records)).toMatchObject({ imported: 97, duplicates: 1, faults: [] })
      const before = yield* everything
      expect(yield* accept(records)).toMatchObject({ imported: 0, duplicates: 98, faults: [] })
      expect(yield* everything).toEqual(before)
      expect(JSON.stringify(before)).not.toMatch(/jonas|hafenwerk\.example|budget|almeida/i)
    }).pipe(Effect.provide(company())))

  it.live(
    "in any order, in batches of any size, gives the same set of records",
    () =>
      Effect.gen(function* () {
        const dice = seeded()
        const records = yield* sampleRecords
        yield* accept(records)
        const sorted = Effect.map(streams, (all) => all.toSorted())
        const once = yield* sorted
        for (let round = 0; round < 5; round++) {
          const shuffled = records.map((one) => ({ one, at: dice.below(1_000_000) }))
            .sort((a, b) => a.at - b.at).map(({ one }) => one)
          // The ids of people hang on the installation's secret: another one knows the same mails.
          const mails = shuffled.filter((one) => one.record === "mail")
          const elsewhere = yield* Effect.promise(() =>
            Effect.gen(function* () {
              for (let at = 0; at < mails.length;) {
                const size = 1 + dice.below(10)
                yield* accept(mails.slice(at, at + size))
                at += size
              }
              return yield* streams
            }).pipe(Effect.provide(company()), Effect.runPromise)
          )
          expect(elsewhere).toHaveLength(76)
          expect(elsewhere.every((stream) => once.includes(stream))).toBe(true)
          yield* accept(shuffled)
          expect(yield* sorted).toEqual(once)
        }
      }).pipe(Effect.provide(company())),
    60_000,
  )

  it.live("keeps a mail of the same Message-ID and other content, marked", () =>
    Effect.gen(function* () {
      const first = aMail({ messageId: "<same@a.example>", digest: "a".repeat(64) })
      const second = { ...first, digest: "b".repeat(64), text: "Other." }
      const third = { ...first, digest: "c".repeat(64), text: "Third." }
      expect(yield* accept([first, second, first])).toMatchObject({ imported: 2, duplicates: 1 })
      expect(yield* accept([third, second])).toMatchObject({ imported: 1, duplicates: 1 })
      const mails = yield* mailsIn
      const stream = mails[0]!.event.stream
      expect(mails.map(({ data }) => data.variantOf)).toEqual([undefined, stream, stream])
      expect(new Set(mails.map(({ event }) => event.id)).size).toBe(3)
    }).pipe(Effect.provide(company())))

  it.live("files large text and every attachment as blobs of the person", () =>
    Effect.gen(function* () {
      const content = new TextEncoder().encode("PDF")
      const text = "ä".repeat(inlineBytesMax)
      const attachments = [{ name: "Angebot.pdf", mediaType: "application/pdf", content }]
      yield* accept([aMail({ text, attachments }), aMail({ text: "x".repeat(inlineBytesMax) })])
      const [{ data }, small] = [(yield* mailsIn)[0]!, (yield* mailsIn)[1]!]
      const blobs = yield* BlobStore
      const key = (yield* Vault).personKey("ada@client.example")
      expect(data.person).toBe(key)
      expect(data.textBlob?.subject).toBe(key)
      expect(new TextDecoder().decode(yield* blobs.get(data.textBlob!))).toBe(text)
      expect(data.attachments.map((one) => one.mediaType)).toEqual(["application/pdf"])
      expect(yield* blobs.get(data.attachments[0]!.blob)).toEqual(content)
      expect(small.data.textBlob).toBeUndefined()
    }).pipe(Effect.provide(company())))

  it.live("corrects dates that cannot be and says so", () =>
    Effect.gen(function* () {
      const now = Date.now()
      const taken = yield* accept([
        aMail({ sentAt: now + 10 * 24 * 3600_000 }),
        aMail({ sentAt: -5 }),
        aMail({ sentAt: now + 3600_000 }),
      ])
      expect(taken.notes.map((one) => one.reason)).toEqual([
        expect.stringContaining("future"),
        expect.stringContaining("no usable date"),
      ])
      for (const { data, event } of (yield* mailsIn).slice(0, 2)) {
        expect(Math.abs(data.sentAt - now)).toBeLessThan(60_000)
        expect(event.metadata.occurredAt).toBeUndefined()
      }
    }).pipe(Effect.provide(company())))

  it.live("seals a mail under the other side, also the founder's own", () =>
    Effect.gen(function* () {
      const { personKey } = yield* Vault
      const mara = { name: "Mara", address: "mara@northlight.example" }
      const bob = { name: "Bob", address: "Bob@b.example" }
      const sent = { from: mara, to: [mara, bob], labels: ["Sent"] }
      yield* accept([aMail(sent), aMail({ from: mara, to: [mara], labels: ["Sent"] })])
      yield* accept([aMail({ from: mara, to: [bob] }), aMail({ from: { name: "", address: "" } })])
      const people = (yield* mailsIn).map(({ data }) => data.person)
      expect(people.slice(0, 2)).toEqual([personKey("bob@b.example"), personKey(mara.address)])
      expect(people[3]).toMatch(/^[0-9a-f]{32}$/)
    }).pipe(Effect.provide(company())))

  it.live("knows a person without address by profile, else by name and company", () =>
    Effect.gen(function* () {
      const bare = { address: "" }
      const rows = [
        aPerson({ ...bare, url: "https://www.l.example/in/ada/" }),
        aPerson({ ...bare, url: "http://l.example/in/ada", position: "Owner" }),
        aPerson(bare),
        aPerson({ ...bare, company: "Other" }),
        aPerson({ address: " ADA@client.example ", source: { file: "b.csv", at: "line 9" } }),
        aPerson(),
      ]
      expect(yield* accept(rows)).toMatchObject({ imported: 5, duplicates: 1 })
      const events = yield* everything
      const people = events.flatMap((event) =>
        event.type === "PersonListed" && event.data !== null && typeof event.data === "object" &&
          "person" in event.data
          ? [event.data.person]
          : []
      )
      expect(people[0]).toBe(people[1])
      expect(new Set(people).size).toBe(4)
    }).pipe(Effect.provide(company())))
})
