/**
 * Takes in what importers read: finds whose it is, seals it, files blobs and records each as one event
 * under an id derived from what it is, so that importing twice adds nothing.
 */

/** What an importer read, in plain. It is sealed before it is stored. */
export type ParsedRecord = ParsedMail | ParsedPerson

export interface ParsedSource {
  /** File name without folders. */
  readonly file: string
  /** `byte 1042` or `line 17`. */
  readonly at: string
}

export interface ParsedMailbox {
  readonly name: string
  readonly address: string
}

export interface ParsedMail {
  readonly record: "mail"
  /** SHA-256 (hex) of headers and body without transport headers (`Received`, `X-Gmail-*`). */
  readonly digest: string
  readonly messageId: string
  readonly inReplyTo: string
  readonly references: ReadonlyArray<string>
  readonly from: ParsedMailbox
  readonly to: ReadonlyArray<ParsedMailbox>
  readonly cc: ReadonlyArray<ParsedMailbox>
  readonly deliveredTo: ReadonlyArray<string>
  readonly subject: string
  readonly text: string
  /** Epoch ms; undefined where neither header nor envelope gives a date. */
  readonly sentAt?: number
  readonly labels: ReadonlyArray<string>
  readonly kind: "personal" | "list" | "automatic" | "bounce"
  readonly attachments: ReadonlyArray<
    { readonly name: string; readonly mediaType: string; readonly content: Uint8Array }
  >
  readonly source: ParsedSource
}

export interface ParsedPerson {
  readonly record: "person"
  readonly list: "linkedin" | "hubspot" | "people"
  readonly name: string
  readonly address: string
  readonly company: string
  readonly position: string
  readonly phone: string
  readonly url: string
  readonly since?: number
  readonly source: ParsedSource
}
