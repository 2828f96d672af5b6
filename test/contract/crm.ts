/** What every address book promises: contacts by address, one entry per key, nothing by a dry run. */
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Crm, type CrmCall } from "../../actors/crm.ts"

export interface Seen {
  readonly contacts: ReadonlyArray<Readonly<Record<string, string>>>
  readonly notes: ReadonlyArray<{ readonly address: string; readonly text: string }>
}
export interface Opened {
  readonly layer: Layer.Layer<Crm>
  /** Contacts with the fields of the port that are not empty, and notes, in order. */
  readonly seen: () => Seen
}

const at = Date.UTC(2026, 10, 24, 9)
const call = (key: string, more: Partial<CrmCall> = {}): CrmCall => ({ key, at, ...more })
const ada = { address: "ada@lumen.example", name: "Ada Weiss" }

export const crmContract = (name: string, open: () => Opened) => {
  const on = (
    test: (crm: Crm["Service"], seen: () => Seen) => Effect.Effect<void, unknown>,
  ) =>
  () => {
    const { layer, seen } = open()
    return Effect.runPromise(
      Effect.provide(Effect.flatMap(Crm, (crm) => test(crm, seen)), layer),
    )
  }

  describe(name, () => {
    it(
      "an address is one contact; absent fields stay as they were",
      on((crm, seen) =>
        Effect.gen(function* () {
          yield* crm.upsertContact({ ...ada, company: "Lumen", stage: "lead" }, call("a"))
          yield* crm.upsertContact({ address: "bo@x.example", name: "Bo" }, call("b"))
          yield* crm.upsertContact(
            { address: " ADA@Lumen.example ", name: "", phone: "+49 170 1", stage: "customer" },
            call("c"),
          )
          expect(seen().contacts).toEqual([
            { ...ada, company: "Lumen", phone: "+49 170 1", stage: "customer" },
            { address: "bo@x.example", name: "Bo" },
          ])
        })
      ),
    )
    it(
      "the same key again changes nothing, also after others",
      on((crm, seen) =>
        Effect.gen(function* () {
          const first = yield* crm.upsertContact({ ...ada, stage: "lead" }, call("a"))
          yield* crm.upsertContact({ ...ada, stage: "customer" }, call("b"))
          expect(yield* crm.upsertContact({ ...ada, stage: "lead" }, call("a"))).toEqual(first)
          expect(seen().contacts).toEqual([{ ...ada, stage: "customer" }])
        })
      ),
    )
    it(
      "notes are added once per key, also at the same time",
      on((crm, seen) =>
        Effect.gen(function* () {
          const note = { address: ada.address, text: "Written to, about: Sponsorship" }
          yield* Effect.all(Array.from({ length: 8 }, () => crm.addNote(note, call("n"))), {
            concurrency: "unbounded",
          })
          yield* crm.addNote({ ...note, text: "Second" }, call("m"))
          expect(seen().notes).toEqual([note, { ...note, text: "Second" }])
        })
      ),
    )
    it(
      "a dry run changes nothing",
      on((crm, seen) =>
        Effect.gen(function* () {
          const dry = call("a", { dryRun: true })
          expect(yield* crm.upsertContact(ada, dry)).toMatchObject({ dryRun: true })
          expect(yield* crm.addNote({ address: ada.address, text: "x" }, dry)).toMatchObject({
            dryRun: true,
          })
          expect(seen()).toEqual({ contacts: [], notes: [] })
          expect(yield* crm.upsertContact(ada, call("a"))).toMatchObject({ dryRun: false })
          expect(seen().contacts).toEqual([ada])
        })
      ),
    )
    it.each(["", "nobody", "a b@c.example"])(
      "%j is no address: nothing is entered",
      (address) =>
        on((crm, seen) =>
          Effect.gen(function* () {
            const failure = yield* Effect.flip(crm.upsertContact({ address, name: "A" }, call("a")))
            expect(failure).toMatchObject({ _tag: "CrmUnavailable", retryable: false })
            expect(seen()).toEqual({ contacts: [], notes: [] })
          })
        )(),
    )
  })
}
