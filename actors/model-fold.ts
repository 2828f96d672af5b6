/**
 * A conversation as one message, for models whose template shows only what the user says: instructions sent as
 * system message, and sometimes all turns but the last, never reach them. Each part stands in a fence of its
 * own, which no material can close: `model-prompt.ts` lets no fence through. The same messages fold the same.
 */
import { canonical } from "./canonical.ts"
import { sha256Hex } from "./ids.ts"
import type { InferenceRequest } from "./inference.ts"

type Messages = InferenceRequest["messages"]

const codeDigits = 12

/** `renderer`: code of the server's own takes the template's place, and renders all messages. */
interface Shown {
  readonly template?: unknown
  readonly modelfile?: unknown
  readonly renderer?: unknown
}

/** Whether a model is told what a system message says. A template that cannot be read tells nothing. */
export const rendersSystem = (shown: Shown | null | undefined): boolean => {
  const { modelfile, renderer, template } = shown ?? {}
  return (typeof renderer === "string" && renderer !== "") ||
    (typeof modelfile === "string" && /^RENDERER\s+\S/m.test(modelfile)) ||
    (typeof template === "string" && /\{\{[^}]*\.(System|Messages)\b/.test(template))
}

/** One message that says all of it. What is one message of the user already stays as it is. */
export const folded = (messages: Messages): Messages => {
  if (messages.every(({ role }) => role === "user") && messages.length === 1) return messages
  const code = sha256Hex(canonical(messages.map(({ content, role }) => ({ content, role })))).slice(
    0,
    codeDigits,
  )
  const fenced = (name: string, content: string) =>
    // The code never stands inside: it is a hash of all of this.
    `<<<${name} ${code}\n${content.replaceAll(code, "…")}\nend of ${name} ${code}>>>`
  const parts = messages.map(({ content, role }) => {
    switch (role) {
      case "system":
        return fenced("instructions", content)
      case "assistant":
        return fenced("your earlier answer", content)
      case "user":
        return content
    }
  })
  return [{ role: "user", content: `${parts.join("\n\n")}\n` }]
}
