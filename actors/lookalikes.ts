/**
 * Tells addresses that are made to look like known ones: letters of another alphabet among Latin ones,
 * names written in punycode that look like a known one, and domains one letter off a known domain.
 */
import { normaliseAddress } from "./addresses.ts"

/** More domains are not remembered; memory stays bounded. */
const domainsMax = 5_000
/** Shorter names are one letter off each other by chance. */
const nameCharsMin = 5
const nameCharsMax = 64

/** Letters that look like a Latin one. */
const twins: ReadonlyMap<string, string> = new Map(
  Object.entries({
    а: "a",
    в: "b",
    е: "e",
    ё: "e",
    к: "k",
    м: "m",
    н: "h",
    о: "o",
    р: "p",
    с: "c",
    т: "t",
    у: "y",
    х: "x",
    і: "i",
    ї: "i",
    ј: "j",
    ѕ: "s",
    ԁ: "d",
    ԛ: "q",
    ԝ: "w",
    ɡ: "g",
    α: "a",
    β: "b",
    ε: "e",
    η: "n",
    ι: "i",
    κ: "k",
    ν: "v",
    ο: "o",
    ρ: "p",
    τ: "t",
    υ: "u",
    χ: "x",
    ı: "i",
  }),
)
/** Mail providers: many people's domain, and some are one letter off each other. */
const providers = new Set(
  ("gmail.com,ymail.com,mail.com,email.com,gmx.de,gmx.net,gmx.at,gmx.ch,web.de,yahoo.com,yahoo.de,hotmail.com," +
    "hotmail.de,outlook.com,outlook.de,live.com,icloud.com,me.com,aol.com,t-online.de,freenet.de,posteo.de," +
    "proton.me,pm.me,orange.fr,free.fr").split(","),
)

/** What a domain's `xn--` label stands for; the label itself where it is broken (RFC 3492). */
const decodedLabel = (label: string): string => {
  if (!label.startsWith("xn--") || label.length > nameCharsMax) return label
  const coded = label.slice(4)
  const split = coded.lastIndexOf("-")
  const output = split > 0 ? [...coded.slice(0, split)] : []
  let [n, i, bias, first] = [128, 0, 72, true]
  for (let at = split > 0 ? split + 1 : 0; at < coded.length;) {
    const before = i
    for (let weight = 1, k = 36;; k += 36) {
      const char = coded[at++] ?? ""
      const digit = /^[a-z]$/.test(char)
        ? char.charCodeAt(0) - 97
        : /^\d$/.test(char)
        ? Number(char) + 26
        : -1
      if (digit < 0) return label
      i += digit * weight
      const least = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias
      if (digit < least) break
      weight *= 36 - least
    }
    const length = output.length + 1
    let delta = first ? Math.floor((i - before) / 700) : Math.floor((i - before) / 2)
    delta += Math.floor(delta / length)
    let k = 0
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35)
    bias = k + Math.floor((36 * delta) / (delta + 38))
    first = false
    n += Math.floor(i / length)
    i %= length
    if (n > 0x10ffff) return label
    output.splice(i++, 0, String.fromCodePoint(n))
  }
  return output.join("")
}
const decoded = (domain: string) => domain.split(".").map(decodedLabel).join(".")

/** How it looks in Latin letters. */
const skeletonOf = (text: string) =>
  [...text.normalize("NFKC").toLowerCase()].map((char) => twins.get(char) ?? char).join("")
    .replaceAll("rn", "m").replaceAll("vv", "w").replaceAll("0", "o").replaceAll("1", "l")

const latin = /\p{Script=Latin}/u
const foreign = /\p{Script=Cyrillic}|\p{Script=Greek}/u
/** One word that mixes alphabets: nobody writes so. */
export const mixesAlphabets = (text: string): boolean =>
  text.slice(0, 200).split(/[\s.@_-]+/).some((word) => latin.test(word) && foreign.test(word))

const domainOf = (address: string) => address.slice(address.lastIndexOf("@") + 1)
/** The part before the last dot. */
const nameOf = (domain: string) => domain.slice(0, domain.lastIndexOf("."))
const isTellable = (domain: string) => {
  const { length } = nameOf(domain)
  return length >= nameCharsMin && length <= nameCharsMax
}

/** The text without one letter, for each: texts that are one letter off each other share one of these. */
const shortened = (text: string) => [
  text,
  ...Array.from({ length: text.length }, (_, n) => text.slice(0, n) + text.slice(n + 1)),
]

/** One letter added, left out, replaced, or two neighbours swapped. A number that counts on is none. */
const isOneOff = (one: string, other: string): boolean => {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  if (short === long || long.length - short.length > 1) return false
  let n = 0
  while (n < short.length && short[n] === long[n]) n++
  if (short.length < long.length) {
    return !/\d/.test(long[n]!) && short.slice(n) === long.slice(n + 1)
  }
  if (short.slice(n + 1) === long.slice(n + 1)) {
    return !(/\d/.test(short[n]!) && /\d/.test(long[n]!))
  }
  return short[n] === long[n + 1] && short[n + 1] === long[n] &&
    short.slice(n + 2) === long.slice(n + 2)
}

/** Before the `@` of many addresses: they say nothing about who writes. */
const commonLocals = new Set(
  "info,mail,office,hello,hallo,kontakt,contact,admin,team,post,support,service,sales".split(","),
)
/** Names and local parts remembered of a domain. */
const identitiesMax = 50
/** By what a sender is recognised. */
const identitiesOf = ({ address, name }: Sender): ReadonlyArray<string> => {
  const local = address.slice(0, address.lastIndexOf("@"))
  return [name.trim().toLowerCase().slice(0, 100), commonLocals.has(local) ? "" : `${local}@`]
    .filter((one) => one !== "" && one !== "@")
}

interface Sender {
  readonly name: string
  readonly address: string
}

/** Domains of people who are known. */
export class KnownDomains {
  readonly #domains = new Set<string>()
  /** The founder's own, and of people the founder wrote to or keeps in a list. */
  readonly #trusted = new Set<string>()
  readonly #identities = new Map<string, Set<string>>()
  readonly #skeletons = new Set<string>()
  readonly #near = new Map<string, ReadonlyArray<string>>()

  /** Somebody who is known. Who only wrote is imitated by the same name, who is trusted by any. */
  add(person: Sender, isTrusted: boolean): void {
    const address = normaliseAddress(person.address)
    const domain = domainOf(address)
    if (isTrusted && this.#trusted.size < domainsMax) this.#trusted.add(domain)
    const identities = this.#identities.get(domain)
    if (identities !== undefined && identities.size < identitiesMax) {
      identitiesOf({ ...person, address }).forEach((one) => identities.add(one))
    }
    if (domain === "" || this.#domains.has(domain) || this.#domains.size >= domainsMax) return
    this.#domains.add(domain)
    this.#identities.set(domain, new Set(identitiesOf({ ...person, address })))
    if (!isTellable(domain)) return
    this.#skeletons.add(skeletonOf(decoded(domain)))
    if (providers.has(domain)) return
    for (const key of shortened(domain)) {
      this.#near.set(key, [...this.#near.get(key) ?? [], domain])
    }
  }

  /** Whether a mail's sender is made to look like somebody else. */
  isLookalike(sender: Sender): boolean {
    const address = normaliseAddress(sender.address)
    const domain = domainOf(address)
    const shown = decoded(domain)
    if (mixesAlphabets(sender.name) || mixesAlphabets(address) || mixesAlphabets(shown)) return true
    if (domain === "" || this.#domains.has(domain) || !isTellable(domain)) return false
    if (this.#skeletons.has(skeletonOf(shown))) return true
    if (providers.has(domain)) return false
    const identities = identitiesOf({ name: sender.name, address })
    const isMeant = (known: string) =>
      this.#trusted.has(known) ||
      identities.some((one) => this.#identities.get(known)?.has(one) === true)
    return shortened(domain).some((key) =>
      (this.#near.get(key) ?? []).some((known) => isOneOff(domain, known) && isMeant(known))
    )
  }
}
