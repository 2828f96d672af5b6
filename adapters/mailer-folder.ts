/**
 * Mailer that writes each mail as an `.eml` file into an outbox folder, from where it can be opened and
 * sent with any mail program. The file is named after the mail's key: what was written is never
 * written again, not even after a crash between the writing and the recording of it.
 */
import { Effect, Layer } from "effect"
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { basename, join } from "node:path"
import { domainToASCII } from "node:url"
import { createTransport } from "nodemailer"
import { sha256Hex } from "../actors/ids.ts"
import { Mailer, MailerUnavailable, type OutgoingMail, TooLate } from "../actors/mailer.ts"

/** Limits of RFC 5321 and 5322; a longer one is no address, or is somebody's attempt at something. */
const addressCharsMax = 254
const messageIdCharsMax = 500
const nameCharsMax = 200
const subjectCharsMax = 900

/** One plain mailbox: no list, no route, no comment, no quoted local part, nothing that ends a header. */
const plainAddress =
  /^[^\s\p{Cc}\p{Cf}"(),:;<>@[\\\]]+@[^\s\p{Cc}\p{Cf}"(),:;<>@[\\\].]+(\.[^\s\p{Cc}\p{Cf}"(),:;<>@[\\\].]+)*$/u
const plainMessageId = /^<?([\x21-\x3b\x3d\x3f-\x7e]+)>?$/

/** Header text on one line: line ends and control characters could begin a header of their own. */
const oneLine = (text: string, charsMax: number) =>
  [...text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")].slice(0, charsMax).join("").trim()

const checkedAddress = (whose: string, address: string) =>
  Effect.suspend(() =>
    address.length <= addressCharsMax && plainAddress.test(address)
      ? Effect.succeed(address)
      : Effect.fail(
        new MailerUnavailable({
          message: `${whose} is not one plain mail address (${
            JSON.stringify(address.slice(0, 100))
          }): correct it; nothing was written`,
          retryable: false,
        }),
      )
  )

const compose = (mail: OutgoingMail, messageId: string) => {
  const answered = plainMessageId.exec(mail.inReplyTo?.trim() ?? "")?.[1]
  const thread = answered === undefined || answered.length > messageIdCharsMax
    ? {}
    : { inReplyTo: `<${answered}>`, references: `<${answered}>` }
  return Effect.tryPromise({
    try: async () => {
      const transport = createTransport({
        streamTransport: true,
        buffer: true,
        newline: "windows",
        disableFileAccess: true,
        disableUrlAccess: true,
      })
      const { message } = await transport.sendMail({
        from: { name: oneLine(mail.from.name ?? "", nameCharsMax), address: mail.from.address },
        to: { name: oneLine(mail.to.name ?? "", nameCharsMax), address: mail.to.address },
        subject: oneLine(mail.subject, subjectCharsMax),
        text: mail.text.replaceAll("\0", ""),
        date: new Date(mail.at),
        messageId,
        xMailer: false,
        ...thread,
      })
      if (!(message instanceof Uint8Array)) throw new Error("the composer gave no bytes")
      return message
    },
    catch: (cause) =>
      new MailerUnavailable({
        message: `The mail could not be composed (${String(cause)}); nothing was written`,
        retryable: false,
        cause,
      }),
  })
}

/** Flushes a file or a folder that is open nowhere else. */
const flush = (path: string) => {
  const handle = openSync(path, "r")
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** All of it or nothing under this name, on disk when it returns. */
const write = (folder: string, name: string, content: Uint8Array) => {
  const path = join(folder, name)
  const unfinished = join(folder, `.${name}.tmp`)
  const handle = openSync(unfinished, "w", 0o600)
  try {
    for (let done = 0; done < content.length;) done += writeSync(handle, content, done)
    fsyncSync(handle)
  } catch (cause) {
    rmSync(unfinished, { force: true })
    throw cause
  } finally {
    closeSync(handle)
  }
  renameSync(unfinished, path)
}

/** An empty file that says that a mail was taken back. */
const recalledName = (name: string) => `.${name}.recalled`

const codeOf = (cause: unknown) =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""

const unavailable = (folder: string) => (cause: unknown) =>
  new MailerUnavailable({
    message: ["ENOSPC", "EDQUOT"].includes(codeOf(cause))
      ? `No space left for ${folder}: make space; the mail is then written by itself`
      : `Cannot write to ${folder} (${codeOf(cause) || String(cause)}): make the folder writable`,
    retryable: true,
    cause,
  })

export const layer = (folder: string): Layer.Layer<Mailer> =>
  Layer.succeed(
    Mailer,
    Mailer.of({
      send: Effect.fn("Mailer.send")(function* (mail: OutgoingMail, key: string) {
        const from = yield* checkedAddress("The sender", mail.from.address)
        yield* checkedAddress("The receiver", mail.to.address)
        const hash = sha256Hex(key).slice(0, 32)
        const name = `${hash}.eml`
        const domain = domainToASCII(from.slice(from.lastIndexOf("@") + 1)) || "localhost"
        const messageId = `<${hash}@${domain}>`
        const result = { messageId, where: `${basename(folder)}/${name}` }
        const attempt = <A>(act: () => A) => Effect.try({ try: act, catch: unavailable(folder) })
        const content = yield* compose(mail, messageId)
        yield* attempt(() => {
          mkdirSync(folder, { recursive: true, mode: 0o700 })
          const there = [name, recalledName(name)].some((one) => existsSync(join(folder, one)))
          if (!there) write(folder, name, content)
          // Also where it was there: a crash may have come between its name and this.
          flush(folder)
        })
        return result
      }),
      recall: Effect.fn("Mailer.recall")(function* (key: string) {
        const name = `${sha256Hex(key).slice(0, 32)}.eml`
        const where = `${basename(folder)}/${name}`
        const gone = yield* Effect.try({
          try: () => {
            if (existsSync(join(folder, name))) {
              // Its word first: whatever crashes, the mail is not written again.
              write(folder, recalledName(name), new Uint8Array())
              flush(folder)
              rmSync(join(folder, name), { force: true })
              flush(folder)
            }
            return existsSync(join(folder, recalledName(name)))
          },
          catch: unavailable(folder),
        })
        // Nothing is sent from here, so what is in the folder never left the house. What is not was moved.
        if (!gone) {
          return yield* new TooLate({
            message: `${where} is not in the outbox any more: you moved it, or sent it. ` +
              "It cannot be taken back from here; if it was sent, write to the person.",
            retryable: false,
          })
        }
        return { where }
      }),
      sends: false,
    }),
  )
