/**
 * One definition per route: its Schemas check what comes in and are what /openapi.json is made of, so
 * neither can say something the other does not. `mount` gives them to Hono.
 */
import { Cause, type Context, Effect, Exit, Option, Result, Schema } from "effect"
import type { Context as HonoContext, Hono } from "hono"
import type { BlobStore } from "../actors/blob-store.ts"
import type { EventLog } from "../actors/event-log.ts"
import type { Vault } from "../actors/vault.ts"
import { type Aios, OperationFailed } from "../projections/aios.ts"
import type { Meter } from "./meter.ts"
import { limitedText, mediaTypeOf } from "./body.ts"
import { objectOf, textOf } from "../projections/fields.ts"
import { type Problem, problem, problemResponse } from "./problem.ts"

/** What routes may ask for. */
export type Services = Aios | BlobStore | EventLog | Vault

export type Shape = Schema.ConstraintDecoder<unknown>

interface Spec<P extends Shape, Q extends Shape, B extends Shape, A extends Shape> {
  /** As OpenAPI calls it. */
  readonly id: string
  readonly method: "get" | "post" | "put"
  /** Hono's notation: `/api/agents/:agent`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** What it answers with; streams say what one item is. */
  readonly answer: A
  /** Media type of the answer, where it is not JSON. */
  readonly mediaType?: string
  readonly status?: number
  /** Headers it reads, with what they are for. */
  readonly reads?: Readonly<Record<string, string>>
  /** Statuses of problems beside 400, 401 and 500. */
  readonly problems?: ReadonlyArray<number>
  /** Nobody is asked for a token. */
  readonly open?: boolean
  /**
   * An answer that is known already, given without further ado; undefined where it must be worked out.
   * Asked only where there is no query, so that there is nothing to check.
   */
  readonly quick?: Quick
  readonly handle: (input: {
    readonly params: P["Type"]
    readonly query: Q["Type"]
    readonly body: B["Type"]
    readonly request: Request
  }) => Effect.Effect<A["Type"] | Reply<A["Type"]> | Response, OperationFailed | Problem, Services>
}

export type Quick = (
  services: Context.Context<Services>,
  request: Request,
  params: Readonly<Record<string, string>>,
) => Response | undefined

/** An answer with headers of its own. */
export class Reply<A> {
  readonly body: A
  readonly headers: Readonly<Record<string, string>>
  constructor(body: A, headers: Readonly<Record<string, string>>) {
    this.body = body
    this.headers = headers
  }
}

/** What the document and Hono need of a route. */
export interface Route {
  readonly id: string
  readonly method: "get" | "post" | "put"
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly params: Schema.Constraint | undefined
  readonly query: Schema.Constraint | undefined
  readonly body: Schema.Constraint | undefined
  readonly answer: Shape
  readonly mediaType: string
  readonly status: number
  readonly reads: Readonly<Record<string, string>>
  readonly problems: ReadonlyArray<number>
  readonly open: boolean
  readonly quick: Quick | undefined
  readonly run: (raw: {
    readonly params: Readonly<Record<string, string>>
    readonly query: Readonly<Record<string, string>>
    readonly request: Request
  }) => Effect.Effect<Response, OperationFailed | Problem, Services>
}

const Nothing = Schema.Struct({})

const checked = <S extends Shape>(shape: S, where: string) => {
  const decode = Schema.decodeUnknownResult(shape)
  return (value: unknown): Effect.Effect<S["Type"], Problem> => {
    const decoded = decode(value)
    return Result.isSuccess(decoded) ? Effect.succeed(decoded.success) : Effect.fail(problem(
      400,
      "InvalidRequest",
      "Invalid request",
      `${where}: ${decoded.failure.message}. /openapi.json has the shape.`,
    ))
  }
}

/** A field that means nothing here is a mistyped one: it is told, not passed over. */
const namesChecked = (shape: Schema.Constraint | undefined) => {
  const known = shape === undefined
    ? []
    : Object.keys(objectOf(objectOf(Schema.toJsonSchemaDocument(shape).schema)["properties"]))
  return (query: Readonly<Record<string, string>>): Effect.Effect<void, Problem> => {
    const unknown = Object.keys(query).filter((name) => !known.includes(name))
    return unknown.length === 0 ? Effect.void : Effect.fail(problem(
      400,
      "InvalidRequest",
      "Invalid request",
      `The query has ${unknown.map((name) => JSON.stringify(name)).join(", ")}, which means ` +
        `nothing here. ${
          known.length === 0 ? "It takes nothing" : `It takes ${known.join(", ")}`
        }.`,
    ))
  }
}

/** In a query all is text: what its Schema calls a number is read as one before it is checked. */
const numbersOf = (shape: Schema.Constraint) => {
  const properties = objectOf(objectOf(Schema.toJsonSchemaDocument(shape).schema)["properties"])
  const numeric = new Set(
    Object.keys(properties).filter((name) =>
      ["integer", "number"].includes(textOf(objectOf(properties[name])["type"]))
    ),
  )
  return (query: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> =>
    numeric.size === 0 ? query : Object.fromEntries(
      Object.entries(query).map(([name, text]) => [
        name,
        numeric.has(name) && /^-?\d{1,15}$/.test(text) ? Number(text) : text,
      ]),
    )
}

const jsonOf = (request: Request, isWanted: boolean) =>
  Effect.gen(function* () {
    // A form always says that it is one, even where it is empty.
    if (!isWanted && request.headers.get("content-type") === null) {
      if ((yield* limitedText(request)) === "") return {}
    }
    if (mediaTypeOf(request) !== "application/json") {
      return yield* problem(
        415,
        "JsonWanted",
        "JSON wanted",
        "Send the body as JSON with `Content-Type: application/json`.",
      )
    }
    const text = yield* limitedText(request)
    if (text === "") return {}
    return yield* Effect.try({
      try: (): unknown => JSON.parse(text),
      catch: () =>
        problem(400, "InvalidJson", "Invalid JSON", "The body is no JSON. Mend it and send again."),
    })
  })

const responseOf = (value: unknown, status: number): Response => {
  if (value instanceof Response) return value
  const { body, headers } = value instanceof Reply ? value : { body: value, headers: {} }
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  })
}

export const route = <
  A extends Shape,
  P extends Shape = typeof Nothing,
  Q extends Shape = typeof Nothing,
  B extends Shape = typeof Nothing,
>(spec: Spec<P, Q, B, A>): Route => {
  const params = checked(spec.params ?? Nothing, "The address")
  const query = checked(spec.query ?? Nothing, "The query")
  const body = checked(spec.body ?? Nothing, "The body")
  const status = spec.status ?? 200
  const numbers = numbersOf(spec.query ?? Nothing)
  const names = namesChecked(spec.query)
  return {
    id: spec.id,
    method: spec.method,
    path: spec.path,
    tag: spec.tag,
    summary: spec.summary,
    params: spec.params,
    query: spec.query,
    body: spec.body,
    answer: spec.answer,
    mediaType: spec.mediaType ?? "application/json",
    status,
    reads: spec.reads ?? {},
    problems: spec.problems ?? [],
    open: spec.open ?? false,
    quick: spec.quick,
    run: (raw) =>
      Effect.gen(function* () {
        yield* names(raw.query)
        const input = {
          params: yield* params(raw.params),
          query: yield* query(numbers(raw.query)),
          body: yield* body(
            spec.method !== "get" ? yield* jsonOf(raw.request, spec.body !== undefined) : {},
          ),
          request: raw.request,
        }
        return responseOf(yield* spec.handle(input), status)
      }),
  }
}

/** What broke here is told as such, without its insides. */
const defect = (cause: Cause.Cause<unknown>): Problem => {
  const text = Cause.pretty(cause)
  return problem(
    500,
    "Defect",
    "AIOS broke down",
    `This request broke down (${
      text.split("\n")[0]
    }). The log is unharmed; aios doctor looks for the cause.`,
  )
}

/** Runs a request's effect to a response; failures become problems. */
export const running = (services: Context.Context<Services>) => {
  const run = Effect.runPromiseExitWith(services)
  return async (
    effect: Effect.Effect<Response, OperationFailed | Problem, Services>,
  ): Promise<Response> => {
    const exit = await run(effect)
    if (Exit.isSuccess(exit)) return exit.value
    const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    return problemResponse(failure ?? defect(exit.cause))
  }
}

type Handler = (c: HonoContext) => Response | Promise<Response>
/** What stands in front of every handler. */
export type Guarded = (handler: Handler) => Handler

export const mount = (
  hono: Hono,
  routes: ReadonlyArray<Route>,
  services: Context.Context<Services>,
  meter: Meter,
  guarded: Guarded,
): void => {
  const run = running(services)
  for (const one of routes) {
    const { quick } = one
    const handler = (c: HonoContext) => {
      const started = performance.now()
      const known = quick === undefined || c.req.raw.url.includes("?")
        ? undefined
        : quick(services, c.req.raw, c.req.param())
      if (known === undefined) return worked(one, c, started)
      meter.observe(one.id, known.status, performance.now() - started)
      return known
    }
    hono.on(one.method.toUpperCase(), one.path, guarded(handler))
  }
  const worked = async (one: Route, c: HonoContext, started: number) => {
    const response = await run(one.run({
      params: c.req.param(),
      query: c.req.query(),
      request: c.req.raw,
    }))
    meter.observe(one.id, response.status, performance.now() - started)
    return response
  }
}
