/**
 * The pure heart: (actor state, event) → (actor state, asks), the same code live and on replay. It
 * executes nothing: what a transition wants done comes back as asks. Every use of XState's internals is
 * in this file; `xstate` is pinned exactly, and `test/actors/kernel-*.test.ts` guards what is relied upon.
 */
import { HashMap, Option } from "effect"
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  StateMachine,
} from "xstate"
import { activityOf, type Json, type JsonObject, type StateValue } from "../machines/agent.ts"
import { canonical, errorOf, hash64, type Impurity, isPlainError, plainError } from "./canonical.ts"
import { chartHash } from "./chart-hash.ts"
import { deterministically, guardGlobals } from "./determinism.ts"
import type { Ask, ChartRef, RecordedEvent } from "./event-log.ts"
import { hear, isLater } from "./heard.ts"
import { type Problem, problemsOf } from "./chart-check.ts"
import { changesInPlace } from "./chart-text.ts"

/** Microsteps one event may take: a loop of `always` or `raise` ends here instead of never. */
const microstepsMax = 10_000

// ---------------------------------------------------------------- charts

export type LogicKind = "activity" | "machine"

/** A machine, checked and made safe to fold. */
export interface Chart {
  readonly ref: ChartRef
  /** The machine with every child's logic replaced by a stub that does nothing. */
  readonly machine: AnyStateMachine
  /** It changes its context in place: each event gets a copy, so that the state before stays what it was. */
  readonly copiesContext: boolean
  /** What each `src` stands for. Child machines are charts named `<chart>.<src>`. */
  readonly sources: ReadonlyMap<string, Source>
}
export type Source =
  | { readonly kind: "activity"; readonly logic: unknown }
  | { readonly kind: "machine"; readonly chart: Chart }

/** The machine uses what a durable chart cannot have; `problems` names each with its remedy. */
export class UnsupportedChart extends Error {
  override readonly name = "UnsupportedChart"
  readonly problems: ReadonlyArray<Problem>
  constructor(chart: string, problems: ReadonlyArray<Problem>) {
    super(
      `${chart} cannot be run durably:\n` +
        problems.map((problem) => `  ${problem.where}: ${problem.what}. ${problem.remedy}`).join(
          "\n",
        ),
    )
    this.problems = problems
  }
}

/** Never started; only there so that XState can name children. */
const stub = {
  getInitialSnapshot: () => ({ status: "active", output: undefined, error: undefined }),
  transition: (snapshot: unknown) => snapshot,
  getPersistedSnapshot: (snapshot: unknown) => snapshot,
  restoreSnapshot: (snapshot: unknown) => snapshot,
} as never

/** Logic made by XState's creators is told apart by the source text of its transition function. */
const transitionText = (logic: unknown) =>
  String((logic as { transition?: unknown } | undefined)?.transition)
const kinds = new Map([
  [transitionText(fromPromise(() => Promise.resolve())), "promise"],
  [transitionText(fromCallback(() => {})), "callback"],
  [
    transitionText(fromObservable(() => ({ subscribe: () => ({ unsubscribe() {} }) }))),
    "observable",
  ],
  [transitionText(fromTransition((state) => state, null)), "transition"],
])
/** Also of another copy of XState than ours. */
const isMachine = (logic: unknown): logic is AnyStateMachine =>
  typeof logic === "object" && logic !== null && "__xstatenode" in logic
/** Kind of an actor logic: `machine`, `activity`, `promise`, `callback`, `observable`, `transition`, `unknown`. */
export const logicKind = (logic: unknown): string => {
  if (isMachine(logic)) return "machine"
  if (activityOf(logic) !== undefined) return "activity"
  return kinds.get(transitionText(logic)) ?? "unknown"
}

/**
 * Checks a plain XState machine and makes it foldable. `version` is a number that grows with every
 * change of a chart that has stored events. Throws `UnsupportedChart`.
 */
export const define = (
  machine: AnyStateMachine,
  options: { readonly name: string; readonly version?: number },
): Chart => {
  guardGlobals()
  const problems = problemsOf(machine, logicKind, isNeutral)
  if (problems.length > 0) throw new UnsupportedChart(options.name, problems)
  const version = options.version ?? 1
  const inline = new Map<string, unknown>()
  const config = withOwnContext(nameInlineLogic(machine.config, inline))
  const actors = { ...machine.implementations.actors, ...Object.fromEntries(inline) }
  const sources = new Map<string, Source>()
  for (const [src, logic] of Object.entries(actors)) {
    sources.set(
      src,
      isMachine(logic)
        ? { kind: "machine", chart: define(logic, { name: childName(options.name, src), version }) }
        : { kind: "activity", logic },
    )
  }
  const stubbed = new StateMachine(config, {
    ...machine.implementations,
    actors: Object.fromEntries(Object.keys(actors).map((src) => [src, stub])),
  }) as AnyStateMachine
  if (stubbed.options.maxIterations === Infinity) stubbed.options.maxIterations = microstepsMax
  return {
    ref: { name: options.name, version, hash: chartHash(machine) },
    machine: stubbed,
    sources,
    copiesContext: problemsOf(machine, logicKind, isNeutral, "", true)
      .some(({ what }) => what === changesInPlace),
  }
}

/** A context written in place is copied for each actor, so that a change of one's is not one of all. */
const withOwnContext = (config: { readonly context?: unknown }): never => {
  const { context } = config
  return (typeof context !== "object" || context === null
    ? config
    : { ...config, context: () => JSON.parse(JSON.stringify(context)) }) as never
}

/** A chart's name is a stream's category, which ends at the first `-`. */
const childName = (parent: string, src: string) => `${parent}.${src}`.replaceAll("-", "%2D")

/** Logic given in place (`invoke: { src: machine }`) gets a name, so that it can be stubbed and asked for. */
const nameInlineLogic = (config: object, found: Map<string, unknown>, path = ""): never => {
  const copy: Record<string, unknown> = { ...config }
  if (copy["invoke"] !== undefined) {
    const list = Array.isArray(copy["invoke"]) ? copy["invoke"] : [copy["invoke"]]
    copy["invoke"] = list.map((one: Record<string, unknown> | string, n: number) => {
      if (typeof one === "string" || typeof one["src"] === "string") return one
      const name = `inline:${path}:${n}`
      found.set(name, one["src"])
      return { ...one, src: name }
    })
  }
  if (copy["states"] !== undefined) {
    copy["states"] = Object.fromEntries(
      Object.entries(copy["states"] as Record<string, object>).map(([key, state]) => [
        key,
        nameInlineLogic(state, found, path === "" ? key : `${path}.${key}`),
      ]),
    )
  }
  return copy as never
}

/** The chart of a stream whose agent is `chart`, also where it is a child's (`order.packer-…`). */
export const chartNamed = (chart: Chart, name: string): Chart | undefined => {
  if (chart.ref.name === name) return chart
  for (const source of chart.sources.values()) {
    if (source.kind !== "machine") continue
    if (name === source.chart.ref.name || name.startsWith(`${source.chart.ref.name}.`)) {
      // `a.b` may be a child named `a.b` or a grandchild: look on where this one does not know it.
      const found = chartNamed(source.chart, name)
      if (found !== undefined) return found
    }
  }
  return undefined
}

// ---------------------------------------------------------------- state

export interface Timer {
  /** Ask that set it, `<revision>.<place>`. */
  readonly of: string
  readonly name: string
  readonly due: number
  readonly event: JsonObject
  /** Stream the event is for, if not this actor. */
  readonly to?: string
  /** False once a later timer took the name over: XState fires both and cancels only the later. */
  readonly named: boolean
}

export interface Child {
  readonly of: string
  readonly src: string
  readonly kind: LogicKind
  /** Stream of a child machine. */
  readonly to?: string
  /** What the activity was asked with, kept while its run may have to be compensated. */
  readonly input?: Json
  /** Its outcome was heard: another one is not. */
  readonly settled: boolean
  /** It takes back what this ask did: XState knows nothing of it. */
  readonly undoes?: string
  /**
   * Its id, where another child has taken it over: it is kept under `<id>~<of>` then. XState lets such
   * a child run on and hears its outcome under that id.
   */
  readonly id?: string
}

/** A finished activity that declares a compensation. */
export interface Compensable {
  readonly of: string
  readonly compensation: string
  readonly input: Json
  readonly output: Json
}

export interface Parent {
  readonly stream: string
  readonly child: string
  readonly of: string
}

/** One actor, as folded up to `revision`. Immutable. */
export interface ActorState {
  readonly stream: string
  readonly revision: number
  /** Epoch ms: max over its events of `occurredAt ?? at`. The only clock a fold may see. */
  readonly clock: number
  readonly snapshot: AnyMachineSnapshot
  /** In the order they were set. */
  readonly timers: ReadonlyArray<Timer>
  readonly children: Readonly<Record<string, Child>>
  /** Per sending stream the last ask heard from it. */
  readonly heard: HashMap.HashMap<string, string>
  /** Order-free digest of `heard` (two 32-bit lanes), so that hashing a state does not walk it. */
  readonly heardDigest: readonly [number, number]
  readonly compensable: ReadonlyArray<Compensable>
  readonly parent?: Parent
  /** `stateHash` of it, computed once. */
  readonly hash: string
}

/** What `fold` needs of an event: as proposed live, as recorded on replay. */
export type FoldEvent = Pick<RecordedEvent, "id" | "type" | "data"> & {
  readonly metadata: {
    readonly at: number
    readonly occurredAt?: number
    readonly actor?: string
    readonly ask?: string
  }
}

export interface Step {
  /** The state after the event. Undefined where the first event of a stream was not accepted. */
  readonly state: ActorState | undefined
  readonly asks: ReadonlyArray<Ask>
  /** False: the chart does not take this event now, nothing changed, do not record it. */
  readonly accepted: boolean
  /** An event of a sender that was heard already: nothing changed, do not record it. */
  readonly heardBefore: boolean
  /** The chart threw (its state is `error`): live, park the actor instead of recording. */
  readonly defect?: unknown
  /** What `emit` gave to listeners of this process; it is not recorded. */
  readonly emitted: ReadonlyArray<JsonObject>
}

/** Records that are not the chart's own events. The kernel gives them to the chart in XState's form. */
const neutral = new Set([
  "ActorStarted",
  "ActorStopped",
  "ActivityStarted",
  "ActivitySucceeded",
  "ActivityFailed",
  "ActivitySkipped",
  "ActivityQuarantined",
  "ActivityReleased",
  "TimerFired",
  "ChildDone",
  "ChildFailed",
  "ChartUpgraded",
  "TellRefused",
])
export const isNeutral = (type: string): boolean => neutral.has(type)

// ---------------------------------------------------------------- addresses and the scope

const notInCharts = (what: string) => (): never => {
  throw new Error(
    `${what} does not work in a durable chart: actors only exchange events, use sendTo()`,
  )
}
const inert = {
  send: notInCharts("send()"),
  getSnapshot: notInCharts("getSnapshot()"),
  subscribe: notInCharts("subscribe()"),
  on: notInCharts("on()"),
}

/** Stands for an actor wherever XState wants a reference. It cannot do anything. */
class Address {
  readonly isActorAddress = true
  readonly id: string
  readonly sessionId: string
  readonly address: string
  system: unknown = undefined
  _parent: Address | undefined = undefined
  readonly send = inert.send
  readonly getSnapshot = inert.getSnapshot
  readonly subscribe = inert.subscribe
  readonly on = inert.on
  constructor(address: string, id: string) {
    this.address = address
    this.id = id
    this.sessionId = address
  }
  get ref() {
    return this
  }
  toJSON() {
    return { $ref: this.address, id: this.id }
  }
}

/** XState's own object for a child, given an address of ours. */
type ChildRef = {
  id: string
  src: unknown
  _parent: unknown
  options: { id?: string; input?: unknown; systemId?: string; syncSnapshot?: boolean }
  address: string
  isActorAddress: true
  toJSON(): unknown
}
/** A child machine's stream, or `/` and the ask for an activity, which hears nothing. */
const addressOf = (child: Child) => child.to ?? `/${child.of}`
const isActivityAddress = (address: string) => address.startsWith("/")
const giveAddress = (ref: ChildRef, child: Child) => {
  const address = addressOf(child)
  ref.address = address
  ref.isActorAddress = true
  ref.toJSON = () => ({ $ref: address, id: ref.id })
}

type Op =
  | { readonly type: "spawn"; readonly ref: ChildRef }
  | { readonly type: string; readonly params: Record<string, unknown>; readonly exec?: unknown }

/** The one interception point: what XState believes to be the actor's system, self and executor. */
class FoldScope {
  readonly ops: Array<Op> = []
  readonly self: Address
  readonly id: string
  readonly sessionId: string
  readonly stream: string
  readonly revision: number
  /** Set when the event under test took a transition that is not forbidden. */
  taken = false
  /** The event whose acceptance is asked for. */
  asked: unknown = undefined
  readonly system: FoldScope = this
  readonly scheduler = {}
  readonly _clock = {}
  #booked = 0
  constructor(stream: string, revision: number, parent: Parent | undefined) {
    this.stream = stream
    this.revision = revision
    this.self = new Address(stream, parent?.child ?? stream)
    this.self.system = this
    if (parent) this.self._parent = new Address(parent.stream, parent.stream)
    this.id = this.self.id
    this.sessionId = stream
    this.actionExecutor = (op: Op) => {
      this.ops.push(op)
    }
  }
  /** XState replaces and restores it in every microstep. */
  actionExecutor: (op: Op) => void
  _bookId() {
    return `${this.stream}/${this.revision}~${this.#booked++}`
  }
  get(address: string) {
    return new Address(address, address)
  }
  _sendInspectionEvent(
    event: {
      type: string
      event?: unknown
      actorRef?: ChildRef
      _transitions?: ReadonlyArray<{ target: unknown; actions: ReadonlyArray<unknown> }>
    },
  ) {
    if (event.type === "@xstate.microstep") {
      if (event.event === this.asked && !this.taken) {
        this.taken = event._transitions!.some((one) =>
          one.target !== undefined || one.actions.length > 0
        )
      }
    } else if (event.type === "@xstate.actor" && event.actorRef?._parent === this.self) {
      Object.assign(event.actorRef, inert)
      this.ops.push({ type: "spawn", ref: event.actorRef })
    }
  }
  _set() {}
  _register() {}
  _unregister() {}
  _logger() {}
  getAll() {
    return {}
  }
  inspect() {
    return { unsubscribe() {} }
  }
  _relay() {}
  logger() {}
  defer() {}
  emit() {}
  stopChild() {}
}

// ---------------------------------------------------------------- fold

/** State and asks being collected in one fold; becomes an `ActorState`. */
interface Draft {
  readonly chart: Chart
  readonly stream: string
  readonly revision: number
  readonly clock: number
  readonly parent: Parent | undefined
  /** Never changed in place: the state before may have the same. */
  timers: ReadonlyArray<Timer>
  children: Record<string, Child>
  compensable: ReadonlyArray<Compensable>
  readonly asks: Array<Ask>
  readonly emitted: Array<JsonObject>
}

/** Through JSON, as it will be stored; errors keep name and message. */
const plain = (value: unknown): unknown =>
  value === undefined ? null : JSON.parse(JSON.stringify(value, keepErrors))
const keepErrors = (
  _: string,
  value: unknown,
) => (value instanceof Error ? plainError(value) : value)

/** Folds the first event of a stream: starts the actor, then gives it the event. */
const start = (
  chart: Chart,
  stream: string,
  event: FoldEvent,
): { draft: Draft; snapshot: AnyMachineSnapshot; defect?: unknown } => {
  const data = event.data as JsonObject
  const isStart = event.type === "ActorStarted"
  const parent = isStart && data["parent"] !== undefined
    ? data["parent"] as unknown as Parent
    : undefined
  const dash = stream.indexOf("-")
  const input = isStart ? data["input"] : { key: dash < 0 ? "" : stream.slice(dash + 1) }
  const draft: Draft = {
    chart,
    stream,
    revision: 0,
    clock: event.metadata.occurredAt ?? event.metadata.at,
    parent,
    timers: [],
    children: {},
    compensable: [],
    asks: [],
    emitted: [],
  }
  const scope = new FoldScope(stream, 0, parent)
  const seed = `${event.id}#start`
  const own: Array<unknown> = []
  const initial = step(
    draft,
    scope,
    seed,
    () => chart.machine.getInitialSnapshot(scope as never, revive(input) as never),
    own,
  )
  if (initial.defect !== undefined) return { draft, ...initial }
  if (initial.snapshot.status === "error") {
    return { draft, snapshot: initial.snapshot, defect: initial.snapshot.error }
  }
  const { snapshot, defect } = react(draft, initial.snapshot, own, seed, false)
  return { draft, snapshot, defect }
}

/**
 * Folds one event. `state` is undefined for the first event of a stream, which is either
 * `ActorStarted` (with the chart's input) or any event the chart takes in its initial state (the input
 * then is `{ key }`). Never throws for what a chart does; a throw out of here is our own defect.
 */
export const fold = (
  chart: Chart,
  state: ActorState | undefined,
  event: FoldEvent,
  /** Needed for the first event only. */
  stream: string = state?.stream ?? "actor-1",
): Step => {
  if (state === undefined) {
    const { draft, snapshot, defect } = start(chart, stream, event)
    if (isNeutral(event.type) && event.type !== "ActorStarted") return refused(undefined)
    if (event.type === "ActorStarted" || defect !== undefined) {
      return finish(draft, undefined, snapshot, HashMap.empty(), [0, 0], defect)
    }
    const next = react(draft, snapshot, [chartEvent(event)], event.id, true)
    if (!next.accepted) return refused(undefined)
    const [heard, digest] = hear(HashMap.empty(), [0, 0], event)
    return finish(
      draft,
      undefined,
      next.snapshot,
      heard,
      digest,
      "defect" in next ? next.defect : undefined,
    )
  }

  const { metadata } = event
  if (metadata.ask !== undefined && metadata.actor !== undefined) {
    const last = HashMap.get(state.heard, metadata.actor)
    if (Option.isSome(last) && !isLater(metadata.ask, last.value)) {
      return { state, asks: [], accepted: false, heardBefore: true, emitted: [] }
    }
  }
  const draft: Draft = {
    chart,
    stream: state.stream,
    revision: state.revision + 1,
    clock: Math.max(state.clock, metadata.occurredAt ?? metadata.at),
    parent: state.parent,
    timers: state.timers,
    children: state.children,
    compensable: state.compensable,
    asks: [],
    emitted: [],
  }
  const isDomain = !isNeutral(event.type)
  if (event.type === "ActorStarted") return refused(state)
  let snapshot = chart.copiesContext ? withCopiedContext(state.snapshot) : state.snapshot
  let defect: unknown
  if (event.type === "ChartUpgraded") {
    return upgraded(draft, state, event.data as JsonObject)
  }
  if (snapshot.status !== "active") {
    if (isDomain) return refused(state)
  } else {
    const incoming = isDomain
      ? chartEvent(event)
      : translate(draft, event.type, event.data as JsonObject)
    if (incoming !== undefined) {
      const next = react(draft, snapshot, [incoming], event.id, isDomain)
      if (!next.accepted) return refused(state)
      snapshot = next.snapshot
      defect = next.defect
    }
  }
  const [heard, digest] = hear(state.heard, state.heardDigest, event)
  return finish(draft, state.snapshot, snapshot, heard, digest, defect)
}

const chartEvent = (event: FoldEvent): JsonObject => ({
  ...(event.data as JsonObject),
  type: event.type,
})

const refused = (state: ActorState | undefined): Step => ({
  state,
  asks: [],
  accepted: false,
  heardBefore: false,
  emitted: [],
})

/** XState's own events are not for others to send; only a route is an event that anybody may ask for. */
const mayCome = (event: unknown) => {
  const { type } = event as { type: string }
  return !type.startsWith("xstate.") || type === "xstate.route"
}

/** Events through the chart (one, then those it sends to itself), as XState's mailbox would. */
const react = (
  draft: Draft,
  from: AnyMachineSnapshot,
  own: Array<unknown>,
  seed: string,
  mayRefuse: boolean,
): { snapshot: AnyMachineSnapshot; accepted: boolean; defect?: unknown } => {
  if (mayRefuse && (from.status !== "active" || !mayCome(own[0]))) {
    return { snapshot: from, accepted: false }
  }
  let snapshot = from
  for (let n = 0; own.length > 0 && snapshot.status === "active"; n++) {
    if (n > microstepsMax) {
      const defect = new Error("It keeps sending events to itself")
      return { snapshot: failed(snapshot, defect), accepted: true, defect }
    }
    const scope = new FoldScope(draft.stream, draft.revision, draft.parent)
    const incoming = withError(revive(own.shift()))
    scope.asked = incoming
    const next = step(draft, scope, n === 0 ? seed : `${seed}#${n}`, () => {
      const after = draft.chart.machine.transition(snapshot, incoming as never, scope as never)
      if (n === 0 && mayRefuse && !scope.taken) throw notTaken
      return after
    }, own)
    if (next.defect === notTaken) return { snapshot: from, accepted: false }
    if (next.defect !== undefined) {
      return { snapshot: failed(snapshot, next.defect), accepted: true, defect: next.defect }
    }
    snapshot = next.snapshot
  }
  return { snapshot, accepted: true }
}
const notTaken = new Error("not taken")

const failed = (snapshot: AnyMachineSnapshot, error: unknown): AnyMachineSnapshot => ({
  ...snapshot,
  status: "error",
  error: plainError(error),
} as AnyMachineSnapshot)

/** Runs XState once under the actor's clock and dice, and turns what it wanted into asks. */
const step = (
  draft: Draft,
  scope: FoldScope,
  seed: string,
  run: () => AnyMachineSnapshot,
  own: Array<unknown> = [],
): { snapshot: AnyMachineSnapshot; defect?: unknown } => {
  try {
    const snapshot = deterministically(draft.clock, seed, () => {
      const next = run()
      collect(draft, scope, own)
      return next
    })
    return { snapshot }
  } catch (defect) {
    return { snapshot: undefined as never, defect }
  }
}

/** What XState handed to its executor, as asks. Children first: XState names a child's mail before the child. */
const collect = (draft: Draft, scope: FoldScope, own: Array<unknown>) => {
  const { asks } = draft
  if (scope.ops.length === 0) return
  const name = () => `${draft.revision}.${asks.length}`
  /** Children whose id went to another one in this step: a state left and entered again. */
  const replaced: Array<[id: string, child: Child]> = []
  for (const op of scope.ops) {
    if (op.type !== "spawn" || !("ref" in op)) continue
    const { ref } = op
    const src = typeof ref.src === "string" ? ref.src : undefined
    const source = src === undefined ? undefined : draft.chart.sources.get(src)
    if (src === undefined || source === undefined) {
      throw new Error("A spawned actor must be named in setup({ actors }) and spawned by that name")
    }
    if (ref.options.id === undefined) {
      throw new Error(
        `spawn("${src}") needs an explicit id: ids that XState makes up differ from run to run`,
      )
    }
    const of = name()
    const input = ref.options.input === undefined ? undefined : plain(ref.options.input) as Json
    const withInput = input === undefined ? {} : { input }
    let child: Child
    if (source.kind === "machine") {
      const to = childStream(draft.stream, source.chart.ref.name, of)
      asks.push({ ask: "spawn", child: ref.id, src, to, ...withInput })
      child = { of, src, kind: "machine", to, settled: false }
    } else {
      asks.push({ ask: "activity", child: ref.id, src, ...withInput })
      const keepsInput = activityOf(source.logic)?.compensation !== undefined
      child = { of, src, kind: "activity", settled: false, ...(keepsInput ? withInput : {}) }
    }
    giveAddress(ref, child)
    const before = draft.children[ref.id]
    if (before !== undefined) replaced.push([ref.id, before])
    draft.children = { ...draft.children, [ref.id]: child }
  }
  for (const op of scope.ops) {
    if (!("params" in op)) continue
    const params = op.params as {
      event?: { type: string }
      delay?: unknown
      id?: string
      to?: { address?: string; id: string } | null
      sendId?: string
      address?: string
    } | undefined
    switch (op.type) {
      case "xstate.spawnChild":
      case "xstate.log":
        break
      case "xstate.emit":
        draft.emitted.push(plain(params!.event) as unknown as JsonObject)
        break
      case "xstate.stopChild":
        if (params) stopChild(draft, params as unknown as ChildRef, replaced)
        break
      case "xstate.raise":
        // Without a delay XState has consumed it already.
        if (typeof params!.delay === "number") {
          setTimer(draft, params!.id, params!.delay, params!.event!)
        }
        break
      case "xstate.sendTo": {
        const { to, event, delay, id } = params!
        if (!to) throw new Error("sendTo() has no target: the child it names is not there")
        const address = "address" in to && typeof to.address === "string" ? to.address : undefined
        if (address === undefined) throw new Error(`sendTo() cannot reach ${to.id}`)
        if (isActivityAddress(address)) break
        if (typeof delay === "number") {
          setTimer(draft, id, delay, event!, address === draft.stream ? undefined : address)
        } else if (address === draft.stream) own.push(plain(event))
        else asks.push({ ask: "tell", to: address, event: plain(event) as unknown as Json })
        break
      }
      case "xstate.cancel":
        cancelTimer(draft, params!.sendId!)
        break
      case "aios.rollback":
        rollBack(draft)
        break
      default:
        if (op.exec !== undefined || !op.type.startsWith("xstate.")) {
          throw new Error(
            `Action "${op.type}" has a side effect of its own: make it an activity and invoke it`,
          )
        }
    }
  }
  for (const [id, child] of replaced) keepOn(draft, id, child)
}

/** The child is no longer the one under its id, and was not stopped. */
const keepOn = (draft: Draft, id: string, child: Child) => {
  if (child.settled) return
  draft.children = { ...draft.children, [`${id}~${child.of}`]: { ...child, id } }
}

/** A child's stream: its chart's name, its parent's key and the ask that started it. */
const childStream = (stream: string, chart: string, of: string) => {
  const dash = stream.indexOf("-")
  return `${chart}-${dash < 0 ? stream : stream.slice(dash + 1)}~${of}`
}

/** Most timers carry nothing but their event's type. */
const plainEvent = (event: { readonly type: string }): JsonObject => {
  for (const key in event) if (key !== "type") return plain(event) as JsonObject
  return { type: event.type }
}

const setTimer = (
  draft: Draft,
  id: string | undefined,
  delay: number,
  event: { type: string },
  to?: string,
) => {
  const of = `${draft.revision}.${draft.asks.length}`
  const name = id ?? of
  // A delay that is no number or lies in the past is due now.
  const due = draft.clock + (delay > 0 ? Math.min(delay, Number.MAX_SAFE_INTEGER - draft.clock) : 0)
  const timer = {
    name,
    due,
    event: plainEvent(event),
    ...(to === undefined ? {} : { to }),
  }
  draft.asks.push({ ask: "timer", ...timer })
  draft.timers = [...unnamed(draft.timers, name), { of, ...timer, named: true }]
}

/** XState keeps one entry per name: whatever had it before can no longer be cancelled. */
const unnamed = (timers: ReadonlyArray<Timer>, name: string): ReadonlyArray<Timer> =>
  timers.some((one) => one.named && one.name === name)
    ? timers.map((one) => (one.name === name ? { ...one, named: false } : one))
    : timers

const cancelTimer = (draft: Draft, name: string) => {
  const found = draft.timers.find((one) => one.named && one.name === name)
  if (found === undefined) return
  draft.timers = draft.timers.filter((one) => one !== found)
  draft.asks.push({ ask: "cancel", name, of: found.of })
}

/** As XState: frees the id of `ref` and stops `ref`, which need not be the one that has the id now. */
const stopChild = (draft: Draft, ref: ChildRef, replaced: Array<[string, Child]>) => {
  const place = replaced.findIndex(([, one]) => addressOf(one) === ref.address)
  if (place >= 0) {
    endChild(draft, ref.id, replaced[place]![1])
    return void replaced.splice(place, 1)
  }
  const { [ref.id]: holder, ...rest } = draft.children
  if (holder !== undefined) {
    draft.children = rest
    if (addressOf(holder) === ref.address) return endChild(draft, ref.id, holder)
    keepOn(draft, ref.id, holder)
  }
  const found = Object.entries(draft.children).find(([, one]) => addressOf(one) === ref.address)
  if (found === undefined) return
  const { [found[0]]: stopped, ...others } = draft.children
  draft.children = others
  endChild(draft, ref.id, stopped!)
}

/**
 * Takes back what started a child. Asks are named by their places, so one of this same event stays in
 * the list and is taken back by a later entry, like one of an earlier event.
 */
const endChild = (draft: Draft, id: string, child: Child) => {
  if (child.settled) return
  draft.asks.push({
    ask: "stop",
    child: id,
    of: child.of,
    ...(child.to === undefined ? {} : { to: child.to }),
  })
}

const rollBack = (draft: Draft) => {
  for (const done of draft.compensable.toReversed()) {
    const id = `compensate:${done.of}`
    const of = `${draft.revision}.${draft.asks.length}`
    const child = { of, src: done.compensation, settled: false, undoes: done.of } as const
    draft.children = { ...draft.children, [id]: { ...child, kind: "activity" } }
    draft.asks.push({
      ask: "activity",
      child: id,
      src: done.compensation,
      input: {
        ask: `${draft.stream}/${done.of}`,
        input: done.input,
        output: done.output,
      },
    })
  }
  draft.compensable = []
}

/** A neutral record in XState's form; undefined where the chart is not to see it (any more). */
const translate = (draft: Draft, type: string, data: JsonObject): JsonObject | undefined => {
  const of = data["ask"]
  switch (type) {
    case "TimerFired": {
      const timer = draft.timers.find((one) => one.of === of)
      if (timer === undefined) return undefined
      draft.timers = unnamed(draft.timers.filter((one) => one !== timer), timer.name)
      if (timer.to === undefined) return timer.event
      draft.asks.push({ ask: "tell", to: timer.to, event: timer.event })
      return undefined
    }
    case "ActivitySucceeded":
    case "ActivityFailed":
    case "ActivitySkipped":
    case "ChildDone":
    case "ChildFailed": {
      const entry = Object.entries(draft.children).find(([, child]) => child.of === of)
      if (entry === undefined || entry[1].settled) return undefined
      const [key, child] = entry
      const id = child.id ?? key
      const { [key]: _, ...others } = draft.children
      draft.children = child.id === undefined && child.undoes === undefined
        ? { ...draft.children, [key]: { ...child, settled: true } }
        : others
      if (child.undoes !== undefined) return compensationEvent(child.src, type, data)
      if (type === "ActivitySucceeded" || type === "ChildDone") {
        const output = data["output"]
        const source = draft.chart.sources.get(child.src)
        const compensation = source?.kind === "activity"
          ? activityOf(source.logic)?.compensation
          : undefined
        if (compensation !== undefined) {
          draft.compensable = [...draft.compensable, {
            of: child.of,
            compensation,
            input: child.input ?? null,
            output: output ?? null,
          }]
        }
        return { type: `xstate.done.actor.${id}`, output, actorId: id } as unknown as JsonObject
      }
      const error = type === "ActivitySkipped"
        ? { name: "Skipped", message: String(data["reason"]) }
        : data["error"]
      return { type: `xstate.error.actor.${id}`, error, actorId: id } as unknown as JsonObject
    }
    case "ActorStopped":
      return { type: "xstate.stop" }
    default:
      return undefined
  }
}

/** What the chart hears of a compensation: see `Compensated` and `CompensationFailed`. */
const compensationEvent = (activity: string, type: string, data: JsonObject): JsonObject =>
  type === "ActivitySucceeded"
    ? { type: "aios.compensated", activity, output: data["output"] ?? null }
    : {
      type: "aios.compensationFailed",
      activity,
      error: type === "ActivitySkipped"
        ? { name: "Skipped", message: String(data["reason"]) }
        : data["error"] ?? null,
    }

/** An outcome's error becomes an `Error` again, with a stack that does not depend on where. */
const withError = (event: unknown): unknown => {
  const { type, error } = event as { type: string; error?: unknown }
  return type.startsWith("xstate.error.") && isObject(error) && isPlainError(error)
    ? { ...event as object, error: errorOf(error) }
    : event
}

/** Addresses become references. */
const revive = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) {
    return value.some(isObject) ? value.map((one) => revive(one)) : value
  }
  if (
    "$ref" in value && typeof value.$ref === "string" && Object.keys(value).length === 2 &&
    "id" in value
  ) {
    return new Address(value.$ref, String(value.id))
  }
  let copy: Record<string, unknown> | undefined
  for (const [key, item] of Object.entries(value)) {
    if (!isObject(item)) continue
    const revived = revive(item)
    if (revived !== item) (copy ??= { ...value })[key] = revived
  }
  return copy ?? value
}
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null
/** Closes the fold: normalises, ends what a finished actor leaves open, hashes. */
const finish = (
  draft: Draft,
  before: AnyMachineSnapshot | undefined,
  reached: AnyMachineSnapshot,
  heard: HashMap.HashMap<string, string>,
  heardDigest: readonly [number, number],
  thrown: unknown,
): Step => {
  let snapshot = reached
  let defect = thrown
  if (defect !== undefined && snapshot === undefined) {
    // It threw before it had any state.
    return { state: undefined, asks: [], accepted: true, heardBefore: false, defect, emitted: [] }
  }
  const impurity: Impurity = { found: false }
  let context: string
  let output = ""
  try {
    context = canonical(snapshot.context, impurity)
    if (snapshot.output !== undefined) output = canonical(snapshot.output, impurity)
    if (impurity.found) {
      // What JSON does not keep must not live on in memory: the next process would not have it.
      snapshot = {
        ...snapshot,
        context: throughJson(snapshot.context, snapshot),
        ...(snapshot.output === undefined ? {} : { output: plain(snapshot.output) }),
      } as AnyMachineSnapshot
      context = canonical(snapshot.context)
    }
  } catch (unstorable) {
    defect ??= unstorable
    const kept = before?.context ?? {}
    snapshot = failed({ ...snapshot, context: kept, output: undefined } as never, unstorable)
    context = canonical(kept)
    output = ""
  }
  if ((before === undefined || before.status === "active") && snapshot.status !== "active") {
    end(draft, snapshot)
  }
  const hash = hash64(
    stateText(snapshot, context, output, draft, heardDigest),
  )
  const state: ActorState = {
    stream: draft.stream,
    revision: draft.revision,
    clock: draft.clock,
    snapshot,
    timers: draft.timers,
    children: draft.children,
    heard,
    heardDigest,
    compensable: draft.compensable,
    ...(draft.parent === undefined ? {} : { parent: draft.parent }),
    hash,
  }
  return {
    state,
    asks: draft.asks,
    accepted: true,
    heardBefore: false,
    ...(defect === undefined ? {} : { defect }),
    emitted: draft.emitted,
  }
}

/** The actor has ended: its timers and children end with it, and its parent hears how. */
const end = (draft: Draft, snapshot: AnyMachineSnapshot) => {
  for (const timer of draft.timers) {
    draft.asks.push({ ask: "cancel", name: timer.name, of: timer.of })
  }
  draft.timers = []
  // In the order they were asked for, wherever the state was stored in between.
  const own = Object.entries(draft.children).filter(([, child]) => child.undoes === undefined)
  const open = own.sort(([, a], [, b]) => isLater(a.of, b.of) ? 1 : -1)
  for (const [id, child] of open) endChild(draft, child.id ?? id, child)
  draft.children = {}
  if (draft.parent === undefined || snapshot.status === "stopped") return
  const { stream, child, of } = draft.parent
  const output = snapshot.output === undefined ? {} : { output: plain(snapshot.output) as Json }
  const event: JsonObject = snapshot.status === "done"
    ? { type: "ChildDone", child, ask: of, ...output }
    : { type: "ChildFailed", child, ask: of, error: { ...plainError(snapshot.error) } }
  draft.asks.push({ ask: "tell", to: stream, event })
}

const withCopiedContext = (snapshot: AnyMachineSnapshot): AnyMachineSnapshot => ({
  ...snapshot,
  context: throughJson(snapshot.context, snapshot),
} as AnyMachineSnapshot)

/** JSON there and back, with references to this actor's children put back in place. */
const throughJson = (context: unknown, snapshot: AnyMachineSnapshot): unknown =>
  reviveContext(plain(context), snapshot.children as never)
const reviveContext = (value: unknown, children: Record<string, ChildRef>): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((one) => reviveContext(one, children))
  if ("$ref" in value && typeof value.$ref === "string" && "id" in value) {
    const child = children[String(value.id)]
    return child?.address === value.$ref ? child : new Address(value.$ref, String(value.id))
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, reviveContext(item, children)]),
  )
}

// ---------------------------------------------------------------- hash

/** The canonical text a state hash is taken over; see docs/kernel.md for its fields. */
const stateText = (
  snapshot: AnyMachineSnapshot,
  context: string,
  output: string,
  state: {
    readonly timers: ReadonlyArray<Timer>
    readonly children: Readonly<Record<string, Child>>
    readonly compensable: ReadonlyArray<Compensable>
  },
  heardDigest: readonly [number, number],
): string => {
  let text = `{"status":"${snapshot.status}","value":${
    canonical(snapshot.value)
  },"context":${context}`
  if (hasKeys(snapshot.historyValue)) text += `,"history":${canonical(historyOf(snapshot))}`
  if (hasKeys(state.children)) text += `,"children":${canonical(state.children)}`
  if (output !== "") text += `,"output":${output}`
  if (snapshot.error !== undefined) text += `,"error":${canonical(plainError(snapshot.error))}`
  if (state.timers.length > 0) text += `,"timers":${canonical(state.timers)}`
  if (heardDigest[0] !== 0 || heardDigest[1] !== 0) text += `,"heard":[${heardDigest.join()}]`
  if (state.compensable.length > 0) text += `,"compensable":${canonical(state.compensable)}`
  return text + "}"
}
const hasKeys = (record: object) => {
  for (const _ in record) return true
  return false
}
const historyOf = (snapshot: AnyMachineSnapshot): Record<string, ReadonlyArray<string>> =>
  Object.fromEntries(
    Object.entries(snapshot.historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]),
  )

/** The 16 hex digits recorded as `metadata.state`. */
export const stateHash = (state: ActorState): string => state.hash

// ---------------------------------------------------------------- persistence

/** A state as JSON: for snapshots, and for `ChartUpgraded`. */
export const persist = (state: ActorState): JsonObject =>
  plain({
    stream: state.stream,
    revision: state.revision,
    clock: state.clock,
    status: state.snapshot.status,
    value: state.snapshot.value,
    context: state.snapshot.context,
    history: historyOf(state.snapshot),
    ...nodeOrder(state.snapshot),
    ...(state.snapshot.output === undefined ? {} : { output: state.snapshot.output }),
    ...(state.snapshot.error === undefined ? {} : { error: plainError(state.snapshot.error) }),
    timers: state.timers,
    children: childrenInOrder(state),
    heard: [...HashMap.entries(state.heard)],
    heardDigest: state.heardDigest,
    compensable: state.compensable,
    ...(state.parent === undefined ? {} : { parent: state.parent }),
  }) as unknown as JsonObject

/** In XState's order, in which it stops them: a child that was entered again comes last. */
const childrenInOrder = ({ children, snapshot }: ActorState): Record<string, Child> => {
  const ids = Object.keys(snapshot.children).filter((id) => id in children)
  return Object.fromEntries([
    ...ids.map((id) => [id, children[id]!] as const),
    ...Object.entries(children).filter(([id]) => !ids.includes(id)),
  ])
}

/**
 * Regions take their turns in the order in which they were last entered, so that order is kept where
 * there are regions.
 */
const nodeOrder = ({ _nodes: nodes }: AnyMachineSnapshot) =>
  nodes.some((node) => node.type === "parallel") ? { nodes: nodes.map((node) => node.id) } : {}

type Node = AnyMachineSnapshot["_nodes"][number]
const nodesOf = (chart: Chart, ids: ReadonlyArray<string>): ReadonlyArray<Node> => {
  const { idMap } = chart.machine as unknown as { idMap: ReadonlyMap<string, Node> }
  return ids.flatMap((id) => idMap.get(id) ?? [])
}

/** The inverse of `persist`. Throws where the chart does not know the state value or a child's `src`. */
export const restore = (chart: Chart, persisted: JsonObject): ActorState => {
  // deno-lint-ignore no-explicit-any -- written by `persist`
  const saved = persisted as any
  const parent: Parent | undefined = saved.parent
  const scope = new FoldScope(saved.stream, saved.revision, parent)
  for (const [id, child] of Object.entries<Child>(saved.children)) {
    if (child.undoes === undefined && !chart.sources.has(child.src)) {
      throw new Error(`${chart.ref.name} has no actor "${child.src}" for its child "${id}"`)
    }
  }
  const holders = Object.entries<Child>(saved.children).filter(([, child]) =>
    child.id === undefined && child.undoes === undefined
  )
  const snapshot = chart.machine.restoreSnapshot({
    status: saved.status,
    value: saved.value,
    context: {},
    output: saved.output,
    error: saved.error === undefined ? undefined : errorOf(saved.error),
    historyValue: Object.fromEntries(
      // Nodes themselves: XState does not find one again whose id has dots.
      Object.entries<ReadonlyArray<string>>(saved.history).map(([id, nodes]) => [
        id,
        nodesOf(chart, nodes),
      ]),
    ),
    children: Object.fromEntries(
      holders.map(([id, child]) => [
        id,
        { src: child.src, snapshot: { status: "active" }, syncSnapshot: false },
      ]),
    ),
  } as never, scope as never) as AnyMachineSnapshot
  const children = snapshot.children as unknown as Record<string, ChildRef>
  for (const [id, child] of holders) {
    Object.assign(children[id]!, inert)
    giveAddress(children[id]!, child)
  }
  const complete = {
    ...snapshot,
    ...(saved.nodes === undefined ? {} : {
      value: saved.value,
      _nodes: nodesOf(chart, saved.nodes),
    }),
    context: reviveContext(saved.context, children),
  } as AnyMachineSnapshot
  const output = complete.output === undefined ? "" : canonical(complete.output)
  return {
    stream: saved.stream,
    revision: saved.revision,
    clock: saved.clock,
    snapshot: complete,
    timers: saved.timers,
    children: saved.children,
    heard: HashMap.fromIterable(saved.heard),
    heardDigest: saved.heardDigest,
    compensable: saved.compensable,
    ...(parent === undefined ? {} : { parent }),
    hash: hash64(
      stateText(complete, canonical(complete.context), output, saved, saved.heardDigest),
    ),
  }
}

/** `ChartUpgraded { from, to, state }`: the state, as mapped to this chart, replaces what was folded. */
const upgraded = (draft: Draft, before: ActorState | undefined, data: JsonObject): Step => {
  const state = restore(draft.chart, {
    ...(data["state"] as JsonObject),
    stream: draft.stream,
    revision: draft.revision,
    clock: Math.max(draft.clock, before?.clock ?? 0),
  })
  return { state, asks: [], accepted: true, heardBefore: false, emitted: [] }
}

/** Folding may start here: the state that a `ChartUpgraded` event carries. */
export const startAtUpgrade = (chart: Chart, event: RecordedEvent): ActorState =>
  restore(chart, {
    ...((event.data as JsonObject)["state"] as JsonObject),
    stream: event.stream,
    revision: event.revision,
  })

// ---------------------------------------------------------------- views

export const valueOf = (state: ActorState): StateValue => state.snapshot.value as StateValue

/** Event types the chart would take in a state, guards not asked, in alphabetical order. */
export const acceptsIn = (chart: Chart, value: StateValue): ReadonlyArray<string> => {
  const nodes = chart.machine.resolveState({ value, context: {} } as never)._nodes
  const types = new Set(nodes.flatMap((node) => node.ownEvents as ReadonlyArray<string>))
  return [...types].filter((type) => type !== "" && !/^(xstate|aios)\./.test(type)).sort()
}
