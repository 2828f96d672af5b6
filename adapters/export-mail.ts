/**
 * Recorded mails as messages again, for an mbox that any mail program reads, and our own importer. They
 * are put together anew from what was kept, so headers that were not kept are not in them.
 */
import { createTransport } from "nodemailer"
import type { MailReceived } from "../machines/record.ts"

type Plain<A> = Exclude<A, { readonly $sealed: unknown }>
export type MailContent = Plain<(typeof MailReceived.Type)["content"]>

export interface Attachment {
  readonly name: string
  readonly mediaType: string
  readonly content: Uint8Array
}

/** Header text on one line. */
const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim()
const idOf = (text: string) => {
  const id = oneLine(text).replace(/^<|>$/g, "")
  return id === "" ? undefined : `<${id.replace(/[<>\s]/g, "")}>`
}

/** What makes our reader, and others, see the same kind again. */
const kindHeaders: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  list: { "List-Id": "<exported.list>" },
  automatic: { "Auto-Submitted": "auto-generated" },
  bounce: { "X-Failed-Recipients": "" },
  personal: {},
}

const mailboxes = (all: ReadonlyArray<{ readonly name: string; readonly address: string }>) =>
  all.filter(({ address }) => address !== "").map(({ address, name }) => ({
    name: oneLine(name),
    address: oneLine(address),
  }))

const transport = createTransport({
  streamTransport: true,
  buffer: true,
  newline: "unix",
  disableFileAccess: true,
  disableUrlAccess: true,
})

/** One message, with LF at the ends of lines. */
export const messageOf = async (
  mail: {
    readonly content: MailContent
    readonly text: string
    readonly sentAt: number
    readonly labels: ReadonlyArray<string>
    readonly kind: string
  },
  attachments: ReadonlyArray<Attachment>,
): Promise<Uint8Array> => {
  const { content, kind, labels, sentAt, text } = mail
  const references = content.references.flatMap((one) => idOf(one) ?? []).join(" ")
  const inReplyTo = idOf(content.inReplyTo)
  const messageId = idOf(content.messageId)
  const { message } = await transport.sendMail({
    from: mailboxes([content.from])[0] ?? "unknown@unknown.invalid",
    to: mailboxes(content.to),
    cc: mailboxes(content.cc),
    subject: oneLine(content.subject),
    text: text.replaceAll("\0", ""),
    date: new Date(sentAt),
    xMailer: false,
    ...(messageId === undefined ? {} : { messageId }),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(references === "" ? {} : { references }),
    headers: [
      ...content.deliveredTo.map((value) => ({ key: "Delivered-To", value: oneLine(value) })),
      ...(labels.length === 0
        ? []
        : [{ key: "X-Gmail-Labels", value: labels.map(oneLine).join(",") }]),
      ...Object.entries(kindHeaders[kind] ?? {}).map(([key, value]) => ({ key, value })),
    ],
    attachments: attachments.map(({ content, mediaType, name }) => ({
      filename: oneLine(name) || "attachment",
      contentType: mediaType,
      content: Buffer.from(content),
    })),
  })
  if (!(message instanceof Uint8Array)) throw new Error("the composer gave no bytes")
  return messageId === undefined ? withoutId(message) : message
}

/** The composer makes an id up where a mail has none, another one each time. */
const withoutId = (message: Uint8Array): Uint8Array => {
  const text = Buffer.from(message).toString("latin1")
  const end = text.indexOf("\n\n")
  return Buffer.from(
    text.slice(0, end + 1).replace(/^Message-ID:[^\n]*\n(?:[ \t][^\n]*\n)*/im, "") +
      text.slice(end + 1),
    "latin1",
  )
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const two = (n: number) => String(n).padStart(2, "0")
const asctime = (at: number) => {
  const d = new Date(at)
  return `${days[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${
    two(d.getUTCHours())
  }:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} ${d.getUTCFullYear()}`
}

/** The message as an entry of an mbox: lines that look like a separator get one more `>`. */
export const mboxEntry = (message: Uint8Array, from: string, sentAt: number): Uint8Array => {
  const escaped = Buffer.from(message).toString("latin1").replace(/^(>*From )/gm, ">$1")
  const sender = /^[\x21-\x7e]+@[\x21-\x7e]+$/.test(from) ? from : "MAILER-DAEMON"
  const end = escaped.endsWith("\n") ? "\n" : "\n\n"
  return Buffer.from(`From ${sender} ${asctime(sentAt)}\n${escaped}${end}`, "latin1")
}
