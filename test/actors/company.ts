/** A company in memory for tests of import and routing: real parts, no files, a checkpoint that can be lost. */
import { Effect, Layer, Stream } from "effect"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as intake from "../../actors/intake.ts"
import { EventLog } from "../../actors/event-log.ts"
import type { ParsedMail, ParsedPerson, ParsedRecord } from "../../actors/intake.ts"
import { RecordReader } from "../../actors/record-reader.ts"
import * as router from "../../actors/router.ts"
import * as system from "../../actors/system.ts"
import { Vault } from "../../actors/vault.ts"
import * as blobs from "../../adapters/blob-store-memory.ts"
import * as log from "../log-memory.ts"
import * as readStore from "../../adapters/read-store-memory.ts"
import * as files from "../../adapters/records-files.ts"
import * as snapshots from "../../adapters/snapshot-store-memory.ts"
import * as vault from "../../adapters/vault-memory.ts"
import type { Agent } from "../../machines/agent.ts"
import { agents, journals } from "../../machines/mod.ts"
import * as openAsks from "../../projections/open-asks.ts"
import { projections } from "../../projections/mod.ts"
import * as runner from "../../projections/runner.ts"

export interface Marks {
  mark: router.RouterMark | undefined
}

/** `marks` is the router's checkpoint; setting it to undefined loses it. */
export const company = (
  marks: Marks = { mark: undefined },
  cast: ReadonlyArray<Agent> = agents,
) => {
  const base = Layer.mergeAll(log.layer, vault.layer, readStore.layer, snapshots.layer)
  const queue = openAsks.layer.pipe(Layer.provideMerge(runner.layer(projections)))
  const checkpoint = Layer.succeed(
    router.RouterCheckpoint,
    router.RouterCheckpoint.of({
      load: Effect.sync(() => marks.mark),
      save: (mark) => Effect.sync(() => void (marks.mark = mark)),
    }),
  )
  return Layer.mergeAll(intake.layer, router.layer).pipe(
    Layer.provideMerge(system.layer({ agents: cast, journals })),
    Layer.provideMerge(queue),
    Layer.provideMerge(Layer.mergeAll(blobs.layer, checkpoint)),
    Layer.provideMerge(base),
    Layer.provideMerge(files.layer),
  )
}

let mails = 0
/** A mail to the founder; say only what matters. */
export const aMail = (fields: Partial<ParsedMail> = {}): ParsedMail => {
  const n = ++mails
  return {
    record: "mail",
    digest: n.toString(16).padStart(64, "0"),
    messageId: `<${n}@client.example>`,
    inReplyTo: "",
    references: [],
    from: { name: "Ada Weiss", address: "Ada@Client.example" },
    to: [{ name: "Mara", address: "mara@northlight.example" }],
    cc: [],
    deliveredTo: [],
    subject: `Mail ${n}`,
    text: "How much does a website cost?",
    sentAt: Date.UTC(2026, 10, 1) + n * 60_000,
    labels: [],
    kind: "personal",
    attachments: [],
    source: { file: "mailbox.mbox", at: `byte ${n}` },
    ...fields,
  }
}

export const aPerson = (fields: Partial<ParsedPerson> = {}): ParsedPerson => ({
  record: "person",
  list: "linkedin",
  name: "Ada Weiss",
  address: "ada@client.example",
  company: "Client",
  position: "",
  phone: "",
  url: "",
  source: { file: "people.csv", at: "line 2" },
  ...fields,
})

/** All events of the log. */
export const everything = Effect.gen(function* () {
  return yield* (yield* EventLog).readAll({ limit: 100_000 })
})
export const leadOf = (address: string) =>
  Effect.map(Vault, (vault) => `lead-${vault.personKey(address)}`)

export const sampleRecords = Effect.gen(function* () {
  const here = dirname(fileURLToPath(import.meta.url))
  const all: Array<ParsedRecord> = []
  for (const name of ["leads-linkedin.csv", "leads-hubspot.csv", "mailbox.mbox"]) {
    const opened = yield* (yield* RecordReader).open(join(here, "../../sample", name))
    yield* Stream.runForEach(
      opened.records,
      (item) => Effect.sync(() => "record" in item && all.push(item.record)),
    )
  }
  return all
})
