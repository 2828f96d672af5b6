/**
 * `Aios` in the process that owns the log. Reading operations read; of the others each does what it
 * says and leaves the rest to `settle`, which routes what was taken in and works it off.
 */
import { Clock, DateTime, Effect, Layer, Option, Stream } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { Circuits } from "../actors/circuits.ts"
import type { BlobStore } from "../actors/blob-store.ts"
import { catchUp, instantOf } from "../actors/cadence.ts"
import { DiskSpace, roomForImports } from "../actors/disk-space.ts"
import { EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { Intake } from "../actors/intake.ts"
import { acceptsIn } from "../actors/kernel.ts"
import type { Mailer } from "../actors/mailer.ts"
import { registryOf } from "../actors/registry.ts"
import { replay } from "../actors/replay.ts"
import { Router } from "../actors/router.ts"
import { currentSettings } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import type { Json, StateValue } from "../machines/agent.ts"
import { agents, journals } from "../machines/mod.ts"
import { SettingsRecorded, settingsStream } from "../machines/settings.ts"
import { Aios, type Check } from "./aios.ts"
import { costs, modelPolicy, transcripts } from "./aios-costs.ts"
import { approve, approveGroup, later, preview, reject } from "./aios-decisions.ts"
import { edit } from "./aios-edits.ts"
import { door, failureOf, refuse } from "./aios-failures.ts"
import { backup, backupDone, blob, exported } from "./aios-kept.ts"
import { archive, restoreSegment, segments } from "./aios-archive.ts"
import { history } from "./aios-history.ts"
import { memoryState } from "./aios-memory-state.ts"
import { summarise } from "./aios-night.ts"
import { memoryPolicy } from "./aios-policy.ts"
import { summaries, withdrawSummary } from "./aios-summaries.ts"
import { done } from "./aios-done.ts"
import { paid } from "./aios-paid.ts"
import { rebuild, settled } from "./aios-rebuild.ts"
import { recall } from "./aios-recall.ts"
import { review } from "./aios-review.ts"
import { checkOf, type Look, missingOf, servicesOf } from "./aios-services.ts"
import { resolve, unclear } from "./aios-settle.ts"
import { undo } from "./aios-undo.ts"
import { whyNot } from "./aios-why-not.ts"
import { why } from "./aios-why.ts"
import { models, people, propose, reports, rows, view } from "./aios-views.ts"
import { ProcessesBeside } from "./processes-beside.ts"
import { workerChecks } from "./claims.ts"
import { LogDoor } from "./log-door.ts"
import { Queries } from "./queries.ts"
import { adviceWords } from "./service-words.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"

/** What is due when a brief is asked for gets this long. */
const briefMillisMax = 60_000
const eventsDefault = 1_000
/** A read model this far behind is worth a word. */
const lagMillisMax = 60_000

/** The local date of an instant, `2026-11-24`. */
const dateIn = (at: number, timeZone: string): string =>
  DateTime.formatIsoDate(DateTime.makeZonedUnsafe(at, { timeZone }))

const dayAfter = (date: string, days: number): string =>
  DateTime.formatIsoDate(DateTime.add(DateTime.makeUnsafe(`${date}T00:00:00Z`), { days }))

const make = Effect.gen(function* () {
  const system = yield* ActorSystem
  const log = yield* EventLog
  const intake = yield* Intake
  const router = yield* Router
  const queries = yield* Queries
  const projections = yield* Projections
  const beside = yield* Effect.serviceOption(ProcessesBeside)
  const logDoor = Option.match(yield* Effect.serviceOption(LogDoor), {
    onNone: () => refuse("failed", "NoDoor", "This AIOS has no door for clients of its log."),
    onSome: Effect.succeed,
  })
  const registry = registryOf(agents, journals)
  const services = yield* Effect.context<
    | ActorSystem
    | BlobStore
    | EventLog
    | Vault
    | Queries
    | ReadStore
    | Projections
    | Mailer
  >()
  const here = Effect.provideContext(services)
  const settings = currentSettings.pipe(here, door)

  const accepted = new Map<string, ReadonlyArray<string>>()
  const accepts = (stream: string, state: StateValue): ReadonlyArray<string> => {
    const chart = registry.find(stream)?.chart
    if (chart === undefined) return []
    const key = `${chart.ref.hash} ${JSON.stringify(state)}`
    const known = accepted.get(key) ?? acceptsIn(chart, state)
    accepted.set(key, known)
    return known
  }

  /** A mistyped agent is told, not answered with nothing. */
  const known = (filter: string | undefined) =>
    filter === undefined || registry.find(`${filter.split("/")[0]}-`) !== undefined
      ? Effect.void
      : refuse(
        "usage",
        "UnknownAgent",
        `There is no agent ${filter.split("/")[0]}. There are ${
          agents.map(({ name }) => name).join(", ")
        }.`,
      )
  const noActor = (filter: string) =>
    refuse(
      "failed",
      "UnknownActor",
      `There is no ${filter}. aios agents ${filter.split("/")[0]} shows which there are.`,
    )

  const settle = (millisMax: number) =>
    millisMax <= 0 ? system.remaining : Effect.gen(function* () {
      yield* door(router.routeUpTo())
      const remaining = yield* door(system.settle(millisMax))
      yield* here(settled(millisMax))
      return remaining
    })

  const configure = Effect.fnUntraced(function* (patch: { readonly [name: string]: Json }) {
    const unknown = Object.keys(patch).filter((name) => !(name in SettingsRecorded.fields))
    if (unknown.length > 0 || "type" in patch) {
      return yield* refuse(
        "usage",
        "InvalidValue",
        `No setting is called ${unknown.join(", ") || "type"}. aios settings shows them all.`,
      )
    }
    const now = yield* settings
    const before: { readonly [name: string]: unknown } = { ...now }
    const changed = Object.entries(patch).filter(([name, value]) =>
      // A default that is said is a word of its own.
      now.missing.includes(name) || JSON.stringify(before[name]) !== JSON.stringify(value)
    )
    if (changed.length === 0) return now
    yield* door(
      system.record(settingsStream, {
        type: "SettingsRecorded",
        ...Object.fromEntries(changed),
      }, { actor: "operator" }),
    )
    // What could not be drafted for want of a fact is tried again now that there is news.
    const works = yield* door(queries.agents("executor", () => []))
    for (const { key, state } of works) {
      if (state !== "blocked") continue
      yield* door(system.propose(`executor-${key}`, { type: "WorkRetried" }))
    }
    return yield* settings
  })

  const circuits = Option.getOrUndefined(yield* Effect.serviceOption(Circuits))
  const standing = (which: Look) => here(servicesOf(circuits, which))

  const brief = Effect.fnUntraced(function* (asked: string | undefined) {
    const now = yield* Clock.currentTimeMillis
    if (asked === undefined) {
      yield* settle(briefMillisMax)
      yield* here(door(catchUp(now)))
      yield* settle(briefMillisMax)
    }
    const { briefAt, missing, timeZone } = yield* settings
    const today = dateIn(now, timeZone)
    if (asked !== undefined && asked > today) {
      return yield* refuse("usage", "InvalidValue", `${asked} is still to come; today is ${today}.`)
    }
    const date = asked ?? today
    const end = instantOf(dayAfter(date, 1), "00:00", timeZone)
    // How things stand is told of the present only. What was never there is looked for: it may have come.
    const rows = date === today ? yield* standing(asked === undefined ? "untried" : "none") : []
    const advice = adviceWords(missingOf(rows))
    return yield* door(queries.brief({
      date,
      since: instantOf(dayAfter(date, -1), briefAt, timeZone),
      // What happened in this very millisecond counts. A past day is told at its last moment.
      to: Math.min(now + 1, end - 1),
      timeZone,
      missing,
      parked: (yield* system.remaining).parked,
      fixes: yield* Effect.match(roomForImports(yield* DiskSpace), {
        onFailure: ({ message }) => [{ what: message, fix: "aios doctor" }],
        onSuccess: () => [],
      }),
      ...(advice === undefined ? {} : { advice: [advice] }),
    }))
  })

  /** Events of one stream after a position, or of all. */
  const after =
    (options: { readonly stream?: string; readonly after?: number }) =>
    (event: RecordedEvent): boolean => event.position > (options.after ?? -1)

  const doctor = Effect.gen(function* () {
    const checks: Array<Check> = []
    const head = yield* door(log.head)
    checks.push(fine("log", head < 0 ? "empty" : `opens; last position ${head}`))
    const { missing } = yield* settings
    checks.push(
      missing.length === 0 ? fine("settings", "complete") : {
        name: "settings",
        ok: false,
        detail: `missing: ${missing.join(", ")}; without it nothing is drafted`,
        fix: "aios settings says how to set them",
      },
    )
    for (const lag of yield* door(projections.lag)) {
      const name = `read model ${lag.name}`
      checks.push(
        lag.problem !== undefined
          ? { name, ok: false, detail: lag.problem, fix: `aios rebuild ${lag.name}` }
          : lag.millis > lagMillisMax
          ? {
            name,
            ok: false,
            detail: `${lag.head - lag.position} positions behind`,
            fix: `aios rebuild ${lag.name}`,
          }
          : fine(name, `version ${lag.version}, ${lag.events} events`),
      )
    }
    const remaining = yield* system.remaining
    const open = (yield* door(queries.ledger())).filter((one) => one.status === "quarantined")
    checks.push(
      open.length === 0 ? fine("outcomes", "all known") : {
        name: "outcomes",
        ok: false,
        detail: `nobody knows whether this happened: ${
          open.map((one) => `${one.activity} (${one.ask})`).join(", ")
        }`,
        fix:
          `Look whether it did, then: aios settle ${open[0]!.ask} --happened, or --did-not-happen` +
          (open.length > 1 ? "; for all that did not: aios settle --all --did-not-happen" : ""),
      },
    )
    checks.push(
      remaining.parked === 0 ? fine("agents", "none parked") : {
        name: "agents",
        ok: false,
        detail: `${remaining.parked} stand still after a defect; the others go on`,
        fix: "aios replay names them; mend the chart, then start again",
      },
    )
    checks.push(...yield* here(workerChecks(remaining.interactive + remaining.batch)))
    checks.push(...(yield* standing("all")).map(checkOf))
    if (Option.isSome(beside)) checks.push(...yield* beside.value.checks)
    return { ok: checks.every((check) => check.ok), checks }
  })

  return Aios.of({
    settings,
    configure,
    intake: (batch) =>
      door(intake.accept(batch)).pipe(Effect.map(({ duplicates, faults, imported }) => ({
        imported,
        duplicates,
        faults: faults.map(({ reason, source }) => ({ at: source.at, reason })),
      }))),
    settle,
    brief,
    approvals: door(queries.approvals),
    approve: (id) => here(approve(id)),
    reject: (id, reason) => here(reject(id, reason)),
    agents: (filter) =>
      Effect.gen(function* () {
        yield* known(filter)
        const rows = yield* door(queries.agents(filter, accepts))
        if (filter?.includes("/") === true && rows.length === 0) return yield* noActor(filter)
        return rows
      }),
    events: (options) => {
      const limit = options.limit ?? eventsDefault
      return options.stream === undefined
        ? door(log.readAll({ from: (options.after ?? -1) + 1, limit }))
        : door(
          log.read(options.stream).pipe(
            Stream.filter(after(options)),
            Stream.take(limit),
            Stream.runCollect,
          ),
        )
    },
    follow: (options) => {
      const all = log.follow(options.after ?? -1).pipe(
        Stream.mapError(failureOf),
        Stream.flatMap((page) => Stream.fromIterable(page)),
      )
      return options.stream === undefined
        ? all
        : Stream.filter(all, (event) => event.stream === options.stream)
    },
    serveLog: (secure) =>
      Stream.unwrap(
        Effect.map(
          Effect.flatMap(logDoor, (door) => door.hold(secure)),
          (socket) => Stream.concat(Stream.succeed(socket), Stream.never),
        ),
      ),
    logUsers: (change) => Effect.flatMap(logDoor, (door) => door.users(change)),
    replay: (filter, progress) =>
      Effect.gen(function* () {
        yield* known(filter)
        const replayed = yield* here(
          door(replay(registry, filter, (actors, events) =>
            progress({ what: `${actors} actors`, done: events, total: 0 }))),
        )
        if (filter?.includes("/") === true && replayed.events === 0) {
          return yield* noActor(filter)
        }
        return replayed
      }),
    rebuild: (projection, progress) =>
      Effect.map(here(rebuild(projection, progress)), (rebuilt) => ({ projections: rebuilt })),
    doctor,
    unclear: here(unclear),
    resolve: (which, happened) => here(resolve(which, happened)),
    approveGroup: (group, ids) => here(approveGroup(group, ids)),
    preview: (id) => here(preview(id)),
    edit: (id, patch) => here(edit(id, patch)),
    later: (id, until) => here(later(id, until)),
    undo: (id) => here(undo(id)),
    paid: (invoice, payment) => here(paid(invoice, payment)),
    done: (person) => here(done(person)),
    review: (article, verdict) => here(review(article, verdict)),
    why: (id) => here(why(id)),
    whyNot: (agent) => here(whyNot(agent, registry)),
    history: (person) => here(history(person)),
    view: (stream) => here(view(stream)),
    propose: (stream, event, options) => here(propose(stream, event, options)),
    rows: (projection, options) => here(rows(projection, options)),
    projections: here(models),
    people: (filter) => here(people(filter)),
    reports: (slot) => here(reports(slot)),
    backup: (progress) => here(backup(progress)),
    backupDone: (folder) => here(backupDone(folder)),
    exported: (options) => here(exported(options)),
    blob: (ref) => here(blob(ref)),
    recall: (question, options) => here(recall(question, options)),
    costs: (options) => here(costs(options)),
    memory: here(memoryState),
    summaries: (state) => here(summaries(state)),
    withdrawSummary: (id, reason) => here(withdrawSummary(id, reason)),
    summarise: (progress) => here(summarise(progress)),
    memoryPolicy: (patch, apply) => here(memoryPolicy(patch, apply)),
    archive: (options, progress) => here(archive(options, progress)),
    segments: here(segments),
    restoreSegment: (segment, progress) => here(restoreSegment(segment, progress)),
    services: standing("none"),
    modelPolicy: (patch) => here(modelPolicy(patch)),
    transcripts: (event) => here(transcripts(event)),
  })
})

const fine = (name: string, detail: string): Check => ({ name, ok: true, detail, fix: "" })

export const layer = Layer.effect(Aios, make)
