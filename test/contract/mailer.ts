/**
 * What every mailer promises: one mail per key, to one person, with the content it was given and no
 * header that was not.
 */
import { Effect, type Layer } from "effect"
import { simpleParser } from "mailparser"
import { describe, expect, it } from "vitest"
import { Mailer, type OutgoingMail } from "../../actors/mailer.ts"

export interface Outbox {
  readonly layer: Layer.Layer<Mailer>
  /** Every mail handed over so far, as sent. */
  readonly mails: () => Promise<ReadonlyArray<Uint8Array>>
  readonly close: () => Promise<void>
}

export const mail: OutgoingMail = {
  from: { name: "Mara Lindqvist", address: "mara@northlight.example" },
  to: { name: "Ada Weiss", address: "ada@lumen.example" },
  subject: "Re: Sponsorship",
  text: "Hello Ada Weiss,\n\nthank you.\n\nMara\n",
  inReplyTo: "<1@lumen.example>",
  at: Date.UTC(2026, 10, 24, 7),
}

export const mailerContract = (name: string, open: () => Promise<Outbox>) => {
  const send = (outbox: Outbox, what: Partial<OutgoingMail>, key = "outreach-1/3.0") =>
    Effect.gen(function* () {
      const mailer = yield* Mailer
      return yield* mailer.send({ ...mail, ...what }, key)
    }).pipe(Effect.provide(outbox.layer))
  const withOutbox = (test: (outbox: Outbox) => Promise<unknown>) => async () => {
    const outbox = await open()
    try {
      await test(outbox)
    } finally {
      await outbox.close()
    }
  }
  const only = async (outbox: Outbox) => {
    const mails = await outbox.mails()
    expect(mails.length).toBe(1)
    const raw = Buffer.from(mails[0]!)
    return { raw: raw.toString("utf8"), parsed: await simpleParser(raw) }
  }

  describe(name, () => {
    it(
      "hands over what it was given",
      withOutbox(async (outbox) => {
        const { messageId, where } = await Effect.runPromise(send(outbox, {}))
        const { parsed } = await only(outbox)
        expect(where).not.toBe("")
        expect(parsed.messageId).toBe(messageId)
        expect(parsed.from?.text).toBe('"Mara Lindqvist" <mara@northlight.example>')
        expect(parsed.to).toMatchObject({ text: '"Ada Weiss" <ada@lumen.example>' })
        expect(parsed.subject).toBe("Re: Sponsorship")
        expect(parsed.inReplyTo).toBe("<1@lumen.example>")
        expect(parsed.references).toBe("<1@lumen.example>")
        expect(parsed.date?.getTime()).toBe(mail.at)
        expect(parsed.text).toBe(mail.text)
      }),
    )
    it(
      "the same key is the same mail, handed over once",
      withOutbox(async (outbox) => {
        const first = await Effect.runPromise(send(outbox, {}))
        const [before] = await outbox.mails()
        const again = await Effect.runPromise(send(outbox, { at: mail.at + 1000, text: "Other" }))
        expect(again).toEqual(first)
        expect(await outbox.mails()).toEqual([before])
      }),
    )
    it(
      "sends of one key at the same time hand over one mail",
      withOutbox(async (outbox) => {
        await Effect.runPromise(
          Effect.all(Array.from({ length: 8 }, () => send(outbox, {})), {
            concurrency: "unbounded",
          }),
        )
        await only(outbox)
      }),
    )
    it(
      "what is taken back is gone, twice is success, and a late repeat does not bring it back",
      withOutbox(async (outbox) => {
        const recall = (key: string) =>
          Effect.flatMap(Mailer, (mailer) => mailer.recall(key)).pipe(Effect.provide(outbox.layer))
        const sent = await Effect.runPromise(send(outbox, {}))
        await Effect.runPromise(send(outbox, {}, "outreach-2/3.0"))
        expect((await Effect.runPromise(recall("outreach-1/3.0"))).where).toBe(sent.where)
        expect((await Effect.runPromise(recall("outreach-1/3.0"))).where).toBe(sent.where)
        expect(await Effect.runPromise(send(outbox, {}))).toEqual(sent)
        expect(await outbox.mails()).toHaveLength(1)
      }),
    )
    it(
      "what never was here, or is not any more, is too late to take back",
      withOutbox(async (outbox) => {
        const failure = await Effect.runPromise(Effect.flip(
          Effect.flatMap(Mailer, (mailer) => mailer.recall("outreach-1/3.0")).pipe(
            Effect.provide(outbox.layer),
          ),
        ))
        expect(failure).toMatchObject({ _tag: "TooLate", retryable: false })
      }),
    )
    it(
      "other keys are other mails",
      withOutbox(async (outbox) => {
        const first = await Effect.runPromise(send(outbox, {}, "outreach-1/3.0"))
        const second = await Effect.runPromise(send(outbox, {}, "outreach-1/4.0"))
        expect(second.messageId).not.toBe(first.messageId)
        expect((await outbox.mails()).length).toBe(2)
      }),
    )
    it.each([
      ["umlauts", "Grüße", "Jörg Müller"],
      ["other scripts", "こんにちは", "山田太郎"],
      ["characters of all planes", "Hi 😀", "𝔸da 👩‍🚀"],
      [
        "signs that mean something in headers",
        'a "b" <c@d.example>, e; =?x?=',
        'O"Neil, (Pat) <x>',
      ],
      ["very long words", "ß".repeat(300), "é".repeat(150)],
    ])("subjects and names keep %s", (_, subject, name) =>
      withOutbox(async (outbox) => {
        const text = `${name}\n\n${"lang ".repeat(400)}\n.\nFrom here\n`
        await Effect.runPromise(send(outbox, { subject, text, to: { ...mail.to, name } }))
        const { parsed, raw } = await only(outbox)
        expect(parsed.subject).toBe(subject)
        expect(parsed.to).toMatchObject({ value: [{ address: mail.to.address, name }] })
        expect(parsed.text).toBe(text)
        for (const line of raw.split("\r\n")) expect(Buffer.byteLength(line)).toBeLessThan(998)
        const header = raw.slice(0, raw.indexOf("\r\n\r\n"))
        expect(header).not.toMatch(/[^\p{ASCII}]/u)
      })())
    it.each([
      ["CR LF", "Hi\r\nBcc: victim@else.example"],
      ["LF", "Hi\nBcc: victim@else.example"],
      ["CR", "Hi\rBcc: victim@else.example"],
      ["a folded line", "Hi\r\n Bcc: victim@else.example\r\n\r\nBody"],
      ["other line ends", "Hi\u2028Bcc: victim@else.example\u0085Bcc: a@b.example\u0000"],
    ])(
      "no header comes in by %s in names, subjects and ids",
      (_, hostile) =>
        withOutbox(async (outbox) => {
          await Effect.runPromise(send(outbox, {
            subject: hostile,
            from: { ...mail.from, name: hostile },
            to: { ...mail.to, name: hostile },
            inReplyTo: `<1@x.example>${hostile}`,
          }))
          const { parsed } = await only(outbox)
          expect([...parsed.headers.keys()].sort()).toEqual([
            "content-transfer-encoding",
            "content-type",
            "date",
            "from",
            "message-id",
            "mime-version",
            "subject",
            "to",
          ])
          expect(parsed.to).toMatchObject({ value: [{ address: mail.to.address }] })
          expect(parsed.text).toBe(mail.text)
        })(),
    )
    it.each([
      "",
      "nobody",
      "a@b.example, c@d.example",
      "a@b.example c@d.example",
      "a@b.example;c@d.example",
      "<a@b.example>",
      "A <a@b.example>",
      "a@b@c.example",
      "a@b.example\r\nBcc: c@d.example",
      "a@b.example\n",
      "group: a@b.example;",
      '"a, c@d.example"@b.example',
      "a(c@d.example)@b.example",
      "a@b..example",
      "a@",
      "@b.example",
      `${"a".repeat(250)}@b.example`,
    ])(
      "%j is not one plain address: nothing is handed over",
      (address) =>
        withOutbox(async (outbox) => {
          for (const part of [{ to: { name: "", address } }, { from: { name: "", address } }]) {
            const failure = await Effect.runPromise(Effect.flip(send(outbox, part)))
            expect(failure._tag).toBe("MailerUnavailable")
            expect(failure.retryable).toBe(false)
          }
          expect(await outbox.mails()).toEqual([])
        })(),
    )
    it(
      "an address without a name, and a mail that answers none",
      withOutbox(async (outbox) => {
        const { inReplyTo: _, ...bare } = mail
        await Effect.runPromise(
          Effect.flatMap(
            Mailer,
            (mailer) => mailer.send({ ...bare, to: { address: "jörg@bücher.example" } }, "k"),
          )
            .pipe(Effect.provide(outbox.layer)),
        )
        const { parsed } = await only(outbox)
        expect(parsed.inReplyTo).toBeUndefined()
        expect(parsed.to).toMatchObject({ value: [{ name: "" }] })
      }),
    )
  })
}
