/** `aios paid`: the founder says that money arrived, where no file says it. */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { OperationFailed } from "../projections/aios.ts"
import { minorDigits } from "../projections/aios-words.ts"
import { open, print } from "./access.ts"
import { finish } from "./finish.ts"
import { plain } from "./output.ts"
import { dayOfWords } from "./until.ts"

/** In units; more than that is a slip of the hand. */
const amountMax = 1e10

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

/** `1200.50`, `1,200.50` or `1200` in the smallest unit of a currency. */
export const minorOf = (written: string, digits: number): number | undefined => {
  const text = written.trim()
  const grouped = /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(text)
  const plainly = /^\d+(\.\d+)?$/.test(text)
  if (!grouped && !plainly) return undefined
  const [units = "", part = ""] = text.replaceAll(",", "").split(".")
  if (part.length > digits || Number(units) > amountMax) return undefined
  return Number(units) * 10 ** digits + Number(part.padEnd(digits, "0") || "0")
}

const paid = Command.make(
  "paid",
  {
    invoice: Argument.String("invoice").pipe(
      Argument.withDescription("The invoice's number, or its key"),
    ),
    amount: Flag.String("amount").pipe(
      Flag.withMetavar("<amount>"),
      Flag.withDescription("What arrived, such as 1200.50; without it all that is open"),
      Flag.optional,
    ),
    currency: Flag.String("currency").pipe(
      Flag.withMetavar("<code>"),
      Flag.withDescription("Of the amount; without it your own"),
      Flag.optional,
    ),
    on: Flag.String("on").pipe(
      Flag.withMetavar("<date>"),
      Flag.withDescription("The day it arrived, such as 2026-11-20; without it today"),
      Flag.optional,
    ),
    force: Flag.Boolean("force").pipe(
      Flag.withDescription("Also more than is open"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ amount, currency, force, invoice, on }) {
    const aios = yield* open("work")
    const settings = yield* aios.settings
    const code = Option.getOrElse(currency, () => settings.currency).toUpperCase()
    if (!/^[A-Z]{3}$/.test(code)) {
      return yield* wrong(`--currency: ${code} is no currency code. Give three letters: EUR.`)
    }
    const minor = Option.isNone(amount) ? undefined : minorOf(amount.value, minorDigits(code))
    if (Option.isSome(amount) && (minor === undefined || minor <= 0)) {
      return yield* wrong(
        `--amount: ${amount.value} is no amount of ${code}. Give it as 1200 or 1200.50.`,
      )
    }
    const now = yield* Clock.currentTimeMillis
    const moment = { now, timeZone: settings.timeZone, dayAt: settings.briefAt }
    const at = Option.isNone(on) ? undefined : yield* dayOfWords("on", on.value, moment)
    const result = yield* aios.paid(invoice, {
      ...(minor === undefined ? {} : { amount: { minor, currency: code } }),
      ...(at === undefined ? {} : { at }),
      ...(force ? { force } : {}),
    })
    yield* print(result, () => `${plain(result.outcome)} It is ${result.state} now.\n`)
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Say that an invoice was paid, where no import says it. Without an amount: all that is open. " +
      "Saying the same twice is the same. It cannot be taken back: more than is open is refused " +
      "without --force.",
  ),
  Command.withShortDescription("Say that an invoice was paid"),
  Command.withExamples([
    { command: "aios paid 1042" },
    { command: "aios paid 1042 --amount 600.50 --on 2026-11-20" },
  ]),
)

export const paidCommands = [paid] as const
