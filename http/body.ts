/** Bodies of requests, never more of them than a request may have. */
import { Effect } from "effect"
import { type Problem, problem } from "./problem.ts"

/** An event is at most 900 KiB; the rest is room for its wrapping. */
export const bodyBytesMax = 1024 * 1024

export const mediaTypeOf = (request: Request): string =>
  (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase()

const tooLarge = problem(
  413,
  "BodyTooLarge",
  "Body too large",
  `A request has at most ${bodyBytesMax} bytes. Send less; files are imported with aios import.`,
)

/** The body as text; reading stops where it grows too large. */
export const limitedText = (request: Request): Effect.Effect<string, Problem> =>
  Effect.tryPromise({
    try: async () => {
      if (Number(request.headers.get("content-length") ?? 0) > bodyBytesMax) throw tooLarge
      const reader = request.body?.getReader()
      if (reader === undefined) return ""
      const decoder = new TextDecoder()
      let bytes = 0
      let text = ""
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text + decoder.decode()
        bytes += value.length
        if (bytes > bodyBytesMax) {
          await reader.cancel()
          throw tooLarge
        }
        text += decoder.decode(value, { stream: true })
      }
    },
    catch: (cause) =>
      cause === tooLarge
        ? tooLarge
        : problem(400, "BodyBrokenOff", "Body broken off", "The body ended early. Send it again."),
  })
