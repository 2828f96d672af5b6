/**
 * Appends with any expected revision, deletions and tombstones. Those that arrive in one turn share one
 * commit. A revision that only this process believed in is tried again as long as somebody else was
 * first. What was appended before is told by its ids, as a server of this protocol tells it:
 * `repeats.ts`.
 */
import { Effect } from "effect"
import { setImmediate } from "node:timers"
import type { Append, NewEvent } from "../../actors/event-log.ts"
import { received, type WireEvent } from "../../actors/foreign-events.ts"
import { deletionOf, recreationOf, tombstoneOf } from "./deletions.ts"
import { unavailable } from "./errors.ts"
import { isThere, outcomeOfRepeat } from "./repeats.ts"
import {
  isMetastream,
  metastreamOf,
  type States,
  streamOfMeta,
  type StreamState,
} from "./states.ts"
import type { AppendOutcome, Expected, Log } from "./terms.ts"

/** Appends in one commit. */
const groupMax = 1000

export interface Appends {
  append(
    stream: string,
    expected: Expected,
    events: ReadonlyArray<WireEvent>,
  ): Promise<AppendOutcome>
  /** Hides what is there; the stream goes on when something is appended again. */
  delete(stream: string, expected: Expected): Promise<AppendOutcome>
  /** Closes the stream for ever. */
  tombstone(stream: string, expected: Expected): Promise<AppendOutcome>
}

interface Waiting {
  readonly kind: "append" | "delete" | "tombstone"
  readonly stream: string
  readonly expected: Expected
  readonly events: ReadonlyArray<NewEvent>
  readonly settle: (outcome: AppendOutcome) => void
  readonly fail: (cause: unknown) => void
}

type Refusal = Exclude<AppendOutcome, { readonly _tag: "Appended" }>

const wrong = (current: number): Refusal => ({ _tag: "WrongExpectedVersion", current })
const isDeleted = (state: StreamState) => state.metadata.truncateBefore === Infinity

/** The revision to append at, or why not. */
const decided = (expected: Expected, state: StreamState): Refusal | number => {
  if (state.tombstoned) return { _tag: "StreamDeleted" }
  if (expected === "any") return state.last
  if (expected === "noStream") return -1
  if (expected !== "streamExists") return expected
  if (isDeleted(state)) return { _tag: "StreamDeleted" }
  return state.last < 0 && state.metadataRevision < 0 ? wrong(-1) : state.last
}

export const appends = (log: Log, states: States, now: () => number): Appends => {
  let queue: Array<Waiting> = []
  let draining = false
  /** Streams that were deleted when somebody wrote their metadata. */
  const deletedBefore = new Set<string>()

  const appendAll = (batch: ReadonlyArray<Append>) => Effect.runPromise(log.appendBatch(batch))

  /** Appends at a revision that is known; undefined where somebody else was first. */
  const appendAt = async (stream: string, expected: number, events: ReadonlyArray<NewEvent>) => {
    const [outcome] = await appendAll([{ stream, expected, events }])
    if (outcome === undefined || "_tag" in outcome) {
      states.forget(stream)
      if (outcome?._tag === "EventTooLarge") throw outcome
      return undefined
    }
    states.appended(stream, events, outcome.revision)
    return outcome
  }

  /** Those that change what other appends depend on, and those to deleted streams, go one by one. */
  const alone = async (one: Waiting, state: StreamState): Promise<AppendOutcome | "again"> => {
    const at = decided(one.expected, state)
    if (typeof at !== "number") return at
    const { stream } = one
    const deleted = isDeleted(state)
    const recreates = one.kind === "append" && deleted && one.expected === "noStream"
    if (one.kind !== "append") {
      if (at !== state.last) return wrong(state.last)
      if (one.kind === "delete" && state.last < 0 && state.metadataRevision < 0) return wrong(-1)
      const [to, last, event] = one.kind === "delete"
        ? [metastreamOf(stream), state.metadataRevision, deletionOf(now())] as const
        : [stream, state.last, tombstoneOf(now())] as const
      const done = await appendAt(to, last, [event])
      if (done === undefined) return states.forget(stream), "again"
      return { _tag: "Appended", revision: done.revision, position: done.positions[0]! }
    }
    if (recreates && state.last >= 0) {
      const first = one.events[0]
      if (first === undefined || await isThere(log, stream, 0, first)) {
        const repeat = await outcomeOfRepeat(log, { ...one, at })
        return repeat._tag === "Again" || repeat._tag === "AppendAs" ? "again" : repeat
      }
    }
    const revision = recreates ? state.last : at
    const outcome = await plain([{ ...one, at: revision }])
    if (outcome[0] === undefined) return "again"
    if (outcome[0]._tag !== "Appended") return outcome[0]
    // What was appended before the deletion stays deleted.
    if (outcome[0].revision <= state.last) return outcome[0]
    const owner = isMetastream(stream) ? streamOfMeta(stream) : undefined
    const revived = owner ?? (deleted ? stream : undefined)
    if (revived !== undefined && one.events.length > 0) await revive(revived, owner, state)
    return outcome[0]
  }

  /** Metadata of a deleted stream that goes on: what was there stays hidden, what comes is shown. */
  const revive = async (stream: string, owner: string | undefined, before: StreamState) => {
    for (;;) {
      const state = await states.of(stream)
      if (owner !== undefined && !deletedBefore.delete(owner)) return
      const first = owner === undefined ? before.last + 1 : state.last + 1
      const event = await recreationOf(log, stream, first, now())
      const done = await appendAt(metastreamOf(stream), state.metadataRevision, [event])
      if (done !== undefined) return
      states.forget(stream)
      if (owner !== undefined) deletedBefore.add(owner)
    }
  }
  type Placed = Waiting & { readonly at: number }

  /** Outcomes in order; undefined where it must be tried again. */
  const plain = async (
    group: ReadonlyArray<Placed>,
  ): Promise<ReadonlyArray<AppendOutcome | undefined>> => {
    const batch = group.map(({ stream, at, events }) => ({ stream, expected: at, events }))
    const outcomes = await appendAll(batch)
    const settled: Array<AppendOutcome | undefined> = []
    for (const [place, one] of group.entries()) {
      const outcome = outcomes[place]
      if (outcome === undefined) throw unavailable("The log gave no answer. Try again.")
      if ("_tag" in outcome && outcome._tag === "EventTooLarge") throw outcome
      if (!("_tag" in outcome) && !outcome.duplicate) {
        states.appended(one.stream, one.events, outcome.revision)
        settled.push({
          _tag: "Appended",
          revision: outcome.revision,
          position: outcome.positions.at(-1) ?? -1,
        })
        continue
      }
      const { expected, stream, events } = one
      const repeat = await outcomeOfRepeat(log, { expected, stream, events, at: one.at })
      if (repeat._tag === "Again") {
        states.forget(stream)
        settled.push(undefined)
      } else if (repeat._tag === "AppendAs") {
        const done = await appendAt(stream, repeat.at, repeat.events)
        settled.push(
          done === undefined ? undefined : {
            _tag: "Appended",
            revision: done.revision,
            position: done.positions.at(-1) ?? -1,
          },
        )
      } else {
        if (repeat._tag === "WrongExpectedVersion") states.forget(stream)
        settled.push(repeat)
      }
    }
    return settled
  }

  /** The state, and that of the stream whose metadata this one holds. */
  const stateOf = async (stream: string): Promise<StreamState> => {
    const state = states.known(stream) ?? await states.of(stream)
    if (!isMetastream(stream)) return state
    const owner = await states.of(streamOfMeta(stream))
    return { ...state, tombstoned: owner.tombstoned }
  }

  const commit = async (group: ReadonlyArray<Waiting>): Promise<ReadonlyArray<Waiting>> => {
    const again: Array<Waiting> = []
    let gathered: Array<Placed> = []
    const lasts = new Map<string, number>()
    const flush = async () => {
      const going = gathered
      gathered = []
      lasts.clear()
      if (going.length === 0) return
      try {
        const outcomes = await plain(going)
        for (const [place, one] of going.entries()) {
          const outcome = outcomes[place]
          if (outcome === undefined) again.push(one)
          else one.settle(outcome)
        }
      } catch (cause) {
        if (going.length === 1) return going[0]!.fail(cause)
        // One that cannot be taken must not hold up the rest.
        for (const one of going) {
          try {
            const [outcome] = await plain([one])
            if (outcome === undefined) again.push(one)
            else one.settle(outcome)
          } catch (cause) {
            one.fail(cause)
          }
        }
      }
    }
    for (const one of group) {
      let state = await stateOf(one.stream)
      if (one.expected === "streamExists" && state.last < 0 && !lasts.has(one.stream)) {
        states.forget(one.stream)
        state = await stateOf(one.stream)
      }
      if (one.kind !== "append" || isDeleted(state) || isMetastream(one.stream)) {
        await flush()
        try {
          if (isMetastream(one.stream)) {
            const owner = streamOfMeta(one.stream)
            deletedBefore.delete(owner)
            if (isDeleted(await states.of(owner))) deletedBefore.add(owner)
          }
          // Asked of the log: what runs in this process appends to it without telling.
          states.forget(one.stream)
          const outcome = await alone(one, await stateOf(one.stream))
          if (outcome === "again") again.push(one)
          else one.settle(outcome)
        } catch (cause) {
          one.fail(cause)
        }
        continue
      }
      const last = lasts.get(one.stream) ?? state.last
      const at = decided(one.expected, { ...state, last })
      if (typeof at !== "number") {
        one.settle(at)
        continue
      }
      gathered.push({ ...one, at })
      if (at === last) lasts.set(one.stream, last + one.events.length)
    }
    await flush()
    return again
  }

  const drain = async () => {
    while (queue.length > 0) {
      const group = queue.slice(0, groupMax)
      queue = queue.slice(groupMax)
      try {
        const again = await commit(group)
        if (again.length > 0) queue = [...again, ...queue]
      } catch (cause) {
        for (const one of group) one.fail(cause)
      }
    }
    draining = false
  }

  const waiting = (
    kind: Waiting["kind"],
    stream: string,
    expected: Expected,
    events: ReadonlyArray<NewEvent>,
  ) =>
    new Promise<AppendOutcome>((settle, fail) => {
      queue.push({ kind, stream, expected, events, settle, fail })
      if (draining) return
      draining = true
      setImmediate(() => void drain())
    })

  return {
    append: (stream, expected, events) =>
      waiting("append", stream, expected, events.map((event) => received(event, now()))),
    delete: (stream, expected) => waiting("delete", stream, expected, []),
    tombstone: (stream, expected) => waiting("tombstone", stream, expected, []),
  }
}
