/** One circuit as it is kept in this process: its limits, what it counts, and how it is told. */
import { Effect, Semaphore } from "effect"
import type { Service, Trouble } from "../machines/integration-events.ts"
import type { CircuitState, ProbeFailure } from "./circuits.ts"

/** The first pause before a probe; further ones double. */
export const pauseMillisMin = 1_000

interface Limits {
  /** Failures or late answers in a row. */
  readonly failuresMax: number
  /** Answers in a row that were of no use: a small model gives some of them on a good day. */
  readonly uselessMax: number
  /** An answer later than this is a late one, though it came; undefined: whoever asks sets the time. */
  readonly answerMillisMax: number | undefined
}
export const limits: { readonly [service in Service]: Limits } = {
  ollama: { failuresMax: 3, uselessMax: 25, answerMillisMax: undefined },
  chroma: { failuresMax: 3, uselessMax: 3, answerMillisMax: 10_000 },
  embedder: { failuresMax: 3, uselessMax: 3, answerMillisMax: 30_000 },
}

export const names: { readonly [service in Service]: string } = {
  ollama: "Ollama",
  chroma: "Chroma",
  embedder: "the embedder",
}
export const reasons: { readonly [trouble in Trouble]: string } = {
  absent: "nobody answers",
  noModel: "the model it should run is not there",
  slow: "answers come too late",
  garbage: "its answers are of no use",
  failed: "it refuses, or breaks off",
}

type Probe = Effect.Effect<void, ProbeFailure>

export interface Circuit {
  readonly service: Service
  readonly lock: Semaphore.Semaphore
  readonly telling: Semaphore.Semaphore
  probe: Probe | undefined
  /** Shows more than that somebody is there. */
  thorough: Probe | undefined
  /** The log was asked how it stands. */
  loaded: boolean
  /** It has answered, ever. */
  met: boolean
  open: boolean
  proven: boolean
  trouble: Trouble | undefined
  reason: string
  since: number
  failures: number
  useless: number
  /** The last answer was not complained of yet. */
  unjudged: boolean
  pauseMillis: number
  /** Monotonic ms of the last change, and how long the last outage was. */
  changedAt: number
  outageMillis: number
  /** Since it opened, or since this process found it open. */
  probes: number
  probing: boolean
  /** What the last probe said. */
  refusal: ProbeFailure | undefined
  /** It was down when the process before this one ended, and was not tried since. */
  inherited: boolean
  /** Callers are let through again, and what they get decides whether it works: no probe could tell. */
  onTrial: boolean
  /** The log does not know of the last change yet. */
  untold: boolean
}

/** What never answered here cannot be out, whatever kept it from answering. */
export const isOutage = ({ met }: Circuit) => met

export const stateOf = (circuit: Circuit): CircuitState => ({
  service: circuit.service,
  open: circuit.open,
  absent: circuit.open && !isOutage(circuit),
  proven: circuit.proven,
  wanted: circuit.probe !== undefined,
  ...(circuit.open && circuit.trouble !== undefined
    ? { trouble: circuit.trouble, reason: circuit.reason }
    : {}),
  since: circuit.since,
})

export const unopened = Effect.fnUntraced(function* (service: Service) {
  return {
    service,
    lock: yield* Semaphore.make(1),
    telling: yield* Semaphore.make(1),
    probe: undefined,
    thorough: undefined,
    loaded: false,
    met: false,
    open: false,
    proven: false,
    trouble: undefined,
    reason: "",
    since: 0,
    failures: 0,
    useless: 0,
    unjudged: false,
    pauseMillis: 0,
    changedAt: 0,
    outageMillis: 0,
    probes: 0,
    probing: false,
    refusal: undefined,
    inherited: false,
    onTrial: false,
    untold: false,
  } satisfies Circuit as Circuit
})
