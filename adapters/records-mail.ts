/**
 * Reads one mail (RFC 5322 with all that senders make of it) into a plain record. Whatever the bytes
 * are, the answer is a record or a fault, never a throw and never a hang.
 */
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { type AddressObject, type EmailAddress, type ParsedMail, simpleParser } from "mailparser"
import { normaliseAddress } from "../actors/addresses.ts"
import type { ParsedMail as MailRecord, ParsedMailbox } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import { parseEnvelopeDate, parseMailDate } from "./records-dates.ts"
import { suspicionsOf } from "./records-suspicions.ts"

/** One mail may take this long to parse. */
const parseMillisMax = 30_000
/** HTML beyond this is not turned into text. */
const htmlCharsMax = 2 * 1024 * 1024
/** Text beyond this is cut; it is kept in a blob anyway. */
const textCharsMax = 8 * 1024 * 1024
const headBytesMax = 1024 * 1024
/** Of headers that are larger together, each is cut here. */
const headerBytesMax = 64 * 1024
const headersMax = 2_000
/** A mail to nobody but so many hidden receivers is a letter to them; to more, a circular. */
const hiddenReceiversMax = 5
const mimePartsMax = 1000
const addressesMax = 200
const referencesMax = 50
const labelsMax = 100
/** Dates outside are no dates of a mail. */
const sentAtMin = Date.UTC(1971, 0)
const sentAtMax = Date.UTC(2100, 0)
/** Subjects, names and ids are cut here. */
const lineCharsMax = 1000

/** A file with none of these is no mail. */
const mailHeaders = new Set([
  "from",
  "to",
  "cc",
  "bcc",
  "subject",
  "date",
  "message-id",
  "received",
  "return-path",
  "delivered-to",
  "sender",
  "reply-to",
  "mime-version",
  "content-type",
])

/**
 * Headers that the way of a mail adds, or the mailbox it lies in. They are left out of the digest, so
 * that one mail from two mailboxes or exports is one record: Received, Return-Path, Delivered-To and
 * their kin, ARC and authentication results, spam filters' notes, and what Gmail, Mozilla and mbox
 * readers write for themselves.
 */
const transportHeader =
  /^(?:received|x-received|received-spf|return-path|delivered-to|envelope-to|delivery-date|x-original-to|x-envelope-.*|x-apparently-to|x-delivered-to|arc-.*|authentication-results.*|x-gmail-.*|x-gm-.*|x-google-.*|x-spam-.*|x-mozilla-.*|x-evolution.*|status|x-status|x-keywords|x-uid.*|x-imap.*|content-length|lines)$/

/**
 * SHA-256 over the headers that are not transport's, unfolded, and the body with line ends as LF,
 * `>From ` as `From ` and without blank lines at its end.
 */
export const digestOf = (bytes: Buffer): string => {
  const text = bytes.toString("latin1").replace(/\r\n/g, "\n")
  const end = text.startsWith("\n") ? 0 : text.indexOf("\n\n")
  const head = end < 0 ? text : text.slice(0, end)
  const body = end < 0 ? "" : text.slice(end)
  const hash = createHash("sha256")
  for (const header of head.replace(/\n[ \t]+/g, " ").split("\n")) {
    const colon = header.indexOf(":")
    if (colon < 0) continue
    const name = header.slice(0, colon).trim().toLowerCase()
    if (transportHeader.test(name)) continue
    hash.update(`${name}:${header.slice(colon + 1).replace(/[ \t]+/g, " ").trim()}\n`, "latin1")
  }
  hash.update("\n").update(trimBlankEnd(body.replace(/^>+From /gm, "From ")), "latin1")
  return hash.digest("hex")
}

const trimBlankEnd = (text: string): string => {
  let end = text.length
  while (end > 0 && (text[end - 1] === "\n" || text[end - 1] === "\r" || text[end - 1] === " ")) {
    end--
  }
  let start = 0
  while (start < end && text[start] === "\n") start++
  return text.slice(start, end)
}

/** Whether these bytes start like a mail: header lines, one of them a mail's. */
export const startsLikeMail = (head: Buffer): boolean => {
  const text = head.toString("latin1").replace(/^\xef\xbb\xbf/, "").replace(/^[\r\n]+/, "")
  const lines = text.split(/\r\n|\n|\r/, 200)
  let known = false
  for (const [index, line] of lines.entries()) {
    if (line === "") return known
    if (/^[ \t]/.test(line) && index > 0) continue
    if (/^>?From /.test(line)) continue
    const name = /^([!-9;-~]{1,76})[ \t]*:/.exec(line)?.[1]
    if (name === undefined) return known
    if (mailHeaders.has(name.toLowerCase())) known = true
  }
  return known
}

const line = (text: string | undefined, most = lineCharsMax): string =>
  (text ?? "").slice(0, most).toWellFormed()

const flatten = (list: ReadonlyArray<EmailAddress>): ReadonlyArray<EmailAddress> =>
  list.flatMap((one) => one.group === undefined ? [one] : flatten(one.group))

const mailboxes = (
  header: AddressObject | Array<AddressObject> | undefined,
): ReadonlyArray<ParsedMailbox> =>
  (header === undefined ? [] : Array.isArray(header) ? header : [header])
    .flatMap((one) => flatten(one.value))
    .slice(0, addressesMax)
    .map((one) => ({ name: line(one.name).trim(), address: line(one.address, 320).trim() }))
    .filter((one) => one.name !== "" || one.address !== "")

/** Values of a header as written, unfolded, in order. */
const rawValues = (mail: ParsedMail, name: string): ReadonlyArray<string> =>
  mail.headerLines.filter((one) => one.key === name).map((one) =>
    one.line.slice(one.line.indexOf(":") + 1).replace(/\r?\n[ \t]*/g, " ").trim()
  )

/** Thunderbird and mutt leave what was deleted in the file, with a mark. */
const deleted = (mail: ParsedMail): boolean =>
  (parseInt(rawValues(mail, "x-mozilla-status")[0] ?? "0", 16) & 0x0008) !== 0 ||
  (rawValues(mail, "x-status")[0] ?? "").includes("D")

/** The first only: Takeout writes its own above whatever the sender wrote. */
const labelsOf = async (mail: ParsedMail): Promise<ReadonlyArray<string>> => {
  const raw = rawValues(mail, "x-gmail-labels")[0]?.slice(0, headBytesMax / 16) ?? ""
  const text = raw.includes("=?")
    ? (await parse(Buffer.from(`Subject: ${raw}\n\n`))).subject ?? raw
    : raw
  return text.split(",").map((one) => line(one.trim().replace(/^"|"$/g, ""), 100))
    .filter((one) => one !== "").slice(0, labelsMax)
}

const automaticSender =
  /^(?:no-?_?\.?reply|do-?_?not-?_?reply|donotreply|nicht-?antworten|mailer|notifications?|bounces?)(?:[+@._-]|$)/
const bounceSender = /^(?:mailer-daemon|postmaster)@/

/** What its headers say it is. */
const kindOf = (mail: ParsedMail, from: string): MailRecord["kind"] => {
  const value = (name: string) => rawValues(mail, name)[0]?.toLowerCase()
  const has = (name: string) => value(name) !== undefined
  const contentType = value("content-type") ?? ""
  const reports = contentType.startsWith("multipart/report")
  const sender = normaliseAddress(from)
  if (reports && contentType.includes("disposition-notification")) return "automatic"
  const returned = reports && contentType.includes("delivery-status")
  const emptyPath = value("return-path")?.replace(/\s/g, "") === "<>"
  if (
    returned || bounceSender.test(sender) || has("x-failed-recipients") || (emptyPath && reports)
  ) return "bounce"
  const submitted = value("auto-submitted")
  if (
    (submitted !== undefined && !submitted.startsWith("no")) || has("x-autoreply") ||
    has("x-autorespond") ||
    has("x-auto-response-suppress") && value("precedence") === "auto_reply" ||
    value("precedence") === "auto_reply"
  ) return "automatic"
  if (
    has("list-id") || has("list-unsubscribe") || has("list-post") ||
    /^(?:bulk|list|junk)/.test(value("precedence") ?? "")
  ) return "list"
  return automaticSender.test(sender) || emptyPath ? "automatic" : "personal"
}

const datesOf = (mail: ParsedMail, envelope: string): number | undefined => {
  const date = rawValues(mail, "date")[0]
  const written = date === undefined ? undefined : parseMailDate(date)
  if (written !== undefined && written >= sentAtMin && written < sentAtMax) return written
  const arrived = rawValues(mail, "received")[0]
  const received = arrived === undefined
    ? undefined
    : parseMailDate(arrived.slice(arrived.lastIndexOf(";") + 1))
  return parseEnvelopeDate(envelope) ?? received
}

const failedRecipients = (mail: ParsedMail, text: string): string => {
  const failed = rawValues(mail, "x-failed-recipients").join(", ").slice(0, lineCharsMax)
  return failed === "" || /^Final-Recipient:/im.test(text)
    ? text
    : `${text}\n\nX-Failed-Recipients: ${failed}`
}

/** Headers beyond all measure are cut, so that the mail itself can be read. */
const shortened = (bytes: Buffer): { readonly bytes: Buffer; readonly cut: boolean } => {
  const ends = ["\n\n", "\n\r\n"].map((mark) => bytes.indexOf(mark)).filter((at) => at >= 0)
  const end = ends.length === 0 ? bytes.length : Math.min(...ends)
  if (end <= headBytesMax) return { bytes, cut: false }
  const kept: Array<string> = []
  let size = 0
  for (const header of bytes.toString("latin1", 0, end).split(/\r?\n(?![ \t])/)) {
    const short = header.slice(0, headerBytesMax)
    const known = mailHeaders.has(short.slice(0, short.indexOf(":")).trim().toLowerCase())
    const most = known ? headBytesMax / 2 : headBytesMax / 4
    if (size + short.length > most || kept.length >= headersMax) continue
    size += short.length
    kept.push(short)
  }
  return {
    bytes: Buffer.concat([Buffer.from(kept.join("\n"), "latin1"), bytes.subarray(end)]),
    cut: true,
  }
}

/** Undoes what mailparser does not know: old Mac line ends and blanks before a header's colon. */
const repair = (bytes: Buffer): Buffer => {
  const lines = bytes.includes(10) || !bytes.includes(13)
    ? bytes
    : Buffer.from(bytes.toString("latin1").replaceAll("\r", "\n"), "latin1")
  const end = /\n\r?\n/.exec(lines.toString("latin1", 0, headBytesMax))?.index ?? lines.length
  const head = lines.toString("latin1", 0, Math.min(end, headBytesMax))
  const plain = head.replace(/^([!-9;-~]{1,76})[ \t]{1,20}:/gm, "$1:")
  return plain === head
    ? lines
    : Buffer.concat([Buffer.from(plain, "latin1"), lines.subarray(head.length)])
}

/** mailparser leaves the text empty where an alternative has HTML only; as a mail of its own it converts. */
const textOf = async (mail: ParsedMail): Promise<string> => {
  const text = mail.text ?? ""
  if (text.trim() !== "" || typeof mail.html !== "string" || mail.html.length > htmlCharsMax) {
    return text
  }
  const alone = await parse(
    Buffer.from(`Content-Type: text/html; charset=utf-8\n\n${mail.html.toWellFormed()}`),
  )
  return alone.text ?? ""
}

const parse = async (bytes: Buffer): Promise<ParsedMail> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`it took longer than ${parseMillisMax / 1000} s to read`)),
      parseMillisMax,
    )
  })
  try {
    return await Promise.race([
      simpleParser(repair(bytes), {
        keepCidLinks: true,
        skipTextToHtml: true,
        skipTextLinks: true,
        maxHtmlLengthToParse: htmlCharsMax,
        maxHeadSize: headBytesMax,
        maxChildNodes: mimePartsMax,
        checksumAlgo: false,
      }),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}

export interface MailOrigin {
  readonly file: string
  /** Offset of the mail in its file. */
  readonly byte: number
  /** The mbox separator above it, or empty. */
  readonly envelope: string
}

const because = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

export const readMail = async (bytes: Buffer, origin: MailOrigin): Promise<ReadItem> => {
  const at = `byte ${origin.byte}`
  const fault = (reason: string): ReadItem => ({ fault: { at, reason } })
  if (bytes.length === 0) return fault("the mail is empty")
  try {
    const { bytes: readable, cut } = shortened(bytes)
    const mail = await parse(readable)
    if (!mail.headerLines.some((one) => mailHeaders.has(one.key))) {
      return fault("no mail header (From, To, Subject, Date …) found: this is no mail")
    }
    const from = mailboxes(mail.from)[0] ?? { name: "", address: "" }
    const kind = kindOf(mail, from.address)
    const text = await textOf(mail)
    const sentAt = datesOf(mail, origin.envelope)
    const references = typeof mail.references === "string"
      ? mail.references.split(/\s+/)
      : mail.references ?? []
    const delivered = rawValues(mail, "delivered-to").map(normaliseAddress).filter((one) =>
      one !== ""
    )
    const [to, cc] = [mailboxes(mail.to), mailboxes(mail.cc)]
    const hidden = to.length + cc.length === 0 ? mailboxes(mail.bcc) : []
    const attachments = mail.attachments.map((one) => ({
      name: line(one.filename, 255),
      mediaType: line(one.contentType, 127),
      content: one.content,
    }))
    const html = typeof mail.html === "string" ? mail.html : ""
    const suspicions = suspicionsOf({
      from,
      replyTo: mailboxes(mail.replyTo)[0]?.address ?? "",
      header: (name) => rawValues(mail, name),
      html,
      attachments,
      cut: cut || text.length > textCharsMax || html.length > htmlCharsMax,
    })
    const labels = await labelsOf(mail)
    return {
      record: {
        record: "mail",
        digest: digestOf(bytes),
        messageId: line(mail.messageId).trim(),
        inReplyTo: line(mail.inReplyTo).trim(),
        references: references.filter((one) => one !== "").slice(-referencesMax).map((one) =>
          line(one)
        ),
        from,
        to,
        cc: hidden.length > 0 && hidden.length <= hiddenReceiversMax ? hidden : cc,
        deliveredTo: [...new Set(delivered)].slice(0, addressesMax),
        subject: line(mail.subject),
        text: (kind === "bounce" ? failedRecipients(mail, text) : text).slice(0, textCharsMax)
          .toWellFormed(),
        ...(sentAt === undefined ? {} : { sentAt }),
        labels: deleted(mail) ? [...labels, "Deleted"] : labels,
        kind,
        attachments,
        ...(suspicions.length === 0 ? {} : { suspicions }),
        source: { file: origin.file, at },
      },
    }
  } catch (cause) {
    return fault(`this mail cannot be read: ${because(cause)}`)
  }
}
