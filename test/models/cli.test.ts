/** `aios models` beside the real server: what is installed is used, and said. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { run } from "../cli/aios.ts"
import { chatModel, withModels } from "./real.ts"

withModels("aios models, with real models", () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-models-real-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const aios = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
    run([...args, "--data-dir", join(folder, "data")], { env })

  it("uses the only model that can answer, and says so", async () => {
    const state = JSON.parse((await aios(["models", "--json"])).out)
    expect(state.chat).toMatchObject({ answers: true, small: chatModel, ready: true })
    expect(state.chat.because).toBe("it is the only one that is installed")
    expect(state.chat.fetches).toBeUndefined()
    const use = Object.fromEntries(
      state.chat.models.map((model: { name: string; use: string }) => [model.name, model.use]),
    )
    expect(use).toEqual({ [chatModel]: "small", "all-minilm:latest": "vectors" })
    expect(state.embedding).toMatchObject({ given: true, state: "other" })
    const { out } = await aios(["models"])
    expect(out).toMatch(/gemma3:270m is used: it is the only one/)
  })

  it("fetches nothing that is there, and says what it cannot reach", async () => {
    const whole = await aios(["models", "pull", "--json"])
    expect(whole.code).toBe(0)
    expect(JSON.parse(whole.out)).toMatchObject({
      embedding: { fetched: false },
      chat: { fetched: false, model: chatModel, ready: true },
    })
    const other = await aios(["models", "pull", "--chat-only", "--model", "no-such-model:1b"])
    expect(other.code).toBe(1)
    expect(other.err).toMatch(/no-such-model:1b/)
  })

  it("with AIOS_EMBEDDER=ollama the embedding model is Ollama's", async () => {
    const { out } = await aios(["models", "--json"], { AIOS_EMBEDDER: "ollama" })
    expect(JSON.parse(out).embedding).toMatchObject({ by: "ollama", state: "whole" })
  })
})
