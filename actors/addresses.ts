/**
 * What an address is and which ones look like the founder's own. Addresses are compared after
 * normalising; dots and `+tags` are kept, since only Gmail ignores them.
 */

/** Longest address that mail can carry (RFC 5321). */
export const addressCharsMax = 320

/** `"Jo" <Jo@X.example>` becomes `jo@x.example`; empty where there is no address in it. */
export const normaliseAddress = (text: string): string => {
  const open = text.lastIndexOf("<")
  const close = text.indexOf(">", open)
  const bare = (open >= 0 && close > open ? text.slice(open + 1, close) : text)
    .trim().replace(/^mailto:/i, "").toLowerCase()
  return isAddress(bare) ? bare : ""
}

const isAddress = (text: string): boolean => {
  const at = text.lastIndexOf("@")
  return at > 0 && at < text.length - 1 && text.length <= addressCharsMax &&
    !/[\s<>,;"()]/.test(text)
}

const named = (names: string) => new Set(names.split(","))
/** Gmail writes its labels in the language of the account. */
const sentLabels = named(
  "sent,sent mail,sent messages,gesendet,gesendete nachrichten,envoyés,messages envoyés,enviados," +
    "inviati,posta inviata,verzonden,skickat,sendt,wysłane,enviadas,отправленные",
)
const ignoredLabels = named(
  "spam,trash,bin,deleted,junk,drafts,draft,papierkorb,entwürfe,entwurf,corbeille,brouillons," +
    "indésirables,papelera,borradores,cestino,bozze,posta indesiderata,prullenbak,concepten," +
    "lixeira,rascunhos,kosz,papperskorg,utkast,спам,корзина,черновики",
)
const normaliseLabel = (label: string) =>
  label.trim().toLowerCase().replace(/^\\/, "").replace(/^\[(gmail|google mail)\]\//, "")

export const isSentLabel = (label: string): boolean => sentLabels.has(normaliseLabel(label))
/** Spam, trash and drafts: recorded, never acted upon. */
export const isIgnoredLabel = (label: string): boolean => ignoredLabels.has(normaliseLabel(label))

/** What a mail says about whose mailbox it lay in. */
export interface MailboxTrace {
  readonly from: string
  readonly deliveredTo: ReadonlyArray<string>
  readonly labels: ReadonlyArray<string>
}

/** From addresses of mail labelled Sent need this share of all such mail. */
const sentShareMin = 0.1
/** An address is a clear winner of Delivered-To with this many mails and this share of them. */
const deliveredCountMin = 3
const deliveredShareMin = 0.6
/** Different addresses counted; more are no mailbox of one founder, and memory stays bounded. */
const addressesMax = 10_000

/** Counts traces; `winners` are the addresses that look like the founder's own. */
export class OwnAddressEvidence {
  readonly #sent = new Map<string, number>()
  readonly #delivered = new Map<string, number>()
  #sentTotal = 0
  #deliveredTotal = 0

  add(trace: MailboxTrace): void {
    if (trace.labels.some(isIgnoredLabel)) return
    const from = normaliseAddress(trace.from)
    if (from !== "" && trace.labels.some(isSentLabel)) {
      this.#sentTotal++
      count(this.#sent, from)
    }
    const delivered = new Set(trace.deliveredTo.map(normaliseAddress).filter((one) => one !== ""))
    if (delivered.size > 0) this.#deliveredTotal++
    for (const one of delivered) count(this.#delivered, one)
  }

  /** The more mails there must be, the less a stray one decides. */
  winners(deliveredCount = deliveredCountMin): ReadonlyArray<string> {
    const sent = above(this.#sent, Math.max(1, this.#sentTotal * sentShareMin))
    const delivered = above(
      this.#delivered,
      Math.max(deliveredCount, this.#deliveredTotal * deliveredShareMin),
    )
    return [...new Set([...sent, ...delivered])].sort()
  }
}

const count = (counts: Map<string, number>, key: string) => {
  if (counts.size < addressesMax || counts.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1)
}
const above = (counts: ReadonlyMap<string, number>, least: number) =>
  [...counts].filter(([, n]) => n >= least).map(([key]) => key)

export interface Mailbox {
  readonly name: string
  readonly address: string
}

/** Which way a mail went, seen from the founder, and who is on the other side. */
export interface Sides {
  readonly direction: "inward" | "outward" | "self"
  /** Normalised. Inward: the sender, if it has an address. Outward: all receivers that are not own. */
  readonly others: ReadonlyArray<Mailbox>
}

/** A mail is outward if it is from an own address or lay in the Sent folder. */
export const sidesOf = (
  mail: {
    readonly from: Mailbox
    readonly to: ReadonlyArray<Mailbox>
    readonly cc: ReadonlyArray<Mailbox>
  },
  labels: ReadonlyArray<string>,
  own: ReadonlySet<string>,
): Sides => {
  const normalise = (one: Mailbox) => ({ name: one.name, address: normaliseAddress(one.address) })
  const from = normalise(mail.from)
  if (!own.has(from.address) && !labels.some(isSentLabel)) {
    return { direction: "inward", others: from.address === "" ? [] : [from] }
  }
  const receivers = new Map(
    [...mail.cc, ...mail.to].map(normalise).map((one) => [one.address, one]),
  )
  const others = [...mail.to, ...mail.cc].map(normalise).map((one) => one.address)
    .filter((one, index, all) =>
      one !== "" && one !== from.address && !own.has(one) && all.indexOf(one) === index
    )
    .flatMap((one) => receivers.get(one) ?? [])
  return { direction: others.length === 0 ? "self" : "outward", others }
}
