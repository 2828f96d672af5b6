/**
 * How an agent is written: its events as Schemas, its chart as a plain XState machine, the activities
 * it may ask for as declarations. Nothing here runs anything: a chart says what may happen and asks for
 * the rest.
 */
import { Schema } from "effect"
import {
  type ActorLogic,
  type AnyStateMachine,
  type EventObject,
  fromPromise,
  type PromiseActorLogic,
  sendTo,
} from "xstate"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}
/** XState's state value: `"warm"` or `{ open: { payment: "due" } }`. */
export type StateValue = string | { readonly [region: string]: StateValue }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Personal data as the log, charts and asks see it: whose it is, under which key, nonce and text (base64). */
export const Sealed = Schema.Struct({
  $sealed: Schema.Tuple([Schema.String, Schema.String, Schema.String, Schema.String]),
})
export type Sealed = typeof Sealed.Type
export const isSealed = (value: unknown): value is Sealed =>
  typeof value === "object" && value !== null && "$sealed" in value &&
  Array.isArray(value.$sealed) && value.$sealed.length === 4 &&
  value.$sealed.every((part) => typeof part === "string")

/**
 * Marks a top-level field of an event or of an activity's output as personal. Whoever proposes gives
 * the plain value; before it is folded it becomes an envelope, and charts pass the envelope on.
 */
export const personal = <S extends Schema.Top>(schema: S) =>
  Schema.Union([Sealed, schema]).annotate({ personal: true })

/** The names of the fields of a struct Schema that are marked personal. */
export const personalFields = (fields: Schema.Struct.Fields): ReadonlyArray<string> =>
  Object.entries(fields).filter(([, field]) => {
    const ast = (field as Schema.Top).ast
    const inner = ast._tag === "Union" && ast.types.length > 0 ? [ast, ...ast.types] : [ast]
    return inner.some((one) => one.annotations?.["personal"] === true)
  }).map(([name]) => name)

/** An event's Schema: `event("LeadReplied", { person: PersonKey, at: Schema.Int })`. */
export const event = <const Type extends string, Fields extends Schema.Struct.Fields>(
  type: Type,
  fields: Fields,
) => Schema.Struct({ type: Schema.tag(type), ...fields })

/** Any event's Schema. The `person` field, where there is one, names whose personal fields these are. */
export type AnyEvent = Schema.Struct<Schema.Struct.Fields> & {
  readonly fields: { readonly type: Schema.tag<string> }
}

/** How much is at stake. All but `none` leaves the house and passes the gate. */
export type Risk = "none" | "outward" | "money"
export type Lane = "interactive" | "batch"
/**
 * What a crash in the middle of a run means. `pure`: no effect outside, run it again. `keyed`: the
 * other side knows the ask's id, run it again. `unsafe`: nobody can tell, ask the operator.
 */
export type Idempotency = "pure" | "keyed" | "unsafe"

export interface ActivityDeclaration {
  readonly name: string
  readonly input: Schema.Top
  readonly output: Schema.Top
  readonly risk: Risk
  readonly lane: Lane
  readonly idempotency: Idempotency
  /** One run may take this long. */
  readonly timeoutMillis: number
  /** Further runs after a failure that may pass. */
  readonly retriesMax: number
  /** First and longest pause between runs; they double, with jitter. */
  readonly retryDelayMillisMin: number
  readonly retryDelayMillisMax: number
  /** An ask whose actor's clock is older than this is skipped: history stays history. */
  readonly staleAfterMillis?: number
  /** Name of the circuit breaker; activities of one adapter share one. */
  readonly adapter?: string
  /** Greater runs earlier within its lane. */
  readonly priority: number
  /** What undoes it: an activity whose input is `{ ask, input, output }` of the run to undo; `ask` was its key. */
  readonly compensation?: string
}

const day = 24 * 60 * 60 * 1000
/** What leaves the house is stale after 30 days (a draft is, too, and says so itself). */
export const staleAfterMillisDefault = 30 * day

export type ActivityLogic<Input, Output> = PromiseActorLogic<Output, Input> & {
  readonly activity: ActivityDeclaration
}

/**
 * Declares an activity. Put it under `actors` in `setup` and `invoke` it; what runs it is registered in
 * `actors/activities/`. It is typed like a promise, so `onDone` sees its output.
 */
export const activity = <Input extends Schema.Top, Output extends Schema.Top>(
  declaration:
    & { readonly name: string; readonly input: Input; readonly output: Output }
    & Partial<Omit<ActivityDeclaration, "name" | "input" | "output">>,
): ActivityLogic<Input["Type"], Output["Type"]> => {
  const risk = declaration.risk ?? "none"
  const full: ActivityDeclaration = {
    risk,
    lane: "interactive",
    idempotency: "pure",
    timeoutMillis: 30_000,
    retriesMax: 4,
    retryDelayMillisMin: 200,
    retryDelayMillisMax: 30_000,
    priority: 0,
    ...(risk === "none" ? {} : { staleAfterMillis: staleAfterMillisDefault }),
    ...declaration,
  }
  const logic = fromPromise<Output["Type"], Input["Type"]>(() =>
    Promise.reject(new Error(`Activity ${full.name} is run by the actor system, not by the chart`))
  )
  return Object.assign(logic, { activity: full })
}

/** The declaration inside some actor logic, if it is an activity. */
export const activityOf = (logic: unknown): ActivityDeclaration | undefined =>
  typeof logic === "object" && logic !== null && "activity" in logic
    ? (logic as { activity: ActivityDeclaration }).activity
    : undefined

type Expr<Context, Event, Result> =
  | Result
  | ((args: { context: Context; event: Event }) => Result)

/**
 * Gives an event to another actor, named by its stream (`gatekeeper-7f3a…`). It is stored with the
 * event that asked for it and delivered exactly once.
 */
export const tell = <Context, Event extends EventObject>(
  to: Expr<Context, Event, string>,
  what: Expr<Context, Event, EventObject & { readonly [key: string]: unknown }>,
) =>
  sendTo(
    // deno-lint-ignore no-explicit-any -- XState's own type here depends on the whole machine
    (args: any) => args.system.get(typeof to === "function" ? to(args) : to) as any,
    // deno-lint-ignore no-explicit-any -- same
    (args: any) => (typeof what === "function" ? what(args) : what) as any,
    // deno-lint-ignore no-explicit-any -- the caller's setup() checks context and event
  ) as any

/** A compensation that `rollback` asked for was done. */
export interface Compensated {
  readonly type: "aios.compensated"
  readonly activity: string
  readonly output: Json
}
/** It could not be done: what was to be taken back stays as it is. */
export interface CompensationFailed {
  readonly type: "aios.compensationFailed"
  readonly activity: string
  readonly error: { readonly name: string; readonly message: string }
}

/**
 * Asks for the compensation of everything this actor's activities did and declared one for, newest
 * first. What was compensated is not compensated again. The chart hears of each as `aios.compensated` or
 * `aios.compensationFailed`.
 */
// deno-lint-ignore no-explicit-any -- it fits every machine's actions, whatever setup() declares
export const rollback: any = { type: "aios.rollback" }

export interface Agent {
  /** Category of its streams. Never changed once events are stored. */
  readonly name: string
  /** A new number for every change of the chart once events of the old one are stored. */
  readonly version: number
  /** By type. */
  readonly events: Readonly<Record<string, AnyEvent>>
  readonly machine: AnyStateMachine
  /** Machines of older versions by number, as long as actors are left that moved from none of them yet. */
  readonly previous?: Readonly<Record<number, AnyStateMachine>>
  /** Maps the state of an older version's actor to this chart; default: unchanged where it fits. */
  readonly upgrade?: (
    from: number,
    state: { readonly value: StateValue; readonly context: Json },
  ) => { readonly value: StateValue; readonly context: Json }
}

/** Defines an agent. The first event of a stream starts its actor with input `{ key }`. */
export const defineAgent = (
  agent: Omit<Agent, "events"> & { readonly events: ReadonlyArray<AnyEvent> },
): Agent => ({
  ...agent,
  events: Object.fromEntries(
    agent.events.map((schema) => [schema.fields.type.schema.literal as string, schema]),
  ),
})

/** Streams of facts without a chart: nothing there can be refused. */
export interface Journal {
  readonly name: string
  readonly events: Readonly<Record<string, AnyEvent>>
}

export const defineJournal = (
  journal: { readonly name: string; readonly events: ReadonlyArray<AnyEvent> },
): Journal => ({
  name: journal.name,
  events: Object.fromEntries(
    journal.events.map((schema) => [schema.fields.type.schema.literal as string, schema]),
  ),
})

/** Actor logic of unknown kind, as found under a machine's `actors`. */
// deno-lint-ignore no-explicit-any -- unrelated machines have unrelated types
export type AnyLogic = ActorLogic<any, any, any, any, any>
