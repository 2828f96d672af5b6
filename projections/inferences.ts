/**
 * What models answered, by the hash of the prompt: where the sealed transcript lies, so that the same is
 * not asked twice. Rows: `<hash of the prompt>`. The rows hold no text.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import { listOf, numberOf, objectOf, textOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

const note = (event: RecordedEvent, rows: Rows) => {
  for (const one of listOf(objectOf(event.data)["usage"])) {
    const { cached, estimated, model, outcome, prompt, tokensIn, tokensOut, transcript } = objectOf(
      one,
    )
    const useful = outcome === "ok"
    // What broke off is no answer.
    if (
      cached === true || estimated === true || transcript === undefined ||
      !(useful || outcome === "misfit")
    ) continue
    const key = textOf(prompt)
    if (key === "") continue
    const { bytes, sha256, subject } = objectOf(transcript)
    rows.set(key, {
      model: textOf(model),
      tokensIn: numberOf(tokensIn),
      tokensOut: numberOf(tokensOut),
      transcript: {
        sha256: textOf(sha256),
        subject: textOf(subject),
        bytes: numberOf(bytes),
      },
      useful,
      at: event.metadata.at,
      event: event.id,
    })
  }
}

export const inferences = defineProjection({
  name: "inferences",
  version: 1,
  on: { ActivitySucceeded: note, ActivityFailed: note, RunCutOff: note },
})
