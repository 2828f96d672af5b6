/**
 * Makes what a chart computes depend on nothing but its state and the event: inside `deterministically`
 * the clock is the actor's, dice are seeded by the event, local time is UTC, and what differs between
 * machines or runtimes (`Intl`, `Temporal`, locales, `performance`, `crypto`) throws. A step is
 * synchronous, so nothing else ever sees the replacements.
 */

let inside = false
let clock = 0
/** State of the dice: xorshift-multiply over a 32-bit seed. */
let dice = 0

const RealDate = Date
const realRandom = Math.random

/** Names a zone: `Z`, `UTC`, an American one, an offset after a time, or one in words in parentheses. */
const zoned = /(?:\bUTC?|GMT|[ECMP][SD]T|\dZ|:\d\d.*[+-]\d\d:?\d\d|\))\s*$/i
/** A date in ISO form without a time is UTC anyway. */
const dateOnly = /^\s*[+-]?\d{4,6}(?:-\d\d(?:-\d\d)?)?\s*$/
/** Text without a zone is read as UTC, not as this machine's local time. */
const parseUtc = (text: string): number => {
  if (dateOnly.test(text) || zoned.test(text)) return RealDate.parse(text)
  const asIso = RealDate.parse(`${text.trim()}Z`)
  return Number.isNaN(asIso) ? RealDate.parse(`${text} UTC`) : asIso
}

class UtcDate extends RealDate {
  override getTimezoneOffset() {
    return 0
  }
  override toDateString() {
    if (Number.isNaN(this.getTime())) return "Invalid Date"
    const [weekday, day, month, year] = super.toUTCString().replace(",", "").split(" ")
    return `${weekday} ${month} ${day} ${year}`
  }
  override toTimeString() {
    if (Number.isNaN(this.getTime())) return "Invalid Date"
    return `${super.toISOString().slice(-13, -5)} GMT+0000 (Coordinated Universal Time)`
  }
  override toString() {
    if (Number.isNaN(this.getTime())) return "Invalid Date"
    return `${this.toDateString()} ${this.toTimeString()}`
  }
  /** A date made outside a chart is one here, too. */
  static override [Symbol.hasInstance](value: unknown) {
    return Function.prototype[Symbol.hasInstance].call(RealDate, value)
  }
  static override now() {
    return clock
  }
  static override parse(text: string) {
    return parseUtc(text)
  }
}
/** Local getters and setters are the UTC ones. */
for (
  const part of ["FullYear", "Month", "Date", "Hours", "Minutes", "Seconds", "Milliseconds", "Day"]
) {
  for (const verb of ["get", "set"]) {
    const utc = Object.getOwnPropertyDescriptor(RealDate.prototype, `${verb}UTC${part}`)
    if (utc) Object.defineProperty(UtcDate.prototype, `${verb}${part}`, utc)
  }
}

const timeOf = (args: ReadonlyArray<unknown>): number => {
  if (args.length === 0) return clock
  if (args.length > 1) return RealDate.UTC(...(args as [number, number]))
  const [only] = args
  if (only instanceof RealDate) return only.getTime()
  return typeof only === "string" ? parseUtc(only) : Number(only)
}
/** `Date` inside a chart. Called without `new` it gives text, as ever. */
const ChartDate = new Proxy(UtcDate, {
  apply: () => new UtcDate(clock).toString(),
  construct: (_, args, target) => Reflect.construct(UtcDate, [timeOf(args)], target),
})

const seededRandom = () => {
  dice = (dice + 0x6d2b79f5) | 0
  let t = Math.imul(dice ^ (dice >>> 15), 1 | dice)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const instead = (what: string) =>
  what === "localeCompare"
    ? "compare with < and >"
    : what === "performance" || what === "Temporal"
    ? "use Date, which is the actor's own clock here"
    : what === "crypto"
    ? "use Math.random, which is seeded by the event here, or an activity"
    : what.startsWith("toLocale")
    ? "use toLowerCase() or toUpperCase()"
    : "do it where it is shown, or in an activity"

/** What does something outside, or later. */
const effects = new Set([
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "WebSocket",
])

/** A chart used something whose answer depends on the machine it runs on. */
export class NotDeterministic extends Error {
  override readonly name = "NotDeterministic"
  constructor(what: string) {
    super(
      effects.has(what)
        ? `${what} reaches out of the chart, and would do so again on every replay: make it an activity, or a delay an \`after\``
        : `${what} differs between machines and runtimes, so a chart may not use it: ${
          instead(what)
        }`,
    )
  }
}

const guarded = new Set<string>()
const guardGlobal = (name: string) => {
  const found = Object.getOwnPropertyDescriptor(globalThis, name)
  if (guarded.has(name) || (found !== undefined && !found.configurable)) return
  guarded.add(name)
  let value: unknown
  let read = found === undefined || "value" in found
  if (found !== undefined && "value" in found) value = found.value
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable: found?.enumerable ?? false,
    get() {
      if (inside) throw new NotDeterministic(name)
      if (!read) {
        value = found?.get?.call(globalThis)
        read = true
      }
      return value
    },
    set(next: unknown) {
      value = next
      read = true
    },
  })
}
const guardMethod = (prototype: object, name: string, what: string) => {
  const found = Object.getOwnPropertyDescriptor(prototype, name)
  if (found === undefined || typeof found.value !== "function" || guarded.has(what)) return
  guarded.add(what)
  const real = found.value as (...args: ReadonlyArray<unknown>) => unknown
  Object.defineProperty(prototype, name, {
    ...found,
    value: function (this: unknown, ...args: Array<unknown>) {
      if (inside) throw new NotDeterministic(what)
      return real.apply(this, args)
    },
  })
}

/** Puts the guards in place, once; outside a chart they let everything through. */
export const guardGlobals = (): void => {
  if (guarded.size > 0) return
  // A name the runtime lacks stays lacking, except Temporal, which some runtimes have and others not.
  for (const name of ["Intl", "performance", "crypto", "Temporal", ...effects]) {
    if (name in globalThis || name === "Temporal") guardGlobal(name)
  }
  for (const name of ["localeCompare", "toLocaleLowerCase", "toLocaleUpperCase"]) {
    guardMethod(String.prototype, name, name)
  }
  guardMethod(Number.prototype, "toLocaleString", "Number.toLocaleString")
  guardMethod(BigInt.prototype, "toLocaleString", "BigInt.toLocaleString")
  guardMethod(Array.prototype, "toLocaleString", "Array.toLocaleString")
  guardMethod(Object.prototype, "toLocaleString", "Object.toLocaleString")
  for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
    guardMethod(RealDate.prototype, name, `Date.${name}`)
  }
}

/** Runs `step` with the clock at `at` (epoch ms) and dice seeded by `seed`. Synchronous, not nested. */
export const deterministically = <A>(at: number, seed: string, step: () => A): A => {
  clock = at
  dice = 0
  // FNV-1a: the seed is an id, so its characters are spread well enough.
  for (let n = 0; n < seed.length; n++) dice = Math.imul(dice ^ seed.charCodeAt(n), 0x01000193)
  inside = true
  globalThis.Date = ChartDate as unknown as DateConstructor
  Math.random = seededRandom
  try {
    return step()
  } finally {
    inside = false
    globalThis.Date = RealDate
    Math.random = realRandom
  }
}
