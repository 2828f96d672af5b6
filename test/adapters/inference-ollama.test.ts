/**
 * What the Ollama adapter makes of a server's odd answers, over a real socket: refusals, garbage, silence, an
 * answer that breaks off, a download's progress. The real server is in `test/models/`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Effect, Fiber, Stream } from "effect"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { Inference, type InferenceRequest } from "../../actors/inference.ts"
import { hostOf, layer } from "../../adapters/inference-ollama.ts"

let server: Server
let host: string
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void
/** What `/api/show` says of every model; an error's text: it refuses. */
let shown: object | string
let shows: number

const listening = (server: Server) =>
  new Promise<string>((done) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      done(`http://127.0.0.1:${typeof address === "object" ? address!.port : 0}`)
    })
  )

beforeEach(async () => {
  answer = (_request, response) => void response.end()
  shown = { template: "{{ .System }}\n{{ .Prompt }}" }
  shows = 0
  server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    if (request.url === "/api/show") {
      shows++
      if (typeof shown !== "string") return void response.end(JSON.stringify(shown))
      return void response.writeHead(500).end(JSON.stringify({ error: shown }))
    }
    answer(request, response, body)
  })
  host = await listening(server)
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const request: InferenceRequest = {
  model: "small:1b",
  messages: [{ role: "user", content: "Hello" }],
  tokensMax: 7,
  temperature: 0.5,
  seed: 3,
  contextTokens: 512,
  format: { type: "object" },
}
const asked = <A, E>(use: (one: Inference["Service"]) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(Inference, use), layer({ host })))
const failure = <A, E>(use: (one: Inference["Service"]) => Effect.Effect<A, E>) =>
  asked((one) => Effect.flip(use(one)))
const chat = ({ chat }: Inference["Service"]) => Stream.runCollect(chat(request))
const lines = (...values: ReadonlyArray<unknown>) =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("")
const said = (content: string) => ({ message: { role: "assistant", content }, done: false })
const end = {
  ...said(""),
  done: true,
  done_reason: "stop",
  total_duration: 2_500_000_000,
  load_duration: 1_000_000_000,
  prompt_eval_count: 11,
  eval_count: 5,
}

describe("Ollama's answers", () => {
  it("carry every setting of the request, and are read to the end", async () => {
    let body = ""
    answer = (_request, response, text) => {
      body = text
      response.end(lines(said("Hel"), said("lo"), end))
    }
    expect(await asked(chat)).toEqual([{ text: "Hel" }, { text: "lo" }, {
      done: true,
      because: "stop",
      tokensIn: 11,
      tokensOut: 5,
      millis: 2_500,
      loadMillis: 1_000,
    }])
    expect(JSON.parse(body)).toMatchObject({
      model: "small:1b",
      stream: true,
      format: { type: "object" },
      options: { num_predict: 7, num_ctx: 512, temperature: 0.5, seed: 3 },
    })
  })

  it("are to all messages where the template shows them, else to one that says all of it", async () => {
    const messages = [
      { role: "system", content: "Say how warm it is." },
      { role: "user", content: "<<<material 1f · mail\nIt rains.\nend of material 1f>>>" },
      { role: "assistant", content: "Mild?" },
      { role: "user", content: "That is of no use: a number is wanted." },
    ] as const
    const sent: Array<ReadonlyArray<{ readonly role: string; readonly content: string }>> = []
    answer = (_request, response, text) => {
      sent.push(JSON.parse(text).messages)
      response.end(lines(said("7"), end))
    }
    const chatting = ({ chat }: Inference["Service"]) =>
      Stream.runDrain(chat({ ...request, messages }))
    for (
      const [show, folds] of [
        [{ template: "{{ .Prompt }}" }, true],
        [{ template: "{{ if .System }}{{ .System }}{{ end }}{{ .Prompt }}" }, false],
        [{ template: "{{- range $i, $_ := .Messages }}{{ .Content }}{{ end }}" }, false],
        [{ template: "{{ .Prompt }}", modelfile: "FROM x\nRENDERER qwen3-coder\n" }, false],
        [{ template: "The System of {{ .Prompt }}" }, true],
        [{}, true],
        ["cannot show it", true],
      ] as const
    ) {
      shown = show
      sent.length = 0
      await asked(chatting)
      const name = JSON.stringify(show)
      if (!folds) {
        expect(sent, name).toEqual([messages])
        continue
      }
      await asked(chatting)
      const [first, again] = sent
      expect(again, name).toEqual(first)
      expect(first, name).toHaveLength(1)
      expect(first![0]!.role).toBe("user")
      const { content } = first![0]!
      const places = messages.map((one) => content.indexOf(one.content))
      expect(places.every((place) => place >= 0), name).toBe(true)
      expect(places).toEqual(places.toSorted((a, b) => a - b))
    }
  })

  it("are shown by a template that is asked for once, until the model is another", async () => {
    let digest = "a"
    const list = () => lines({ models: [{ name: "small:1b", size: 1, digest, details: {} }] })
    answer = (asked, response) =>
      void response.end(asked.url === "/api/tags" ? list() : lines(said("7"), end))
    await asked((one) =>
      Effect.gen(function* () {
        yield* one.models
        yield* chat(one)
        yield* chat(one)
        yield* one.models
        yield* chat(one)
        expect(shows).toBe(1)
        digest = "b"
        yield* one.models
        yield* chat(one)
        expect(shows).toBe(2)
      })
    )
  })

  it("that refuse say why, whether it may pass, and print nothing", async () => {
    const printed = vi.spyOn(console, "log")
    for (
      const [status, error, reason, retryable] of [
        [404, 'model "small:1b" not found, try pulling it first', "noModel", false],
        [404, "page not found", "failed", false],
        [400, "invalid format", "failed", false],
        [500, "model requires more system memory", "failed", true],
        [503, "server busy, please try again", "failed", true],
      ] as const
    ) {
      answer = (_request, response) => void response.writeHead(status).end(lines({ error }))
      expect(await failure(chat), error).toMatchObject({ reason, retryable })
    }
    answer = (_request, response) => void response.writeHead(502).end("<html>Bad gateway</html>")
    expect((await failure(chat)).message).toContain("Bad gateway")
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
  })

  it("that break off, or are none, are failures that may pass", async () => {
    answer = (_request, response) => void response.end()
    expect(await failure(chat)).toMatchObject({ reason: "failed", retryable: true })
    answer = (_request, response) =>
      void response.end(lines(said("Hel"), { error: "out of memory" }))
    expect((await failure(chat)).message).toContain("out of memory")
    answer = (_request, response) => {
      response.write(lines(said("Hel")), () => setTimeout(() => response.destroy(), 50))
    }
    expect(await failure(chat)).toMatchObject({ reason: "failed", retryable: true })
    answer = (_request, response) => void response.end("<html>Welcome</html>")
    const other = await failure(({ models }) => models)
    expect(other.message).toContain("does not speak as Ollama does")
    answer = (_request, response) => void response.end("{}")
    expect((await failure(({ models }) => models)).reason).toBe("failed")
    answer = (_request, response) => void response.end(lines({ embeddings: [[1, 0]] }))
    expect((await failure(({ embed }) => embed("vectors", ["a", "b"]))).reason).toBe("failed")
  })

  it("that end without their last word are cut off, their tokens guessed", async () => {
    answer = (_request, response) => void response.end(lines(said("Hello "), said("there")))
    expect(await asked(chat)).toEqual([{ text: "Hello " }, { text: "there" }, {
      ...{ done: true, because: "length", millis: 0, loadMillis: 0, estimated: true },
      tokensIn: 2,
      tokensOut: 3,
    }])
  })

  it("are read no further than they may go, however they run on", async () => {
    const endless = (text: string) => {
      let closed = () => {}
      const isClosed = new Promise<void>((done) => closed = done)
      let written = 0
      answer = (_request, response) => {
        response.on("close", closed)
        response.on("error", () => {})
        const write = () => {
          while (!response.destroyed) {
            written += text.length
            if (!response.write(text)) return void response.once("drain", write)
          }
        }
        write()
      }
      return { isClosed, written: () => written }
    }
    for (
      const [text, bytesMax] of [
        [lines(said("and on ")), 20_000_000],
        // No line ends, and what is said is nothing.
        ["x".repeat(65_536), 20_000_000],
        [lines(said("")), 20_000_000],
      ] as const
    ) {
      const { isClosed, written } = endless(text)
      const found = await failure(chat)
      expect(found).toMatchObject({ reason: "failed" })
      expect(found.message).toContain("more than was asked for")
      await isClosed
      expect(written()).toBeLessThan(bytesMax)
    }
  })

  it("that nobody waits for are closed, before the first word and after it", async () => {
    for (const first of ["", lines(said("Hel"))]) {
      let closed = () => {}
      let reached = () => {}
      const isClosed = new Promise<void>((done) => closed = done)
      const isReached = new Promise<void>((done) => reached = done)
      answer = (_request, response) => {
        response.on("close", closed)
        if (first !== "") response.write(first)
        setTimeout(reached, 50)
      }
      await asked((one) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(chat(one))
          yield* Effect.promise(() => isReached)
          yield* Fiber.interrupt(fiber)
        })
      )
      await isClosed
    }
  })

  it("tell a download's bytes over all its parts, and what could not be fetched", async () => {
    const steps: Array<{ readonly done: number; readonly total: number }> = []
    const pull = ({ pull }: Inference["Service"]) => pull("new:1b", (step) => steps.push(step))
    answer = (_request, response) => {
      response.end(lines(
        { status: "pulling manifest" },
        { status: "pulling a", digest: "a", total: 100 },
        { status: "pulling a", digest: "a", total: 100, completed: 60 },
        { status: "pulling b", digest: "b", total: 10, completed: 10 },
        { status: "pulling a", digest: "a", total: 100, completed: 100 },
        { status: "verifying sha256 digest" },
        { status: "success" },
      ))
    }
    await asked(pull)
    expect(steps.map(({ done }) => done)).toEqual([0, 0, 60, 70, 110, 110, 110])
    expect(steps.at(-1)!.total).toBe(110)
    answer = (_request, response) =>
      void response.end(lines({ error: "pull model manifest: file does not exist" }))
    expect(await failure(pull)).toMatchObject({ reason: "noModel", retryable: false })
    answer = (_request, response) =>
      void response.end(lines({ error: "dial tcp: lookup registry.ollama.ai: no such host" }))
    const offline = await failure(pull)
    expect(offline).toMatchObject({ reason: "failed", retryable: true })
    expect(offline.message).toContain("what was fetched is kept")
  })

  it("where nobody listens, say where and how to start one", async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
    for (const use of [chat, ({ models }: Inference["Service"]) => models]) {
      const found = await failure<unknown, { readonly reason: string; readonly message: string }>(
        use,
      )
      expect(found.reason).toBe("absent")
      expect(found.message).toContain(`${host} `)
      expect(found.message).toContain("ollama serve")
    }
  })

  it("are asked for where a server that listens everywhere is", () => {
    expect(hostOf("")).toBe("127.0.0.1:11434")
    expect(hostOf("0.0.0.0:9")).toBe("127.0.0.1:9")
    expect(hostOf("http://0.0.0.0:9")).toBe("http://127.0.0.1:9")
    expect(hostOf("http://[::]:9")).toBe("http://[::1]:9")
    expect(hostOf("https://models.example/ollama")).toBe("https://models.example/ollama")
  })
})
