/** Which person is meant by a name, an address, a key or the beginning of one of them. */
import { Effect } from "effect"
import { normaliseAddress } from "../actors/addresses.ts"
import { Vault } from "../actors/vault.ts"
import { door, refuse } from "./aios-failures.ts"
import { type Person, Queries } from "./queries.ts"

/** Candidates that are named where several fit. */
const namedMax = 10
const prefixCharsMin = 6

/** How two words compare when case and accents do not count. */
export const folded = (text: string): string =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/\s+/g, " ").trim()

const candidate = ({ address, key, name }: Person): string => {
  const words = [name, address === undefined ? undefined : `<${address}>`]
    .filter((one) => one !== undefined).join(" ")
  return `${words || "unknown or forgotten"} ${key.slice(0, 8)}`
}

/** People who fit best: by key, then address, then whole name, then part of a name, address or company. */
const fitting = (all: ReadonlyArray<Person>, written: string, key: string) => {
  const word = folded(written)
  const rounds: ReadonlyArray<(person: Person) => boolean> = [
    (one) => one.key === word || one.key === key,
    (one) => one.address !== undefined && folded(one.address) === word,
    (one) => one.name !== undefined && folded(one.name) === word,
    (one) => word.length >= prefixCharsMin && one.key.startsWith(word),
    (one) =>
      [one.name, one.address].some((text) =>
        text !== undefined && folded(text).split(/[\s.@<>-]+/).some((part) => part.startsWith(word))
      ),
    (one) =>
      [one.name, one.address, one.company].some((text) =>
        text !== undefined && folded(text).includes(word)
      ),
  ]
  for (const fits of rounds) {
    const found = all.filter(fits)
    if (found.length > 0) return found
  }
  return []
}

/** Undefined where nobody fits; refused where several do. */
export const personNamed = Effect.fnUntraced(function* (written: string) {
  const queries = yield* Queries
  const vault = yield* Vault
  if (written.trim() === "") {
    return yield* refuse("usage", "InvalidValue", "Say who: a name, an address or a key.")
  }
  const address = normaliseAddress(written)
  const key = address.includes("@") ? vault.personKey(address) : ""
  const [first, ...others] = fitting(yield* door(queries.people), written, key)
  if (others.length > 0) {
    const all = [first!, ...others].sort((a, b) => (b.lastAt ?? 0) - (a.lastAt ?? 0))
    const more = all.length - namedMax
    return yield* refuse(
      "usage",
      "AmbiguousPerson",
      `${written} may be ${all.length} people: ${all.slice(0, namedMax).map(candidate).join("; ")}${
        more > 0 ? `; and ${more} more` : ""
      }. Give an address, or the key.`,
      { candidates: all.slice(0, namedMax).map((one) => one.key) },
    )
  }
  return first
})

export const noSuchPerson = (written: string) =>
  refuse(
    "failed",
    "PersonNotFound",
    `Nobody called ${written} is known. aios people ${written} searches names, addresses and companies.`,
  )
