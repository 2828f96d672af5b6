/** A moment as the founder writes it: a day, which means its end, or an instant. */
import { Clock, DateTime, Effect } from "effect"
import { instantOf } from "../actors/cadence.ts"
import { refuse } from "./aios-failures.ts"

/** Epoch milliseconds as programs write them: thirteen digits since 2001. */
const millisPattern = /^\d{12,15}$/
const dayPattern = /^\d{4}-\d{2}-\d{2}$/

const wrong = (message: string) => refuse("usage", "InvalidValue", message)

/** Epoch ms; `name` is what the founder gave it for, such as `--at`. */
export const momentIn = Effect.fnUntraced(function* (name: string, word: string, timeZone: string) {
  const now = yield* Clock.currentTimeMillis
  const isDay = dayPattern.test(word)
  const at = millisPattern.test(word)
    ? Number(word)
    : Date.parse(isDay ? `${word}T00:00:00Z` : word)
  // Other forms are read in one runtime so and in another otherwise.
  const isWritten = isDay || millisPattern.test(word) || /^\d{4}-\d{2}-\d{2}T/.test(word)
  if (
    !isWritten || !Number.isFinite(at) || (isDay && !new Date(at).toISOString().startsWith(word))
  ) {
    return yield* wrong(
      `${name}: ${word} is no day. Give it as 2026-11-20, or an instant as 2026-11-20T17:00:00Z.`,
    )
  }
  const next = isDay
    ? DateTime.formatIsoDate(DateTime.add(DateTime.makeUnsafe(at), { days: 1 }))
    : ""
  if ((isDay ? instantOf(word, "00:00", timeZone) : at) > now) {
    return yield* wrong(`${name}: ${word} is still to come.`)
  }
  return isDay ? instantOf(next, "00:00", timeZone) - 1 : at
})
