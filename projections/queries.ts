/**
 * What the front doors ask of the read models, in the shapes of aios.ts. Every query first brings the
 * read models to the log's head, and opens envelopes as it reads: what was forgotten is said to be so.
 */
import { Context, Effect, Layer } from "effect"
import { normaliseAddress } from "../actors/addresses.ts"
import { categoryOf, EventLog, keyOf, type LogUnavailable } from "../actors/event-log.ts"
import { Vault } from "../actors/vault.ts"
import type { Json, JsonObject, StateValue } from "../machines/agent.ts"
import { activities, type LedgerStatus } from "./activities.ts"
import { agents } from "./agents.ts"
import type { AgentRow, Approval, Brief, ReportRow } from "./aios.ts"
import { approvals } from "./approvals.ts"
import { gatherBrief, occasions, type Reading } from "./brief-gathered.ts"
import type { BriefDay, Occasion } from "./brief-sources.ts"
import { citesIn } from "./conversation-read.ts"
import { documents } from "./documents.ts"
import { listOf, numberOf, objectOf, sealedOf, textOf, textsOf } from "./fields.ts"
import { openedDeep } from "./opening.ts"
import { people } from "./people.ts"
import { ReadStore, ReadStoreUnavailable } from "./read-store.ts"
import { Recurrences } from "./recurrences.ts"
import { Projections, tableOf } from "./runner.ts"

/** An approval, decided or not. */
export interface ApprovalRecord extends Approval {
  readonly state: string
  /** Global id of the ask that waits, and the person concerned. */
  readonly ask: string
  readonly person?: string
  readonly decidedAt?: number
  readonly decision?: string
  readonly by?: string
  readonly reason?: string
  /** What became of it once carried out. */
  readonly outcome?: string
  /** Where the effect is now, such as `outbox/…`. */
  readonly where?: string
  /** The approval whose edited content this is, and the one that edits it in turn. */
  readonly edits?: string
  readonly editedBy?: string
  readonly regrettedAt?: number
  /** What took its place: an approval's id, an actor, or the type of an event. */
  readonly supersededBy?: string
}

export interface Person {
  readonly key: string
  /** Undefined where nothing names the person, or the person was forgotten. */
  readonly name?: string
  readonly address?: string
  readonly company?: string
  readonly mails: number
  readonly received: number
  readonly sent: number
  readonly firstAt?: number
  readonly lastAt?: number
  readonly lists: ReadonlyArray<string>
}

export interface LedgerEntry {
  readonly ask: string
  readonly stream: string
  readonly activity: string
  readonly status: LedgerStatus
  readonly askedAt: number
  readonly attempts: number
  readonly millis: number
  readonly cost: Json
  readonly approval?: string
  readonly outcome?: string
  readonly problem?: Json
  readonly events: ReadonlyArray<string>
}

type Trouble = LogUnavailable | ReadStoreUnavailable
type Ask<A> = Effect.Effect<A, Trouble>

export class Queries extends Context.Service<Queries, {
  /** Actors by `AGENT`, `AGENT/KEY` (or the start of a key), or all; `accepts` says what a state takes. */
  agents(
    filter: string | undefined,
    accepts: (stream: string, state: StateValue) => ReadonlyArray<string>,
  ): Ask<ReadonlyArray<AgentRow>>
  /** Those that await a decision, oldest first. */
  readonly approvals: Ask<ReadonlyArray<Approval>>
  /** All whose id starts with `prefix`, decided ones too. */
  approvalsNamed(prefix: string): Ask<ReadonlyArray<ApprovalRecord>>
  person(key: string): Ask<Person | undefined>
  readonly people: Ask<ReadonlyArray<Person>>
  /** The effect ledger, oldest first; of one stream or all. */
  ledger(stream?: string): Ask<ReadonlyArray<LedgerEntry>>
  brief(day: BriefDay): Ask<Brief>
  /** Meetings of the day of `from` (epoch ms) and the week after, in order. */
  meetings(from: number, timeZone: string): Ask<ReadonlyArray<Occasion>>
  /** The documents of the cadence, newest first; of one slot or all. */
  documents(slot?: string): Ask<ReadonlyArray<ReportRow>>
}>()("projections/Queries") {}

const optional = (name: string, value: unknown): JsonObject =>
  typeof value === "string" && value !== "" || typeof value === "number" ? { [name]: value } : {}

const makeQueries = Effect.gen(function* () {
  const store = yield* ReadStore
  const log = yield* EventLog
  const recurrences = yield* Recurrences
  const vault = yield* Vault
  const projections = yield* Projections

  const read = <A>(what: () => A): Ask<A> =>
    projections.catchUp.pipe(Effect.andThen(Effect.suspend(() => {
      try {
        return Effect.succeed(what())
      } catch (cause) {
        return cause instanceof ReadStoreUnavailable ? Effect.fail(cause) : Effect.die(cause)
      }
    })))

  const opened = (value: Json | undefined): Json => {
    const sealed = sealedOf(value)
    return sealed === undefined ? value ?? null : vault.open(sealed) ?? null
  }

  const approvalOf = (row: Json | undefined): ApprovalRecord => {
    const fields = objectOf(row)
    const content = openedDeep(vault, fields["content"] ?? null)
    const { made } = objectOf(content)
    const drafted = objectOf(fields["draft"])
    // What the founder wrote in its place rests on nothing of it.
    const draft = made === drafted["made"] ? drafted : {}
    const evidence = citesIn(opened(draft["cites"]))
    const refusedModel = textsOf(draft["refusedModel"])
    return {
      id: textOf(fields["id"]),
      agent: textOf(fields["stream"]),
      activity: textOf(fields["activity"]),
      risk: textOf(fields["risk"]),
      reasons: textsOf(fields["reasons"]),
      content,
      hash: textOf(fields["hash"]),
      events: textsOf(fields["events"]),
      requestedAt: numberOf(fields["requestedAt"]),
      grade: gradeOf(fields["grade"]),
      rule: textOf(fields["rule"]),
      ...optional("group", fields["group"]),
      state: textOf(fields["state"]),
      ask: textOf(fields["ask"]),
      ...optional("person", fields["person"]),
      ...optional("decidedAt", fields["decidedAt"]),
      ...optional("decision", fields["decision"]),
      ...optional("by", fields["by"]),
      ...optional("reason", textOf(opened(fields["reason"]))),
      ...optional("outcome", fields["outcome"]),
      ...optional("dueAt", fields["dueAt"]),
      ...optional("where", fields["where"]),
      ...optional("edits", fields["edits"]),
      ...optional("editedBy", fields["editedBy"]),
      ...optional("regrettedAt", fields["regrettedAt"]),
      ...optional("postponedUntil", fields["postponedUntil"]),
      ...optional("supersededBy", fields["supersededBy"]),
      ...(fields["became"] === "unknown" ? { unclear: true } : {}),
      ...optional("made", made),
      ...(evidence.length === 0 ? {} : { evidence }),
      ...(refusedModel.length === 0 ? {} : { refusedModel }),
    }
  }
  const plainApproval = (record: ApprovalRecord): Approval => {
    const { id, agent, activity, risk, reasons, content, hash, events, requestedAt } = record
    const { dueAt, evidence, grade, group, made, postponedUntil, refusedModel, rule, unclear } =
      record
    return {
      id,
      agent,
      activity,
      risk,
      reasons,
      content,
      hash,
      events,
      requestedAt,
      grade,
      rule,
      ...(group === undefined || unclear === true ? {} : { group }),
      ...(dueAt === undefined ? {} : { dueAt }),
      ...(postponedUntil === undefined ? {} : { postponedUntil }),
      ...(unclear === true ? { unclear } : {}),
      ...(made === undefined ? {} : { made }),
      ...(evidence === undefined ? {} : { evidence }),
      ...(refusedModel === undefined ? {} : { refusedModel }),
    }
  }
  const approvalTable = tableOf(approvals)

  const personOf = (key: string, row: Json): Person => {
    const fields = objectOf(row)
    const contact = objectOf(opened(fields["contact"]))
    const listing = objectOf(opened(fields["listing"]))
    const customer = objectOf(opened(fields["customer"]))
    const known = (name: string) =>
      textOf(contact[name]) || textOf(listing[name]) || textOf(customer[name])
    return {
      key,
      mails: numberOf(fields["mails"]),
      received: numberOf(fields["received"]),
      sent: numberOf(fields["sent"]),
      lists: textsOf(fields["lists"]),
      ...optional("name", known("name")),
      ...optional("address", known("address")),
      // Who pays under another name than their own is with a company.
      ...optional(
        "company",
        known("company") ||
          (textOf(customer["name"]) === known("name") ? "" : textOf(customer["name"])),
      ),
      ...optional("firstAt", fields["firstAt"]),
      ...optional("lastAt", fields["lastAt"]),
    }
  }

  /** Whom nothing but mail names, such as a newsletter, is called as the newest mail calls them. */
  const named = Effect.fnUntraced(function* (person: Person, row: Json) {
    const record = textOf(objectOf(row)["record"])
    if (person.name !== undefined || person.address !== undefined || record === "") return person
    const [event] = yield* log.readPage(record, { limit: 1 })
    const content = objectOf(opened(objectOf(event?.data)["content"]))
    const side = [content["from"], ...listOf(content["to"]), ...listOf(content["cc"])].map(objectOf)
      .find((one) => {
        const address = normaliseAddress(textOf(one["address"]))
        return address !== "" && vault.personKey(address) === person.key
      })
    return side === undefined ? person : {
      ...person,
      ...optional("name", side["name"]),
      ...optional("address", side["address"]),
    }
  })

  const agentRows = (filter: string | undefined) => {
    const table = tableOf(agents)
    if (filter === undefined || filter === "") return store.scan(table)
    const slash = filter.indexOf("/")
    const prefix = slash < 0 ? `${filter}-` : `${filter.slice(0, slash)}-${filter.slice(slash + 1)}`
    const exact = store.get(table, prefix)
    return exact === undefined ? store.scan(table, { prefix }) : [[prefix, exact] as const]
  }

  const reading: Reading = {
    store,
    read,
    opened,
    openedDeep: (value) => openedDeep(vault, value),
    approvalOf: (row) => {
      const approval = approvalOf(row)
      const { person } = approval
      return { ...plainApproval(approval), ...(person === undefined ? {} : { person }) }
    },
    personOf: (key) => {
      const row = store.get(tableOf(people), key)
      return row === undefined ? undefined : personOf(key, row)
    },
  }
  const here = <A, E>(effect: Effect.Effect<A, E, EventLog | Recurrences | Vault>) =>
    effect.pipe(
      Effect.provideService(EventLog, log),
      Effect.provideService(Recurrences, recurrences),
      Effect.provideService(Vault, vault),
    )

  return Queries.of({
    agents: (filter, accepts) =>
      read(() =>
        agentRows(filter).map(([stream, row]): AgentRow => {
          const fields = objectOf(row)
          const state = stateValueOf(fields["state"])
          return {
            agent: categoryOf(stream),
            key: keyOf(stream),
            state,
            status: textOf(fields["status"]),
            revision: numberOf(fields["revision"]),
            accepts: fields["status"] === "active" ? accepts(stream, state) : [],
          }
        })
      ),
    approvals: read(() =>
      store.scan(approvalTable, { prefix: "awaiting:" }).map(([, id]) =>
        plainApproval(approvalOf(store.get(approvalTable, `id:${textOf(id)}`)))
      )
    ),
    approvalsNamed: (prefix) =>
      read(() =>
        store.scan(approvalTable, { prefix: `id:${prefix}` }).map(([, row]) => approvalOf(row))
      ),
    person: (key) =>
      read(() => store.get(tableOf(people), key)).pipe(
        Effect.flatMap((row) =>
          row === undefined ? Effect.undefined : named(personOf(key, row), row)
        ),
      ),
    people: read(() => store.scan(tableOf(people))).pipe(
      Effect.flatMap(Effect.forEach(([key, row]) => named(personOf(key, row), row))),
    ),
    ledger: (stream) =>
      read(() =>
        store.scan(tableOf(activities), stream === undefined ? {} : { prefix: `${stream}/` })
          .filter(([key]) => !key.startsWith("gate:"))
          .map(([key, row]) => [key, objectOf(row)] as const)
          .sort(([, a], [, b]) => numberOf(a["position"]) - numberOf(b["position"]))
          .map(([key, row]): LedgerEntry => ledgerEntry(key, row))
      ),
    documents: (slot) =>
      read(() =>
        store.scan(tableOf(documents), slot === undefined ? {} : { prefix: `${slot}:` })
          .map(([, row]) => objectOf(row))
          .sort((a, b) => numberOf(b["at"]) - numberOf(a["at"]))
          .map((row): ReportRow => ({
            slot: textOf(row["slot"]),
            date: textOf(row["date"]),
            title: textOf(row["title"]),
            text: textOf(opened(row["text"])),
            figures: Object.fromEntries(
              Object.entries(objectOf(row["figures"])).map(([name, n]) => [name, numberOf(n)]),
            ),
            event: textOf(row["event"]),
          }))
      ),
    brief: (day) => here(gatherBrief(reading, day)),
    meetings: (from, timeZone) => here(occasions(reading, { to: from + 1, timeZone })),
  })
})

const ledgerEntry = (ask: string, row: JsonObject): LedgerEntry => ({
  ask,
  stream: textOf(row["stream"]),
  activity: textOf(row["activity"]),
  status: statusOf(row["status"]),
  askedAt: numberOf(row["askedAt"]),
  attempts: numberOf(row["attempts"]),
  millis: numberOf(row["millis"]),
  cost: row["cost"] ?? null,
  ...optional("approval", row["approval"]),
  ...optional("outcome", row["outcome"]),
  ...(row["error"] ?? row["reason"]) === undefined
    ? {}
    : { problem: row["error"] ?? row["reason"] ?? null },
  events: listOf(row["events"]).filter((one) => typeof one === "string"),
})

const gradeOf = (value: Json | undefined): Approval["grade"] =>
  value === "low" || value === "high" ? value : "normal"

const statuses: ReadonlyArray<LedgerStatus> = [
  "open",
  "gated",
  "started",
  "done",
  "failed",
  "skipped",
  "quarantined",
  "stopped",
]
const statusOf = (value: Json | undefined): LedgerStatus =>
  statuses.find((one) => one === value) ?? "open"

const stateValueOf = (value: Json | undefined): StateValue =>
  typeof value === "string" ? value : Object.fromEntries(
    Object.entries(objectOf(value)).map(([region, inner]) => [region, stateValueOf(inner)]),
  )

export const layer = Layer.effect(Queries, makeQueries)
