/**
 * Tells the agents concerned what was imported: it reads the records in the log and proposes events to
 * leads under derived ids, in the order in which things happened, for an export is in no order at all.
 * Its checkpoint is a shortcut only: losing it changes nothing.
 */
import { Clock, Context, Effect, Layer, Semaphore, Stream } from "effect"
import { settingsStream } from "../machines/settings.ts"
import { ActorSystem, type Refusal, type SystemClosed } from "./actor-system.ts"
import { OwnAddressEvidence } from "./addresses.ts"
import type { BlobsUnavailable } from "./blob-store.ts"
import { EventLog, type LogUnavailable, type RecordedEvent } from "./event-log.ts"
import { derivedId } from "./ids.ts"
import { isRouted, makeRecordRoutes } from "./record-routes.ts"
import type { Ground } from "./routes.ts"
import { currentSettings, ownAddresses, type Settings } from "./settings.ts"
import { Vault, type VaultUnavailable } from "./vault.ts"

/** Events read from the log at once. */
const pageEventsMax = 200
/** Records put in order at once: so many places in the log are remembered, not their content. */
const windowRecordsMax = 200_000
/** Records whose routes are proposed at the same time, so that they share commits. */
const recordsAtOnceMax = 256
/** When the founder's working day ends, where the settings do not say. */
const dayEndsAtDefault = "18:00"
/**
 * An actor that starts as of now starts a moment before: what is due at once is due when all of an
 * import was told, and not in between.
 */
const headStartMillis = 1_000
/** A record's own stream holds the record and the refusals of its routes. */
const recordEventsMax = 50

export type RouteFailed = LogUnavailable | VaultUnavailable | BlobsUnavailable | SystemClosed

/** Up to where records were routed; `id` tells whether it is still the same log. */
export interface RouterMark {
  readonly position: number
  /** Id of the event at `position`. */
  readonly id: string
}

/** Port: keeps the router's checkpoint. It may forget it at any time. */
export class RouterCheckpoint extends Context.Service<RouterCheckpoint, {
  readonly load: Effect.Effect<RouterMark | undefined>
  save(mark: RouterMark): Effect.Effect<void>
}>()("actors/RouterCheckpoint") {}

export interface Routed {
  /** Records looked at. */
  readonly records: number
  /** Events that agents accepted now. */
  readonly told: number
  /** Events that were refused and recorded as such. */
  readonly refused: number
  /** Addresses found to be the founder's own, proposed now. */
  readonly proposed: ReadonlyArray<string>
}

export class Router extends Context.Service<Router, {
  /**
   * Routes every record up to `position` (default: the head), oldest mail first. Call it after an
   * import is complete, so that mail of one import is told in the order it was written.
   */
  routeUpTo(position?: number): Effect.Effect<Routed, RouteFailed>
  /** Routes what comes, for ever. */
  readonly run: Effect.Effect<never, RouteFailed>
}>()("actors/Router") {}

interface Place {
  readonly stream: string
  /** Epoch ms when it happened; for ordering only. */
  readonly at: number
}

interface Window {
  readonly places: ReadonlyArray<Place>
  readonly last: RouterMark | undefined
  readonly full: boolean
}

/**
 * When it happened, for ordering only. A list without a date says nothing about when: it comes first.
 * Notes come before the draft that may cover them, whenever they were written.
 */
const orderOf = ({ data, metadata, type }: RecordedEvent): number =>
  type === "NoteRecorded" && typeof data === "object" && data !== null && "kind" in data &&
    data["kind"] === "note"
    ? 0
    : metadata.occurredAt ?? (type === "PersonListed" ? 0 : metadata.at)

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const vault = yield* Vault
  const system = yield* ActorSystem
  const checkpoint = yield* RouterCheckpoint
  const records = yield* makeRecordRoutes
  const one = yield* Semaphore.make(1)
  const settings = currentSettings.pipe(
    Effect.provideService(EventLog, log),
    Effect.provideService(Vault, vault),
  )

  /** Reads from the checkpoint on and remembers where records are. */
  const survey = Effect.fnUntraced(function* (
    after: number,
    until: number,
    evidence: OwnAddressEvidence | undefined,
  ) {
    const places: Array<Place> = []
    let last: RouterMark | undefined
    let position = after
    while (position < until && places.length < windowRecordsMax) {
      const page = yield* log.readAll({ from: position + 1, limit: pageEventsMax })
      for (const event of page) {
        if (event.position > until) break
        position = event.position
        last = { position, id: event.id }
        if (!isRouted(event)) continue
        places.push({ stream: event.stream, at: orderOf(event) })
        if (evidence === undefined || event.type !== "MailReceived") continue
        const opened = yield* records.openMail(event)
        if (opened === undefined) continue
        const { content, mail } = opened
        const { deliveredTo, from } = content
        evidence.add({ from: from.address, deliveredTo, labels: mail.labels })
      }
      if (page.length === 0 || (page.at(-1)?.position ?? until) >= until) break
    }
    places.sort((a, b) => a.at - b.at)
    return { places, last, full: places.length >= windowRecordsMax } satisfies Window
  })

  /** The founder has not told the own addresses: what clearly looks like them is proposed. */
  const proposeOwn = Effect.fnUntraced(function* (
    evidence: OwnAddressEvidence,
    known: ReadonlySet<string>,
  ) {
    const found = evidence.winners().filter((address) => !known.has(address))
    if (found.length > 0) {
      const id = derivedId(`own:${found.map((address) => vault.personKey(address)).join()}`)
      const event = { type: "OwnAddressesProposed", addresses: found }
      yield* system.record(settingsStream, event, { id, actor: "importer" }).pipe(
        Effect.catch((refusal) => failed(refusal) ?? Effect.die(refusal)),
      )
    }
    return found
  })

  /** The record's routes that are not known to be refused. */
  const routesOf = Effect.fnUntraced(function* (stream: string, ground: Ground) {
    const events = yield* log.readPage(stream, { limit: recordEventsMax })
    const event = events.find(isRouted)
    if (event === undefined) return []
    const refused = new Set(events.map((one) => one.id))
    return (yield* records.routesOf(event, ground)).map((route) => {
      const id = derivedId(`route:${event.id}:${route.to}:${route.event.type}`)
      const startsAt = ground.now - headStartMillis
      return { route, event, id, startsAt, refusedId: derivedId(`refused:${id}`) }
    }).filter(({ refusedId }) => !refused.has(refusedId))
  })

  type Task = Effect.Success<ReturnType<typeof routesOf>>[number]

  const tell = Effect.fnUntraced(function* ({ event, id, refusedId, route, startsAt }: Task) {
    const isAsked = route.onlyIfKnown || route.startsNow === true ||
      route.event.type === "DraftWritten"
    const view = isAsked ? yield* system.view(route.to) : undefined
    if (route.onlyIfKnown && view === undefined) return "passed"
    const occurredAt = route.startsNow === true && view === undefined ? startsAt : route.occurredAt
    const told = route.event.type === "DraftWritten"
      ? records.withCovers(route.event, view?.context)
      : route.event
    const causation = event.id
    const correlation = event.metadata.$correlationId
    return yield* system.propose(route.to, told, {
      id,
      actor: "router",
      causation,
      correlation,
      ...(occurredAt === undefined ? {} : { occurredAt }),
    }).pipe(
      Effect.map((accepted) => accepted.duplicate ? "passed" : "told"),
      Effect.catch((refusal) =>
        failed(refusal) ??
          system.record(event.stream, {
            type: "TellRefused",
            to: route.to,
            refused: route.event.type,
            state: refusal._tag === "NotAccepted" ? refusal.state : null,
            reason: refusal.message === "" ? refusal._tag : refusal.message,
          }, { id: refusedId, actor: "router", causation, correlation }).pipe(
            Effect.as("refused" as const),
            Effect.catch((second) => failed(second) ?? Effect.die(second)),
          )
      ),
    )
  })

  const routeWindow = Effect.fnUntraced(function* (window: Window, ground: Ground) {
    let [told, refused] = [0, 0]
    for (let start = 0; start < window.places.length; start += recordsAtOnceMax) {
      const chunk = window.places.slice(start, start + recordsAtOnceMax)
      const tasks = (yield* Effect.forEach(chunk, (place) => routesOf(place.stream, ground))).flat()
      // One agent hears of things one after the other, different agents at the same time.
      const groups = Map.groupBy(tasks, (task) => task.route.to)
      const outcomes = yield* Effect.forEach(
        groups.values(),
        (group) => Effect.forEach(group, tell),
        { concurrency: "unbounded" },
      )
      for (const outcome of outcomes.flat()) {
        if (outcome === "told") told++
        if (outcome === "refused") refused++
      }
    }
    return { told, refused }
  })

  const groundOf = (known: Settings, own: ReadonlySet<string>, now: number): Ground => ({
    now,
    own,
    key: (address) => vault.personKey(address),
    timeZone: known.timeZone,
    dayEndsAt: known.workingHours?.to ?? dayEndsAtDefault,
  })

  const verified = Effect.gen(function* () {
    const mark = yield* checkpoint.load
    if (mark === undefined) return -1
    const [event] = yield* log.readAll({ from: mark.position, limit: 1 })
    if (event?.position === mark.position && event.id === mark.id) return mark.position
    // A log that was copied has its events in the same order, at other positions.
    return (yield* log.byId(mark.id)).reduce((last, { position }) => Math.max(last, position), -1)
  })

  const route = Effect.fn("Router.routeUpTo")(function* (position?: number) {
    const until = position ?? (yield* log.head)
    const total = { records: 0, told: 0, refused: 0, proposed: [] as ReadonlyArray<string> }
    while (true) {
      const after = yield* verified
      if (after >= until) return total
      const known = yield* settings
      const evidence = known.addresses.length === 0 ? new OwnAddressEvidence() : undefined
      const window = yield* survey(after, until, evidence)
      const own = ownAddresses(known)
      const found = evidence === undefined ? [] : yield* proposeOwn(evidence, own)
      const ground = groundOf(
        known,
        new Set([...own, ...found]),
        yield* Clock.currentTimeMillis,
      )
      if (window.places.length > 0) yield* records.learn(after, ground.own)
      const { refused, told } = yield* routeWindow(window, ground)
      total.records += window.places.length
      total.told += told
      total.refused += refused
      total.proposed = [...total.proposed, ...found]
      if (window.last !== undefined) yield* checkpoint.save(window.last)
      if (!window.full) return total
    }
  })

  /** Nothing happens of its own accord meanwhile: a history is told to its end before anybody acts on it. */
  const routeUpTo = (position?: number) => one.withPermits(1)(system.holding(route(position)))

  const run = Effect.gen(function* () {
    yield* routeUpTo()
    const from = yield* verified
    return yield* log.follow(from).pipe(
      Stream.filter((page) => page.some(isRouted)),
      Stream.runForEach((page) => routeUpTo(page.at(-1)?.position)),
      Effect.andThen(Effect.never),
    )
  })

  return Router.of({ routeUpTo, run })
})

/** The failures that stop routing until somebody tries again; undefined for all that is an answer. */
const failed = (refusal: Refusal): Effect.Effect<never, RouteFailed> | undefined =>
  refusal._tag === "LogUnavailable" || refusal._tag === "VaultUnavailable" ||
    refusal._tag === "SystemClosed"
    ? Effect.fail(refusal)
    : undefined

export const layer = Layer.effect(Router, make)
