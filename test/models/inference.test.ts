/** The real Ollama server, against the contract of every model server. */
import { Effect } from "effect"
import { expect, it } from "vitest"
import { Inference } from "../../actors/inference.ts"
import * as ollama from "../../adapters/inference-ollama.ts"
import { inferenceContract } from "../contract/inference.ts"
import { chatModel, embeddingModel, realHost, withOllama } from "./real.ts"

withOllama("Ollama", () => {
  inferenceContract("as it answers", {
    layer: ollama.layer({ host: realHost }),
    chatModel,
    embeddingModel,
    endless: "Count from one to ten thousand, one number per line:\n1\n2\n3\n4\n",
  })

  it("does not find out by pulling what it cannot reach", async () => {
    const pull = Effect.flatMap(Inference, ({ pull }) => pull("no-such-model:1b", () => {}))
    const failure = await Effect.runPromise(
      Effect.flip(Effect.provide(pull, ollama.layer({ host: realHost }))),
    )
    expect(failure._tag).toBe("InferenceFailed")
    expect(failure.message).toContain("no-such-model:1b")
  })
})
