/**
 * What a founder should be warned of in a mail, as far as its headers and parts show it: a sender who is
 * not who the mail says, an address that only looks like another, parts that run. It judges form alone;
 * what a mail says is read elsewhere. Few and certain: a warning that is often wrong is read by nobody.
 */
import type { ParsedMail } from "../actors/intake.ts"
import { normaliseAddress } from "../actors/addresses.ts"

export type Suspicion = NonNullable<ParsedMail["suspicions"]>[number]

/** HTML beyond this is not searched. */
const htmlCharsMax = 1024 * 1024

export interface MailEvidence {
  readonly from: { readonly name: string; readonly address: string }
  /** First address of Reply-To; empty where there is none. */
  readonly replyTo: string
  /** Values of a header, unfolded, in order. */
  readonly header: (name: string) => ReadonlyArray<string>
  readonly html: string
  readonly attachments: ReadonlyArray<{ readonly name: string; readonly mediaType: string }>
  /** Whether parts or headers were left out for their size. */
  readonly cut: boolean
}

const domainOf = (address: string): string =>
  address.slice(address.lastIndexOf("@") + 1).toLowerCase()

/** Second levels under which others register: `example.co.uk` is one organisation. */
const shared = /^(?:co|com|net|org|gov|edu|ac|or|ne|gob|gv)$/
/** The part of a domain that one organisation owns, as far as its form tells. */
const organisationOf = (domain: string): string => {
  const labels = domain.split(".")
  const most = labels.length > 2 && labels.at(-1)!.length === 2 && shared.test(labels.at(-2)!)
    ? 3
    : 2
  return labels.slice(-most).join(".")
}

/** A mail's own server says that the sender's domain did not send it. Only the nearest says it reliably. */
const authenticationFailed = (header: MailEvidence["header"], from: string): boolean => {
  const [nearest = ""] = header("authentication-results")
  const results = nearest.toLowerCase().slice(0, 4000)
  if (/\bdmarc\s*=\s*(?:fail|permerror)/.test(results)) {
    // A domain that asks for nothing, and a forwarder that may send: no forgery.
    return !(/\bp=none\b/.test(results) && /\bspf\s*=\s*pass/.test(results))
  }
  if (/\bdmarc\s*=\s*pass/.test(results)) return false
  const failed = /\bspf\s*=\s*fail/.test(results) ||
    (header("received-spf")[0] ?? "").toLowerCase().trim().startsWith("fail")
  const signed = /\bdkim\s*=\s*pass/.test(results)
  if (!failed || signed) return false
  // The envelope failed; it is the From line's business only where both name different houses.
  const others = [header("return-path")[0] ?? "", header("reply-to")[0] ?? ""].map(normaliseAddress)
    .filter((one) => one !== "")
  return others.length === 0 ||
    others.some((one) => organisationOf(domainOf(one)) !== organisationOf(domainOf(from)))
}

const addressIn = /[^\s<>"'(),;:]{1,64}@[^\s<>"'(),;:]{1,200}\.[A-Za-z]{2,24}/

/** A name that is another house's address: what most programs show instead of the real one. */
const namedOtherwise = (name: string, address: string): boolean => {
  const shown = addressIn.exec(name.slice(0, 500))?.[0]
  // A list that writes in a member's name says so.
  if (/\svia\s/i.test(name)) return false
  return shown !== undefined && address !== "" &&
    organisationOf(domainOf(shown)) !== organisationOf(domainOf(address))
}

/** Letters that are drawn like Latin ones. */
const lookalikes =
  /[\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u2c60-\u2c7f\uff21-\uff5a\u0251\u0261\u1d00-\u1d7f]/
const latin = /[a-z]/
const readsLatin = (label: string) => latin.test(label)

const punycodeLabel = (label: string): string => {
  try {
    return decodePunycode(label.slice(4))
  } catch {
    return ""
  }
}

/** RFC 3492, for labels of a domain. */
const decodePunycode = (text: string): string => {
  const [base, least, most, skew, damp] = [36, 1, 26, 38, 700]
  const cut = text.lastIndexOf("-")
  const out = [...text.slice(0, Math.max(0, cut))].map((one) => one.codePointAt(0)!)
  let [n, i, bias] = [128, 0, 72]
  for (let at = cut < 0 ? 0 : cut + 1; at < text.length && out.length < 64;) {
    const before = i
    for (let weight = 1, k = base;; k += base) {
      const code = text.charCodeAt(at++)
      const digit = code >= 97 && code <= 122
        ? code - 97
        : code >= 48 && code <= 57
        ? code - 22
        : -1
      if (digit < 0) return ""
      i += digit * weight
      const threshold = Math.min(most, Math.max(least, k - bias))
      if (digit < threshold) break
      weight *= base - threshold
    }
    let delta = before === 0 ? Math.floor((i - before) / damp) : (i - before) >> 1
    const points = out.length + 1
    delta += Math.floor(delta / points)
    let k = 0
    while (delta > ((base - least) * most) >> 1) {
      delta = Math.floor(delta / (base - least))
      k += base
    }
    bias = k + Math.floor(((base - least + 1) * delta) / (delta + skew))
    n += Math.floor(i / points)
    i %= points
    if (n > 0x10ffff) return ""
    out.splice(i++, 0, n)
  }
  return String.fromCodePoint(...out)
}

/** A domain that mixes alphabets, or one that is written wholly in letters drawn like Latin ones. */
const looksLikeAnother = (address: string): boolean =>
  domainOf(address).split(".").some((raw, _, labels) => {
    const label = (raw.startsWith("xn--") ? punycodeLabel(raw) : raw).toLowerCase()
    if (!lookalikes.test(label)) return false
    if (readsLatin(label)) return true
    // In no letter of its own: every one could be a Latin one. Under a Latin end that is on purpose.
    return /^[a-z]+$/.test(labels.at(-1) ?? "") && !(labels.at(-1) ?? "").startsWith("xn--") &&
      /^[аеорсухѕіјһԁԛԝӏьѵοανρτυχικεηωγ0-9-]+$/.test(label)
  })

const executable =
  /\.(?:exe|scr|com|pif|bat|cmd|msi|msp|vbs|vbe|js|jse|wsf|wsh|hta|ps1|psm1|jar|lnk|reg|cpl|dll|sys|app|dmg|pkg|apk|iso|img|vhdx?|desktop|sh|run|appimage|chm|gadget|inf|application|xll|one)$/i
const macros = /\.(?:docm|dotm|xlsm|xltm|xlam|pptm|potm|ppsm|ppam|sldm|xlsb|slk)$/i
const active =
  /^(?:application\/(?:x-msdownload|x-msdos-program|x-dosexec|x-executable|x-sh|x-bat|hta|java-archive|vnd\.ms-htmlhelp|x-ms-shortcut|x-msi)|text\/(?:javascript|vbscript)|application\/(?:x-)?javascript)\b|macroenabled/i

const runs = ({ html, attachments }: MailEvidence): boolean => {
  const text = html.slice(0, htmlCharsMax)
  const markup = /<(?:script|form|object|embed|applet|iframe)[\s>/]/i.test(text) ||
    /\b(?:href|src|action|formaction|data)\s*=\s*["']?\s*(?:java|vb)script\s*:/i.test(text) ||
    /<[a-z][^<>]{0,2000}\son(?:load|error|click|mouseover|focus|toggle|begin|animationstart)\s*=/i
      .test(text)
  return markup || attachments.some(({ name, mediaType }) => {
    // `invoice.pdf.exe`, `invoice.pdf .exe`, and a name turned round by a mark that is not seen.
    const bare = name.replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, "").trim().replace(
      /[.\s]+$/,
      "",
    )
    return executable.test(bare) || macros.test(bare) || active.test(mediaType) ||
      /[\u202e\u2066-\u2069]/.test(name) || /\.(?:html?|svg|mht|mhtml|xhtml|shtml)$/i.test(bare)
  })
}

/** In the order in which they weigh; empty for nearly every mail. */
export const suspicionsOf = (mail: MailEvidence): ReadonlyArray<Suspicion> => {
  const { from, header } = mail
  const address = from.address.trim().toLowerCase()
  const found: Array<Suspicion> = []
  if (
    address !== "" && (authenticationFailed(header, address) || namedOtherwise(from.name, address))
  ) {
    found.push("forgedFrom")
  }
  const reply = normaliseAddress(mail.replyTo)
  if (looksLikeAnother(address) || (reply !== "" && looksLikeAnother(reply))) {
    found.push("lookalikeAddress")
  }
  if (runs(mail)) found.push("activeContent")
  if (mail.cut) found.push("oversized")
  return found
}
