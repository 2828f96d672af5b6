/**
 * The OpenAPI 3.1 document, made of the route table: the Schemas that check the requests are the ones
 * that stand here.
 */
import { JsonSchema, Schema, SchemaRepresentation } from "effect"
import { objectOf, textsOf } from "../projections/fields.ts"
import { aiosVersion } from "../projections/aios-wire.ts"
import { ProblemSchema, problemType } from "./problem.ts"
import { type Route, route } from "./route.ts"
import { Effect } from "effect"

const titles: Readonly<Record<number, string>> = {
  400: "Not understood",
  401: "No token",
  403: "Sent by another site, or a session's change without its Origin",
  404: "Not there",
  409: "Not now",
  412: "The actor has moved on",
  413: "Too large",
  415: "No JSON",
  421: "Not meant for this host",
  422: "Refused",
  500: "Broke down",
  501: "Not in this version",
  503: "Not now; try again",
}

/** Hono writes `:id`, OpenAPI `{id}`. */
const pathOf = (path: string): string =>
  path.replaceAll(/:([A-Za-z]+)(\{[^}]*\})?/g, (_, name: string) => `{${name}}`)

/** What stands in front of every route refuses: another host, another site, no token, no JSON. */
const guardedBy = ({ method, open }: Route): ReadonlyArray<number> => [
  ...(open ? [] : [401]),
  ...(method !== "get" ? [403, 413, 415] : []),
  421,
]

/** Several Schemas with one pool of components. */
const compiled = (schemas: readonly [Schema.Constraint, ...Array<Schema.Constraint>]) =>
  JsonSchema.toMultiDocumentOpenApi3_1(
    SchemaRepresentation.toJsonSchemaMultiDocument(
      SchemaRepresentation.toRepresentations([
        Schema.toCodecJson(schemas[0]).ast,
        ...schemas.slice(1).map((schema) => Schema.toCodecJson(schema).ast),
      ]),
    ),
  )

export const openApiOf = (routes: ReadonlyArray<Route>) => {
  const schemas: Array<Schema.Constraint> = []
  const use = (schema: Schema.Constraint) => schemas.push(schema)
  const problemAt = use(ProblemSchema) - 1
  const placed = routes.map((one) => ({
    route: one,
    params: one.params === undefined ? undefined : use(one.params) - 1,
    query: one.query === undefined ? undefined : use(one.query) - 1,
    body: one.body === undefined ? undefined : use(one.body) - 1,
    answer: use(one.answer) - 1,
  }))
  const { definitions, schemas: json } = compiled([schemas[0]!, ...schemas.slice(1)])
  const problemRef = json[problemAt]

  const fields = (at: number | undefined, where: "path" | "query") => {
    if (at === undefined) return []
    const schema = objectOf(json[at])
    const required = textsOf(schema["required"])
    return Object.entries(objectOf(schema["properties"])).map(([name, one]) => ({
      name,
      in: where,
      required: where === "path" || required.includes(name),
      schema: one,
    }))
  }

  const paths: Record<string, Record<string, unknown>> = {}
  for (const { answer, body, params, query, route: one } of placed) {
    const path = pathOf(one.path)
    const problems = [...new Set([400, ...guardedBy(one), ...one.problems, 500])]
    paths[path] ??= {}
    paths[path][one.method] = {
      operationId: one.id,
      tags: [one.tag],
      summary: one.summary,
      parameters: [
        ...fields(params, "path"),
        ...fields(query, "query"),
        ...Object.entries(one.reads).map(([name, description]) => ({
          name,
          in: "header",
          required: false,
          description,
          schema: { type: "string" },
        })),
      ],
      ...(body === undefined ? {} : {
        requestBody: {
          required: true,
          content: { "application/json": { schema: json[body] } },
        },
      }),
      responses: {
        [one.status]: {
          description: one.summary,
          content: { [one.mediaType.split(";")[0]!]: { schema: json[answer] } },
        },
        ...("if-none-match" in one.reads ? { 304: { description: "Nothing new" } } : {}),
        ...Object.fromEntries(
          problems.toSorted().map((status) => [status, {
            description: titles[status] ?? "A problem",
            content: { [problemType]: { schema: problemRef } },
          }]),
        ),
      },
      ...(one.open ? { security: [] } : {}),
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "AIOS",
      version: aiosVersion,
      description:
        "The operating system of a one-person company, on this machine only. Errors are " +
        "application/problem+json; `detail` says what to do next.",
    },
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      schemas: definitions,
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description: "The file `token` in the data directory, or AIOS_TOKEN",
        },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "aios_session",
          description: "What the one-time link of `aios start` gives a browser; the port is added",
        },
      },
    },
  }
}

/** The document as a route; it describes itself as well. */
export const openApiRoute = (routes: ReadonlyArray<Route>): Route => {
  let made: string | undefined
  const self: Route = route({
    id: "openapi",
    method: "get",
    path: "/openapi.json",
    tag: "health",
    summary: "This document",
    answer: Schema.Json,
    handle: () =>
      Effect.sync(() => {
        made ??= JSON.stringify(openApiOf([...routes, self]))
        return new Response(made, { headers: { "content-type": "application/json" } })
      }),
  })
  return self
}
