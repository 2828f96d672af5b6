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

/** Has a zone of its own: `Z`, an offset or a zone's letters at the end. Dates without a time are UTC anyway. */
const zoned = /(?:Z|[+-]\d\d:?\d\d|[A-Z]{3,5}|\))\s*$/i
const dateOnly = /^\s*[+-]?\d{4,6}(?:-\d\d(?:-\d\d)?)?\s*$/
/** Text without a zone is read as UTC, not as this machine's local time. */
const parseUtc = (text: string): number => {
  if (dateOnly.test(text) || zoned.test(text)) return RealDate.parse(text)
  const asIso = RealDate.parse(`${text.trim()}Z`)
  return Number.isNaN(asIso) ? RealDate.parse(`${text} UTC`) : asIso
}

class ChartDate extends RealDate {
  constructor(...args: ReadonlyArray<unknown>) {
    if (args.length === 0) super(clock)
    else if (args.length === 1) {
      const [only] = args
      super(
        typeof only === "string"
          ? parseUtc(only)
          : only instanceof RealDate
          ? only.getTime()
          : Number(only),
      )
    } else super(RealDate.UTC(...(args as [number, number])))
  }
  static override now() {
    return clock
  }
  static override parse(text: string) {
    return parseUtc(text)
  }
  override getTimezoneOffset() {
    return 0
  }
  override toString() {
    return super.toUTCString()
  }
  override toDateString() {
    return super.toUTCString().slice(0, 16)
  }
  override toTimeString() {
    return super.toUTCString().slice(17)
  }
}
/** Local getters and setters are the UTC ones. */
for (
  const part of ["FullYear", "Month", "Date", "Hours", "Minutes", "Seconds", "Milliseconds", "Day"]
) {
  for (const verb of ["get", "set"]) {
    const utc = Object.getOwnPropertyDescriptor(RealDate.prototype, `${verb}UTC${part}`)
    if (utc) Object.defineProperty(ChartDate.prototype, `${verb}${part}`, utc)
  }
}

const seededRandom = () => {
  dice = (dice + 0x6d2b79f5) | 0
  let t = Math.imul(dice ^ (dice >>> 15), 1 | dice)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** A chart used something whose answer depends on the machine it runs on. */
export class NotDeterministic extends Error {
  override readonly name = "NotDeterministic"
  constructor(what: string) {
    super(
      `${what} differs between machines and runtimes, so a chart may not use it: do it in an activity`,
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
  for (const name of ["Intl", "performance", "crypto", "Temporal"]) {
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
  globalThis.Date = ChartDate as DateConstructor
  Math.random = seededRandom
  try {
    return step()
  } finally {
    inside = false
    globalThis.Date = RealDate
    Math.random = realRandom
  }
}
