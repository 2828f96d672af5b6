/**
 * For those who watch: `/livez` (the process answers), `/readyz` (the log opens and no read model stands
 * still), `/metrics` (Prometheus text).
 */
import { Effect, Schema } from "effect"
import { EventLog } from "../actors/event-log.ts"
import { Aios, type OperationFailed } from "../projections/aios.ts"
import type { CostRow } from "../projections/aios-memory.ts"
import { failureOf } from "../projections/aios-failures.ts"
import { readersNow } from "./live.ts"
import type { Meter } from "./meter.ts"
import { type Route, route } from "./route.ts"

export const alive = route({
  id: "livez",
  method: "get",
  path: "/livez",
  tag: "health",
  summary: "The process answers; asks for no token",
  open: true,
  answer: Schema.Struct({ ok: Schema.Literal(true) }),
  handle: () => Effect.succeed({ ok: true } as const),
})

const Check = Schema.Struct({ name: Schema.String, ok: Schema.Boolean, detail: Schema.String })

const checkOf = <A>(
  name: string,
  effect: Effect.Effect<A, OperationFailed>,
  detail: (value: A) => string | undefined,
) =>
  Effect.match(effect, {
    onFailure: (failure) => ({ name, ok: false, detail: failure.message }),
    onSuccess: (value) => {
      const problem = detail(value)
      return { name, ok: problem === undefined, detail: problem ?? "" }
    },
  })

export const ready = route({
  id: "readyz",
  method: "get",
  path: "/readyz",
  tag: "health",
  summary:
    "It can work: the log opens, no read model stands still; 503 where not. Services that are out are " +
    "named and do not matter: it works without them",
  answer: Schema.Struct({
    ok: Schema.Boolean,
    checks: Schema.Array(Check),
    services: Schema.Array(Schema.Struct({ name: Schema.String, state: Schema.String })),
  }),
  problems: [503],
  handle: () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const log = yield* EventLog
      const checks = [
        yield* checkOf("log", Effect.mapError(log.head, failureOf), () => undefined),
        yield* checkOf("read models", aios.projections, (all) => {
          const parked = all.filter(({ problem }) => problem !== undefined)
          return parked.length === 0
            ? undefined
            : parked.map(({ name, problem }) => `${name}: ${problem}`).join("; ")
        }),
      ]
      const ok = checks.every((check) => check.ok)
      const services = (yield* Effect.orElseSucceed(aios.services, () => [])).map(
        ({ name, state }) => ({ name, state }),
      )
      return ok
        ? { ok, checks, services }
        : new Response(JSON.stringify({ ok, checks, services }), {
          status: 503,
          headers: { "content-type": "application/json", "cache-control": "no-store" },
        })
    }),
})

const gauge = (
  name: string,
  help: string,
  values: ReadonlyArray<readonly [labels: string, value: number]>,
) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} gauge`,
  ...values.map(([labels, value]) => `${name}${labels} ${value}`),
]

const modelMetrics = (rows: ReadonlyArray<CostRow>) => {
  const counted = (
    name: string,
    help: string,
    of: (row: CostRow) => ReadonlyArray<readonly [more: string, value: number]>,
  ) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} counter`,
    ...rows.flatMap((row) => {
      const labels = `agent="${row.agent}",activity="${row.activity}",model="${row.model}"`
      return of(row).map(([more, value]) => `${name}{${labels}${more}} ${value}`)
    }),
  ]
  return [
    ...counted("aios_model_calls_total", "Questions to models.", (row) => [
      [',cached="false"', row.calls],
      [',cached="true"', row.cached],
    ]),
    ...counted("aios_model_failures_total", "Questions without an answer of use.", (row) => [
      ["", row.failures],
    ]),
    ...counted("aios_model_tokens_total", "Tokens in and out.", (row) => [
      [',type="input"', row.tokensIn],
      [',type="output"', row.tokensOut],
    ]),
    ...counted("aios_model_seconds_total", "Time of models.", (row) => [["", row.millis / 1000]]),
    ...counted("aios_model_cost_micros_total", "By the price list, in millionths.", (row) => [
      ["", row.micros],
    ]),
  ]
}

export const metricsOf = (meter: Meter): Route =>
  route({
    id: "metrics",
    method: "get",
    path: "/metrics",
    tag: "health",
    summary: "Prometheus text: events, lag, what is open, requests",
    answer: Schema.String,
    mediaType: "text/plain; version=0.0.4",
    handle: () =>
      Effect.gen(function* () {
        const aios = yield* Aios
        const head = yield* Effect.mapError((yield* EventLog).head, failureOf)
        const remaining = yield* aios.settle(0)
        const { rows } = yield* Effect.orElseSucceed(aios.costs({}), () => ({ rows: [] }))
        const models = yield* Effect.orElseSucceed(aios.projections, () => [])
        const text = [
          ...gauge("aios_log_head_position", "Position of the last event; -1 in an empty log.", [
            ["", head],
          ]),
          ...gauge(
            "aios_read_model_events",
            "Events that a read model has seen.",
            models.map(({ events, name }) => [`{name="${name}"}`, events] as const),
          ),
          ...gauge(
            "aios_read_model_lag_positions",
            "How far a read model is behind the log.",
            models.map(({ head, name, position }) =>
              [`{name="${name}"}`, Math.max(0, head - position)] as const
            ),
          ),
          ...gauge(
            "aios_read_models_parked",
            "Read models that stand still.",
            [["", models.filter(({ problem }) => problem !== undefined).length]],
          ),
          ...gauge("aios_open_asks", "Asks still to be carried out.", [
            ['{lane="interactive"}', remaining.interactive],
            ['{lane="batch"}', remaining.batch],
          ]),
          ...gauge("aios_gated", "Asks held until the founder decides.", [["", remaining.gated]]),
          ...gauge("aios_quarantined", "Asks whose outcome nobody knows.", [
            ["", remaining.quarantined],
          ]),
          ...gauge("aios_parked_actors", "Actors that stand still after a defect.", [
            ["", remaining.parked],
          ]),
          ...modelMetrics(rows),
          ...gauge("aios_live_readers", "Readers that follow the log.", [["", readersNow()]]),
          meter.text(),
        ].join("\n")
        return new Response(text, {
          headers: {
            "content-type": "text/plain; version=0.0.4; charset=utf-8",
            "cache-control": "no-store",
          },
        })
      }),
  })
