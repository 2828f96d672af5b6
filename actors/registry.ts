/**
 * What may be proposed to whom: every agent's chart and event Schemas, every journal's Schemas. An
 * event is decoded here, and its personal fields are sealed, before anything else sees it.
 */
import { Result, Schema } from "effect"
import type { AnyStateMachine } from "xstate"
import {
  type Agent,
  type AnyEvent,
  isSealed,
  type Journal,
  type Json,
  personalFields,
} from "../machines/agent.ts"
import { InvalidEvent, type Proposal } from "./actor-system.ts"
import { categoryOf } from "./event-log.ts"
import { type Chart, chartNamed, define, isNeutral } from "./kernel.ts"
import type { Vault } from "./vault.ts"

/** Whose key seals what names no person. */
export const founder = "founder"

interface EventShape {
  readonly decode: (value: unknown) => Result.Result<unknown, { readonly message: string }>
  readonly personal: ReadonlyArray<string>
}

interface Shapes {
  /** Undefined: any JSON event is taken (a plain machine without Schemas). */
  readonly events: ReadonlyMap<string, EventShape> | undefined
}

export interface AgentEntry extends Shapes {
  readonly agent: Agent
  readonly chart: Chart
  /** Charts of older versions that are still at hand. */
  readonly previous: ReadonlyMap<number, Chart>
}

export interface Registry {
  /** The chart of the actor in a stream, also where it is a child's; undefined for unknown agents. */
  find(stream: string): { readonly entry: AgentEntry; readonly chart: Chart } | undefined
  journal(stream: string): Shapes | undefined
  readonly agents: ReadonlyArray<AgentEntry>
}

/** The chart of an older version, of the agent itself or of the child machine that `chart` is. */
export const previousOf = (
  entry: AgentEntry,
  chart: Chart,
  version: number,
): Chart | undefined => {
  const previous = entry.previous.get(version)
  return previous && chartNamed(previous, chart.ref.name)
}

const shapesOf = (events: Readonly<Record<string, AnyEvent>>): ReadonlyMap<string, EventShape> =>
  new Map(
    Object.entries(events).map(([type, schema]) => [type, {
      // Events are what they are in JSON: decoding checks them, and drops what the Schema does not name.
      decode: Schema.decodeUnknownResult(schema as unknown as Schema.Codec<unknown, Json>),
      personal: personalFields(schema.fields),
    }]),
  )

export const registryOf = (
  agents: ReadonlyArray<Agent>,
  journals: ReadonlyArray<Journal> = [],
): Registry => {
  const entries = new Map(agents.map((agent) => {
    const shapes = shapesOf(agent.events)
    const chartOf = (machine: AnyStateMachine, version: number) =>
      define(machine, { name: agent.name, version })
    return [agent.name, {
      agent,
      chart: chartOf(agent.machine, agent.version),
      previous: new Map(
        Object.entries(agent.previous ?? {}).map(([version, machine]) => [
          Number(version),
          chartOf(machine, Number(version)),
        ]),
      ),
      events: shapes.size === 0 ? undefined : shapes,
    }]
  }))
  const books = new Map(journals.map(({ name, events }) => [name, { events: shapesOf(events) }]))
  return {
    agents: [...entries.values()],
    find: (stream) => {
      const category = categoryOf(stream)
      const dot = category.indexOf(".")
      const entry = entries.get(dot < 0 ? category : category.slice(0, dot))
      const chart = entry && (dot < 0 ? entry.chart : chartNamed(entry.chart, category))
      return entry && chart && { entry, chart }
    },
    journal: (stream) => books.get(categoryOf(stream)),
  }
}

/** Checks an event against its Schema and seals what is personal. */
export const prepare = (
  shapes: Shapes,
  isChild: boolean,
  stream: string,
  event: Proposal,
  vault: typeof Vault.Service,
): Result.Result<{ readonly type: string; readonly data: Json }, InvalidEvent> => {
  const { type } = event
  const invalid = (message: string) => Result.fail(new InvalidEvent({ stream, type, message }))
  if (isNeutral(type) && shapes.events?.has(type) !== true) {
    return invalid(`${type} is recorded by AIOS itself and cannot be proposed`)
  }
  if (shapes.events === undefined || isChild) return Result.succeed({ type, data: dataOf(event) })
  const shape = shapes.events.get(type)
  if (shape === undefined) {
    return invalid(
      `${categoryOf(stream)} knows no event ${type}; it knows ${
        [...shapes.events.keys()].join(", ")
      }`,
    )
  }
  const decoded = shape.decode(event)
  if (Result.isFailure(decoded)) return invalid(`${type} does not fit: ${decoded.failure.message}`)
  const data: Record<string, Json> = dataOf(decoded.success as Proposal)
  for (const field of shape.personal) {
    const value = data[field]
    if (value === undefined || isSealed(value)) continue
    const person = data["person"]
    data[field] = vault.seal(
      typeof person === "string" ? person : founder,
      value,
    ) as unknown as Json
  }
  return Result.succeed({ type, data })
}

const dataOf = (event: Proposal): Record<string, Json> => {
  const { type: _, ...data } = event
  return data
}
