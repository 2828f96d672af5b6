/** Recall as the front doors ask for it, and the index behind it: what it leaves out, keeps and mends by itself. */
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { ActorSystem } from "../../actors/actor-system.ts"
import { BlobStore } from "../../actors/blob-store.ts"
import { Embedder, EmbedderUnavailable } from "../../actors/embedder.ts"
import { EventLog } from "../../actors/event-log.ts"
import { Recall } from "../../actors/recall.ts"
import { derivedId } from "../../actors/ids.ts"
import { Vault } from "../../actors/vault.ts"
import { Circuits } from "../../actors/circuits.ts"
import { hashed } from "../../adapters/embedder-hashing.ts"
import * as passagesInMemory from "../../adapters/passage-index-memory.ts"
import * as vectorsInMemory from "../../adapters/memory-store-memory.ts"
import { memoryPolicyDefault, memoryStream } from "../../machines/memory.ts"
import { Aios } from "../../projections/aios.ts"
import { MemoryIndex } from "../../projections/memory-index.ts"
import { makeWords } from "../../projections/memory-indexer-words.ts"
import { itemById } from "../../projections/memory-rows.ts"
import { MemoryStore, MemoryStoreUnavailable } from "../../projections/memory-store.ts"
import { PassageIndex } from "../../projections/passage-index.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { fused, isSame } from "../../projections/recall-search.ts"
import { Projections } from "../../projections/runner.ts"
import { aMail } from "../actors/company.ts"
import { refusalOf } from "./aios-house.ts"
import { memoryHouse, now, sampleImported } from "./memory-world.ts"

const day = 86_400_000

const index = Effect.gen(function* () {
  const found = yield* MemoryIndex
  return found ?? (yield* Effect.die(new Error("There is no index of memory")))
})
const mail = (name: string, subject: string, text: string, daysAgo = 1) =>
  aMail({
    from: { name, address: `${name.split(" ")[0]?.toLowerCase()}@x.example` },
    subject,
    text,
    sentAt: now - daysAgo * day,
  })
const taken = (...mails: ReadonlyArray<ReturnType<typeof mail>>) =>
  Effect.gen(function* () {
    const aios = yield* Aios
    yield* aios.intake(mails)
    yield* aios.settle(20_000)
    return aios
  })
/** One store for the index and for the test. */
const kept = vectorsInMemory.layer
/** Frozen by one test. */
const freezing = { on: false }
const freezes = Layer.succeed(
  Embedder,
  Embedder.of({
    model: "hashing",
    embed: (given) =>
      Effect.suspend(() => freezing.on ? Effect.never : Effect.succeed(given.map(hashed))),
  }),
)
/** Moved by one test. */
const stepped = { now }
const texts = (hits: ReadonlyArray<{ readonly text: string }>) => hits.map(({ text }) => text)

describe("the words", () => {
  it.live(
    "miss nothing that comes while they wait for the log",
    () =>
      Effect.gen(function* () {
        yield* taken(mail("Ada Weiss", "Lamps", "We have lamps for every shop window."))
        const log = yield* EventLog
        const store = yield* ReadStore
        const projections = yield* Projections
        const made = yield* Layer.build(Layer.fresh(passagesInMemory.layer))
        const passages = Context.get(made, PassageIndex)
        const late = mail("Bo Lund", "More lamps", "Another offer, cheaper.")
        const comes = Effect.provideContext(taken(late), yield* Effect.context<Aios>())
        let upTo = -1
        const words = yield* makeWords({
          log,
          opening: Effect.succeed({
            log,
            vault: yield* Vault,
            blobs: yield* BlobStore,
            timeZone: "UTC",
          }),
          index: passages,
          // As the read models were when they had caught up: what comes after that is in the log alone.
          store: {
            ...store,
            get: (table, key) =>
              (itemById(store, key.replace("item:", ""))?.position ?? -1) > upTo
                ? undefined
                : store.get(table, key),
          },
          projections: {
            ...projections,
            catchUp: Effect.tap(projections.catchUp, (head) => {
              upTo = head
              return Effect.ignore(comes)
            }),
          },
        })
        yield* words()
        yield* words()
        expect(passages.search({ words: "cheaper", limit: 9 })).toHaveLength(1)
      }).pipe(Effect.provide(memoryHouse())),
    60_000,
  )
})

describe("recall", () => {
  it.live(
    "names the mail that answers a question, its person and its line",
    () =>
      Effect.gen(function* () {
        const aios = yield* sampleImported
        const { hits, mode, notes, position } = yield* aios.recall(
          "what did Ada ask about sponsorships",
          { limit: 5 },
        )
        const hit = hits.find(({ source, text }) =>
          source?.file === "mailbox.mbox" && text.includes("What do two sponsorships")
        )
        expect(hit).toMatchObject({
          tier: "hot",
          person: "Ada Weiss",
          what: "mail",
          kind: "person",
        })
        expect([mode, notes]).toEqual(["hybrid", []])
        expect(position).toBe(yield* (yield* EventLog).head)
        expect((yield* aios.why(hit?.events[0] ?? "")).causes.length).toBeGreaterThan(0)
        for (const [n, { score }] of hits.entries()) {
          expect(score).toBeGreaterThan(0)
          expect(score).toBeLessThanOrEqual(hits[n - 1]?.score ?? 1)
        }
      }).pipe(Effect.provide(memoryHouse())),
    60_000,
  )

  it.live(
    "answers again what was asked before, until something new is remembered",
    () =>
      Effect.gen(function* () {
        const aios = yield* taken(
          mail("Ada Weiss", "Lamps", "We have lamps for every shop window."),
        )
        const first = yield* aios.recall("lamps for a window", {})
        expect(first).toMatchObject({ cached: false })
        expect(yield* aios.recall("  Lamps for a WINDOW?", {})).toEqual({ ...first, cached: true })
        expect((yield* aios.recall("lamps for a window", { limit: 1 })).cached).toBe(false)
        yield* taken(mail("Bo Lund", "More lamps", "Another offer of lamps for windows, cheaper."))
        const second = yield* aios.recall("lamps for a window", {})
        expect(second.cached).toBe(false)
        expect(second.hits.length).toBe(first.hits.length + 1)
      }).pipe(Effect.provide(memoryHouse())),
    60_000,
  )

  it.live(
    "tells what the log knew then, of one person, within a budget, each thing once",
    () =>
      Effect.gen(function* () {
        const aios = yield* taken(
          mail("Ada Weiss", "Kiln", "The kiln is 900 EUR, said the potter."),
        )
        stepped.now += day
        yield* taken(
          mail("Bo Lund", "Kiln", "My kiln costs 700 EUR, and it is a good kiln."),
          mail("Ada Weiss", "Fwd: Kiln", "The kiln is 900 EUR, said the potter.", 0.5),
        )
        expect((yield* aios.recall("kiln", {})).hits).toHaveLength(2)
        const then = yield* aios.recall("kiln", { at: now + 1_000 })
        expect(texts(then.hits)).toEqual([expect.stringContaining("900 EUR")])
        expect((yield* aios.recall("kiln", { at: now - day })).hits).toEqual([])
        const hers = yield* aios.recall("kiln", { person: "bo@x.example" })
        expect(hers.hits.map(({ person }) => person)).toEqual(["Bo Lund"])
        const short = yield* aios.recall("kiln", { tokensMax: 30 })
        expect(short.hits).toHaveLength(1)
        const deep = yield* aios.recall("kiln", { deep: true })
        expect(deep.mode).toBe("deep")
        expect(new Set(texts(deep.hits)).size).toBe(2)
      }).pipe(Effect.provide(memoryHouse({ clock: stepped }))),
    60_000,
  )
  it.live("refuses what it cannot answer, and says what to do", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      expect((yield* refusalOf(aios.recall("  ", {}))).message).toContain("Say what to recall")
      expect((yield* refusalOf(aios.recall("a", { limit: 0 }))).message).toContain("--limit")
      expect((yield* refusalOf(aios.recall("a", { person: "nobody" }))).error).toBe(
        "PersonNotFound",
      )
      expect((yield* aios.recall("anything at all", {})).hits).toEqual([])
    }).pipe(Effect.provide(memoryHouse())))

  it.live("spam and forged mail come last, and are cold", () =>
    Effect.gen(function* () {
      const spam = {
        ...mail("Sam Spam", "Prize of lamps", "lamps lamps lamps lamps"),
        labels: ["Spam"],
      }
      const aios = yield* taken(
        spam,
        mail("Ada Weiss", "A lamp", "One lamp, and a long text about other things."),
      )
      const { hits } = yield* aios.recall("lamps", {})
      expect(hits.map(({ person, tier }) => [person, tier])).toEqual([
        ["Ada Weiss", "hot"],
        ["Sam Spam", "cold"],
      ])
    }).pipe(Effect.provide(memoryHouse())))

  it.live("those who draft get the same, and the texts of records", () =>
    Effect.gen(function* () {
      yield* taken(
        mail(
          "Ada Weiss",
          "Lamps",
          "We have lamps.\n\nOn Mon, Bo <b@x.example> wrote:\n> old words",
        ),
      )
      const recall = yield* Recall
      const [memory] = yield* recall.search({ about: "lamps" })
      expect(memory).toMatchObject({ tier: "hot", what: "mail" })
      const [event] = yield* (yield* EventLog).byId(memory?.events[0] ?? "")
      expect(yield* recall.texts([event?.stream ?? "", "record-none"])).toMatchObject([
        { event: event?.id, subject: "Lamps", text: "We have lamps." },
      ])
    }).pipe(Effect.provide(memoryHouse())))
})

describe("recall by words alone", () => {
  it.live(
    "always says why: also where the vectors are gone, asked for one person, and the second time",
    () =>
      Effect.gen(function* () {
        const aios = yield* taken(mail("Ada Weiss", "Lamps", "We have lamps for every window."))
        yield* (yield* index).vectors(5_000)
        expect(yield* aios.recall("lamps", {})).toMatchObject({ mode: "hybrid", notes: [] })
        yield* (yield* MemoryStore).clear("hashing")
        for (const about of ["lamps here", "lamps there", "lamps"]) {
          for (const options of [{}, { person: "ada@x.example" }, {}]) {
            const { mode, notes } = yield* aios.recall(about, { ...options, limit: 3 })
            if (mode === "lexical") expect(notes).toHaveLength(1)
          }
        }
      }).pipe(Effect.provide(Layer.provideMerge(memoryHouse({ vectors: kept }), kept))),
    60_000,
  )

  it.live(
    "an embedder that froze holds up one answer for three seconds, and no further one",
    () =>
      Effect.gen(function* () {
        const aios = yield* taken(mail("Ada Weiss", "Lamps", "We have lamps for every window."))
        yield* (yield* index).vectors(5_000)
        expect((yield* aios.recall("lamps", {})).mode).toBe("hybrid")
        freezing.on = true
        const circuits = yield* Circuits
        yield* circuits.probe("embedder", Effect.never)
        const timed = (about: string) =>
          Effect.gen(function* () {
            const from = Date.now()
            const { mode, notes } = yield* aios.recall(about, {})
            expect(mode).toBe("lexical")
            expect(notes).toHaveLength(1)
            return Date.now() - from
          })
        expect(yield* timed("lamps a")).toBeLessThan(3_900)
        yield* Effect.sleep(2_500)
        const states = yield* circuits.states
        expect(states.find(({ service }) => service === "embedder")).toMatchObject({ open: true })
        expect(yield* timed("lamps b")).toBeLessThan(1_000)
        freezing.on = false
      }).pipe(Effect.provide(memoryHouse({ embedder: freezes }))),
    60_000,
  )
})

describe("the index", () => {
  it.live(
    "lost vectors and foreign ones are mended by a process that stays",
    () =>
      Effect.gen(function* () {
        const store = yield* MemoryStore
        yield* taken(
          mail("Ada Weiss", "Lamps", "We have lamps."),
          mail("Bo Lund", "Boats", "We have boats."),
        )
        const ids = [...yield* store.ids("hashing")].sort()
        expect(ids).toHaveLength(2)
        yield* store.clear("hashing")
        const foreign = {
          id: "foreign",
          vector: hashed("x"),
          kind: "person",
          tier: "hot",
          at: 1,
          position: 1,
        } as const
        yield* store.upsert("hashing", [foreign])
        yield* Effect.forkChild((yield* index).run)
        for (let n = 0; n < 100 && (yield* store.ids("hashing")).length !== 2; n++) {
          yield* Effect.sleep(50)
        }
        yield* Effect.sleep(200)
        expect([...yield* store.ids("hashing")].sort()).toEqual(ids)
      }).pipe(Effect.provide(shared())),
    60_000,
  )
  /** The store is at hand, to be tampered with. */
  const shared = () => {
    const store = vectorsInMemory.layer
    return Layer.provideMerge(memoryHouse({ vectors: store }), store)
  }

  it.live("without a model words go on, and vectors catch up by themselves", () => {
    const model = { down: true }
    const embedder = Layer.succeed(
      Embedder,
      Embedder.of({
        model: "hashing",
        embed: (given) =>
          model.down
            ? Effect.fail(
              new EmbedderUnavailable({ reason: "noModel", message: "no files", retryable: false }),
            )
            : Effect.succeed(given.map(hashed)),
      }),
    )
    return Effect.gen(function* () {
      const aios = yield* taken(mail("Ada Weiss", "Lamps", "We have lamps."))
      const first = yield* aios.recall("lamps", {})
      expect(first).toMatchObject({ mode: "lexical", hits: [{ person: "Ada Weiss" }] })
      expect(first.notes.join()).toContain("aios models pull")
      expect((yield* (yield* index).state).waiting).toBe(1)
      model.down = false
      yield* taken(mail("Bo Lund", "Boats", "We have boats."))
      expect(yield* (yield* index).state).toMatchObject({ waiting: 0, vectors: 2 })
      expect(yield* aios.recall("lamps", {})).toMatchObject({ mode: "hybrid", notes: [] })
    }).pipe(Effect.provide(memoryHouse({ embedder })))
  }, 60_000)

  it.live("without a model the note gives one fix, also while the embedder is left alone", () => {
    const message = "The model is missing. Fetch it: aios models pull"
    const embedder = Layer.succeed(
      Embedder,
      Embedder.of({
        model: "hashing",
        embed: () =>
          Effect.fail(new EmbedderUnavailable({ reason: "noModel", message, retryable: false })),
      }),
    )
    return Effect.gen(function* () {
      const circuits = yield* Circuits
      const aios = yield* taken(mail("Ada Weiss", "Lamps", "We have lamps."))
      const state = Effect.map(
        circuits.states,
        (states) => states.find(({ service }) => service === "embedder"),
      )
      const notes = Effect.fnUntraced(function* (words: string) {
        for (let n = 0; n < 4; n++) {
          expect((yield* aios.recall(`${words} ${n}`, {})).notes)
            .toEqual(["By words only: no model is here that finds by meaning: aios models pull"])
        }
      })
      // It answers, and says that it has none: only a probe that says the same is a reason to leave it alone.
      yield* notes("lamps")
      expect(yield* state).toMatchObject({ open: false })
      yield* circuits.probe("embedder", Effect.fail({ message, trouble: "noModel" }))
      yield* notes("our lamps")
      expect(yield* state).toMatchObject({ open: true, trouble: "noModel" })
    }).pipe(Effect.provide(memoryHouse({ embedder })))
  }, 60_000)

  it.live("a store that fails leaves words alone", () => {
    const fails = Effect.fail(
      new MemoryStoreUnavailable({ reason: "absent", message: "gone", retryable: true }),
    )
    const vectors = Layer.succeed(
      MemoryStore,
      MemoryStore.of({
        count: () => fails,
        upsert: () => fails,
        remove: () => fails,
        query: () => fails,
        ids: () => fails,
        clear: () => fails,
      }),
    )
    return Effect.gen(function* () {
      const aios = yield* taken(mail("Ada Weiss", "Lamps", "We have lamps."))
      expect(yield* aios.recall("lamps", {})).toMatchObject({ mode: "lexical", hits: [{}] })
      expect((yield* aios.recall("lamps", {})).notes.join()).toContain("aios doctor")
    }).pipe(Effect.provide(memoryHouse({ vectors })))
  }, 60_000)

  it.live(
    "evicted items leave the vectors and are found by words still",
    () =>
      Effect.gen(function* () {
        const store = yield* MemoryStore
        const aios = yield* taken(
          mail("Ada Weiss", "Lamps", "We have lamps."),
          mail("Bo Lund", "Boats", "We have boats."),
        )
        const [lamps] = (yield* aios.recall("lamps", {})).hits
        const id = lamps?.events[0] ?? ""
        expect(yield* store.ids("hashing")).toContain(id)
        const evict = {
          evict: [id],
          because: {},
          kept: 1,
          spared: 0,
          more: false,
          policy: 1,
          recall: [],
        }
        const log = yield* EventLog
        const revision = (yield* log.readPage(memoryStream)).length
        // As the memory's agent would record it.
        yield* log.append(memoryStream, revision - 1, [{
          id: derivedId("an eviction"),
          type: "ActivitySucceeded",
          data: { ask: "0.0", output: evict },
          metadata: { at: now, $correlationId: derivedId("an eviction") },
        }])
        yield* (yield* index).words()
        yield* (yield* index).vectors(5_000)
        expect(yield* store.ids("hashing")).not.toContain(id)
        expect((yield* aios.recall("lamps", {})).hits[0]).toMatchObject({
          tier: "cold",
          events: [id],
        })
      }).pipe(Effect.provide(shared())),
    60_000,
  )

  it.live("is the same when it is made anew", () =>
    Effect.gen(function* () {
      const aios = yield* sampleImported
      const steps: Array<string> = []
      const { projections } = yield* aios.rebuild("memory", ({ what }) => steps.push(what))
      expect(projections).toMatchObject([{ name: "memory", equal: true }])
      expect(new Set(steps)).toEqual(new Set(["words of memory", "vectors of memory"]))
      expect((yield* refusalOf(aios.rebuild("nothing", () => {}))).message).toContain("memory")
    }).pipe(Effect.provide(memoryHouse())), 60_000)

  it.live("asks for an eviction once per overrun", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const log = yield* EventLog
      const hot = { ...memoryPolicyDefault.hot, itemsMax: 1 }
      yield* system.propose(memoryStream, {
        type: "MemoryPolicyChosen",
        policy: { ...memoryPolicyDefault, version: 2, hot },
      })
      yield* taken(
        mail("Ada Weiss", "Lamps", "We have lamps."),
        mail("Bo Lund", "Boats", "We have boats."),
      )
      yield* (yield* Aios).settle(1_000)
      yield* (yield* Aios).settle(1_000)
      const asked = (yield* log.readPage(memoryStream)).filter(({ type }) =>
        type === "EvictionRequested"
      )
      expect(asked).toHaveLength(1)
    }).pipe(Effect.provide(memoryHouse())), 60_000)
})

describe("what joins two lists", () => {
  it("puts first what is high in both, and sees near-same texts", () => {
    const scores = fused(["a", "b", "c"], ["c", "b", "d"], 1)
    const ranked = [...scores].sort(([, x], [, y]) => y - x).map(([id]) => id)
    expect(new Set(ranked.slice(0, 2))).toEqual(new Set(["b", "c"]))
    expect(ranked.slice(2)).toEqual(["a", "d"])
    const words = (text: string) => new Set(text.split(" "))
    expect(isSame(words("a b c d e f g"), words("a b c d e f g h"))).toBe(true)
    expect(isSame(words("a b c d e f g"), words("a b c d x y z"))).toBe(false)
    expect(isSame(words("thank you"), words("thank you"))).toBe(false)
  })
})
