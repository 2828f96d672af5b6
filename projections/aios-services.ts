/**
 * How the services AIOS leans on stand: what the log says of outages, and what this process found out. A
 * service that was never there is `absent`, one that nobody has needed yet `untried`.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import type { Circuits, CircuitState } from "../actors/circuits.ts"
import { Service } from "../machines/integration-events.ts"
import type { Check } from "./aios.ts"
import { door } from "./aios-failures.ts"
import type { ServiceRow } from "./aios-memory.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import { fixOfService, isTrouble, serviceName, withoutService } from "./service-words.ts"

const rowOf = Effect.fnUntraced(function* (service: Service, live: CircuitState | undefined) {
  const view = yield* door(
    Effect.flatMap(ActorSystem, (system) => system.view(`integration-${service}`)),
  )
  const known = objectOf(view?.context ?? null)
  const logged = typeof view?.value === "string" ? view.value : undefined
  // What the log says stands until it answered here.
  const isOpen = live?.open === true ||
    (live?.proven !== true && (logged === "open" || logged === "probing"))
  const state = live?.absent === true
    ? "absent"
    : isOpen
    ? logged === "probing" ? "probing" : "open"
    : live?.proven === true || logged !== undefined
    ? "healthy"
    : live?.wanted === false
    ? "off"
    : "untried"
  const trouble = live?.trouble ?? known["trouble"]
  const isWell = !isOpen || !isTrouble(trouble)
  return {
    name: service,
    state,
    since: live?.absent === true ? 0 : numberOf(known["since"]) || live?.since || 0,
    reason: isWell ? "" : live?.reason ?? textOf(known["reason"]),
    fix: isWell ? "" : fixOfService(service, trouble),
    without: withoutService(service, state === "absent" || state === "off"),
  } satisfies ServiceRow
})

/** What is found out first. `untried`: what is down, and what never answered here. */
export type Look = "none" | "untried" | "all"

/** Without circuits only what the log says is told. */
export const servicesOf = Effect.fnUntraced(function* (
  circuits: Circuits["Service"] | undefined,
  which: Look,
) {
  if (circuits !== undefined && which !== "none") yield* circuits.look(which)
  const states = circuits === undefined ? [] : yield* circuits.states
  return yield* Effect.forEach(
    Service.literals,
    (service) => rowOf(service, states.find((one) => one.service === service)),
  )
})

/** What could be better here, and was never there. */
export const missingOf = (rows: ReadonlyArray<ServiceRow>) => {
  const isMissing = (name: string) =>
    rows.some((row) => row.name === name && row.state === "absent")
  return { model: isMissing("ollama"), embedder: isMissing("embedder") }
}

/** An outage is a fault with a remedy; what was never there is only told. */
export const checkOf = (row: ServiceRow): Check => {
  const name = `service ${row.name}`
  switch (row.state) {
    case "open":
    case "probing":
      return {
        name,
        ok: false,
        detail: `${serviceName(row.name)}: ${row.reason}; meanwhile ${row.without}`,
        fix: row.fix,
      }
    case "absent":
      return {
        name,
        ok: true,
        detail: `not there: ${row.without} (${row.reason})`,
        fix: "",
      }
    case "off":
      return { name, ok: true, detail: `switched off: ${row.without}`, fix: "" }
    case "untried":
      return { name, ok: true, detail: "not needed yet", fix: "" }
    default:
      return { name, ok: true, detail: "works", fix: "" }
  }
}
