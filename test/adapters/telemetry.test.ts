/** Spans as a collector gets them: a real one over HTTP, around calls of a model, and from the launcher. */
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { LanguageModel } from "../../actors/language-model.ts"
import type { Usage } from "../../actors/usage.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import * as telemetry from "../../adapters/telemetry-otlp.ts"
import { listOf, objectOf, textOf } from "../../projections/fields.ts"
import { atDesk, completing, fits, payingAs, question } from "../actors/desk.ts"
import { founder, home, root } from "../cli/aios.ts"

interface Span {
  readonly name: string
  readonly kind: unknown
  readonly status: unknown
  readonly attributes: Readonly<Record<string, unknown>>
}
const bodies: Array<{ readonly path: string; readonly header: string; readonly body: unknown }> = []
const server = createServer((request, response) => {
  let text = ""
  request.setEncoding("utf8").on("data", (part) => text += part)
  request.on("end", () => {
    bodies.push({
      path: request.url ?? "",
      header: String(request.headers["x-team"] ?? ""),
      body: JSON.parse(text),
    })
    response.writeHead(200, { "content-type": "application/json" }).end("{}")
  })
})
let endpoint = ""
beforeAll(async () => {
  await new Promise<void>((then) => server.listen(0, "127.0.0.1", then))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const valueOf = (value: unknown): unknown => {
  const found = objectOf(value)
  if ("arrayValue" in found) return listOf(objectOf(found["arrayValue"])["values"]).map(valueOf)
  const [first] = Object.values(found)
  return typeof first === "string" && "intValue" in found ? Number(first) : first
}
const spans = (): ReadonlyArray<Span> =>
  bodies.flatMap(({ body }) => listOf(objectOf(body as never)["resourceSpans"]))
    .flatMap((resource) => listOf(objectOf(resource)["scopeSpans"]))
    .flatMap((scope) => listOf(objectOf(scope)["spans"]))
    .map((span) => {
      const { attributes, kind, name, status } = objectOf(span)
      return {
        name: textOf(name),
        kind,
        status,
        attributes: Object.fromEntries(
          listOf(attributes).map((one) => [
            textOf(objectOf(one)["key"]),
            valueOf(objectOf(one)["value"]),
          ]),
        ),
      }
    })

describe("spans of model calls", () => {
  it("carry what OpenTelemetry's conventions ask for, what it cost, and no text", async () => {
    const model = scripted((_, call) => call === 1 ? "no" : fits, { models: ["tiny"] })
    const usages: Array<Usage> = []
    await atDesk(
      { server: model, policy: { prices: { tiny: { in: 1_000, out: 1_000, second: 0 } } } },
      Effect.gen(function* () {
        yield* completing()
        yield* completing(question({ text: "Another mail of Ada" }))
        model.answers(false)
        yield* Effect.exit(completing(question({ text: "A third" })))
        // An answer that was there costs nothing and is no call.
        yield* completing()
      }).pipe(
        payingAs("interactive", usages),
        Effect.provide(
          telemetry.layer({ endpoint, version: "1.2.3", headers: "x-team=a%20b, other=c" }),
        ),
      ) as Effect.Effect<void, unknown, LanguageModel>,
    )
    expect(bodies[0]).toMatchObject({ path: "/v1/traces", header: "a b" })
    const chats = spans().filter(({ name }) => name === "chat tiny")
    expect(chats.length).toBe(4)
    expect(chats[0]!.kind).toBe(3)
    const { attributes } = chats[0]!
    expect(attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "scripted",
      "gen_ai.request.model": "tiny",
      "gen_ai.request.max_tokens": 100,
      "gen_ai.request.seed": 1,
      "gen_ai.output.type": "json",
      "gen_ai.response.model": "tiny",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": usages[0]!.tokensIn,
      "gen_ai.usage.output_tokens": usages[0]!.tokensOut,
      "aios.cost.micros": usages[0]!.micros,
      "aios.cost.tokens": usages[0]!.tokensIn + usages[0]!.tokensOut,
      "aios.agent": "executor",
      "aios.activity": "draftMail",
      "aios.lane": "interactive",
      "aios.prompt": usages[0]!.prompt,
    })
    expect(attributes["aios.template"]).toMatch(/^weigh@/)
    expect(chats[3]!.attributes["error.type"]).toBe("absent")
    expect(JSON.stringify(chats)).not.toMatch(/sponsorships|budget"|Ada/)
    expect(JSON.stringify(bodies[0]!.body)).toContain('"1.2.3"')
  })
})

describe("the launcher", () => {
  it("lets AIOS reach the collector, and refuses what is no address", async () => {
    const house = home(undefined, {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_SERVICE_NAME: "northlight",
    })
    try {
      const before = bodies.length
      const made = await house.aios("init", ...founder)
      expect(made).toMatchObject({ code: 0 })
      // Drafts ask what is remembered of a person, which is a span.
      expect(await house.aios("import", join(root, "sample/mailbox.mbox"))).toMatchObject({
        code: 0,
      })
      expect(bodies.length).toBeGreaterThan(before)
      expect(JSON.stringify(bodies.at(-1)!.body)).toContain('"northlight"')
    } finally {
      house.remove()
    }
    const wrong = home(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere at all" })
    try {
      const refused = await wrong.aios("costs")
      expect(refused.code).toBe(78)
      expect(refused.err).toContain("OTEL_EXPORTER_OTLP_ENDPOINT is no address")
    } finally {
      wrong.remove()
    }
  })

  it("a collector that does not answer costs nothing but the spans", async () => {
    const house = home(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" })
    try {
      expect(await house.aios("init", ...founder)).toMatchObject({ code: 0 })
    } finally {
      house.remove()
    }
  })
})
