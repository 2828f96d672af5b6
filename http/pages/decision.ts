/**
 * One approval on its exact content, with what can be said about it: approve, edit, reject, later. All are
 * forms, so they work without scripts.
 */
import { DateTime } from "effect"
import { instantOf } from "../../actors/cadence.ts"
import type { Json } from "../../machines/agent.ts"
import type { Approval } from "../../projections/aios.ts"
import { citesOf, madeWords } from "../../projections/aios-made.ts"
import { objectOf, textOf } from "../../projections/fields.ts"
import { html, type Markup, nothing, textarea, verbatim } from "./html.ts"
import { button, type Frame, hidden } from "./layout.ts"
import { ago, count, exactOf, moneyOf } from "./words.ts"

const hourMillis = 60 * 60 * 1000
const morning = "09:00"

export const mailboxOf = (value: Json | undefined): string => {
  if (typeof value === "string") return value
  const address = textOf(objectOf(value)["address"])
  const name = textOf(objectOf(value)["name"])
  return name === "" ? address : `${name} <${address}>`
}

/** What it is, in one line. */
export const headline = (approval: Approval): string => {
  const content = objectOf(approval.content)
  const subject = textOf(content["subject"])
  const to = mailboxOf(content["to"])
  if (subject !== "" && to !== "") return `Mail to ${to}: ${subject}`
  const title = textOf(content["title"]) || textOf(content["number"]) || subject
  const words = approval.activity.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}${title === "" ? "" : `: ${title}`}`
}

/** What it is; the sentence above and the fields below say the rest. */
const kindOf = (approval: Approval): string => {
  const [kind = ""] = headline(approval).split(": ")
  return kind.startsWith("Mail to ") ? "Mail" : kind
}

const isMoney = (value: Json | undefined) => {
  const fields = objectOf(value)
  return typeof fields["minor"] === "number" && typeof fields["currency"] === "string"
    ? { minor: fields["minor"], currency: fields["currency"] }
    : undefined
}

const valueOf = (name: string, value: Json, frame: Frame): Markup => {
  const money = isMoney(value)
  if (money !== undefined) return html`${moneyOf(money)}`
  if (textOf(objectOf(value)["address"]) !== "") return html`${mailboxOf(value)}`
  if (typeof value === "number" && /At$/.test(name) && value > 1e11) {
    return html`${exactOf(value, frame.timeZone)}`
  }
  if (typeof value === "string" || typeof value === "number") return html`${String(value)}`
  if (typeof value === "boolean") return html`${value ? "yes" : "no"}`
  return html`<code>${JSON.stringify(value)}</code>`
}

const fieldOf = (name: string): string => {
  const words = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

/** Names that carry the long text of what would leave the house. */
const textName = (content: { readonly [name: string]: Json }): string | undefined =>
  ["text", "body", "markdown"].find((name) => typeof content[name] === "string")

/** Fields that machines need; a founder decides by the others. */
const technical = new Set([
  "from",
  "inReplyTo",
  "made",
  "messageId",
  "person",
  "purpose",
  "record",
  "records",
  "references",
  "requester",
  "subjectKey",
  "work",
])

/** Keys of actors and people. */
const opaque = /^[0-9a-f]{32}(~\d+)?$/

const fieldsOf = (
  fields: ReadonlyArray<readonly [name: string, value: Json]>,
  frame: Frame,
): Markup =>
  html`<dl class="fields">${
    fields.map(([name, value]) =>
      html`
        <div>
          <dt>${fieldOf(name)}</dt>
          <dd>${valueOf(name, value, frame)}</dd>
        </div>
      `
    )
  }</dl>`

/** All of it: nothing is done that is not shown here, what only machines need one step away. */
const contentOf = (approval: Approval, frame: Frame): Markup => {
  const content = objectOf(approval.content)
  if (Object.keys(content).length === 0) {
    return verbatim("pre", "letter", JSON.stringify(approval.content))
  }
  const long = textName(content)
  const fields = Object.entries(content).filter(([name, value]) =>
    name !== long && value !== null && value !== "" &&
    !(Array.isArray(value) && value.length === 0)
  )
  const isTechnical = ([name, value]: readonly [string, Json]) =>
    technical.has(name) || (typeof value === "string" && opaque.test(value))
  const plain = fields.filter((field) => !isTechnical(field))
  const rest = fields.filter(isTechnical)
  return html`${fieldsOf(plain, frame)}${
    long === undefined ? nothing : verbatim("div", "letter", textOf(content[long]).trimEnd())
  }${
    rest.length === 0
      ? nothing
      : html`<details class="rest" id="rest-${approval.id}"><summary>${
        count(rest.length, "more field")
      }</summary>${fieldsOf(rest, frame)}</details>`
  }`
}

/** What a draft rests on, word for word, each with the event it is from. */
const evidenceOf = (approval: Approval): Markup => {
  const cites = citesOf(approval)
  return cites.length === 0
    ? nothing
    : html`<ul class="cites quiet">${
      cites.map(({ event, quote }) =>
        html`
          <li>${quote} <a href="/why/${event}">where from</a></li>
        `
      )
    }</ul>`
}

const factsOf = (approval: Approval, frame: Frame): Markup =>
  html`
    <p class="quiet facts">asked ${ago(
      approval.requestedAt,
      frame.now,
      frame.timeZone,
    )}${approval.postponedUntil === undefined ? nothing : html`
      · postponed, waits again
    `} · <a href="/why/${approval.id}">why</a></p>
  `

/** The content, folded: only the first is open, and whichever the keys lead to. */
const draftOf = (approval: Approval, isOpen: boolean, frame: Frame): Markup => {
  const risk = approval.grade === "normal" ? "" : `${approval.grade} risk`
  const said = [madeWords(approval), risk].filter((one) => one !== "").join(" · ")
  return html`
    <details class="draft" id="draft-${approval.id}" ${isOpen
      ? html`
        open
      `
      : nothing}>
      <summary>${kindOf(approval)}${said === "" ? nothing : html`
        <span class="quiet">· ${said}</span>
      `}</summary>
      <div class="content">${contentOf(approval, frame)}${evidenceOf(approval)}</div>
      ${factsOf(approval, frame)}
    </details>
  `
}

const dateAfter = (frame: Frame, days: number): string =>
  DateTime.formatIsoDate(
    DateTime.add(DateTime.makeZonedUnsafe(frame.now, { timeZone: frame.timeZone }), { days }),
  )

/** Days until the next Monday: 7 on a Monday. */
const toMonday = (frame: Frame): number => {
  const weekday = new Date(`${dateAfter(frame, 0)}T12:00:00Z`).getUTCDay()
  return ((8 - weekday) % 7) || 7
}

const times = (frame: Frame): ReadonlyArray<readonly [name: string, at: number]> => [
  ["In 3 hours", frame.now + 3 * hourMillis],
  ["Tomorrow 09:00", instantOf(dateAfter(frame, 1), morning, frame.timeZone)],
  ["Monday 09:00", instantOf(dateAfter(frame, toMonday(frame)), morning, frame.timeZone)],
]

const editOf = (approval: Approval, frame: Frame): Markup => {
  const content = objectOf(approval.content)
  const long = textName(content)
  if (long === undefined) return nothing
  const { id } = approval
  const subject = content["subject"]
  const about = typeof subject === "string"
    ? html`<label>Subject <input name="subject" id="subject-${id}" value="${subject}" autocomplete="off"></label>`
    : nothing
  return html`
    <details class="act" data-act="edit" name="act-${id}" id="edit-${id}">
      <summary>Edit</summary>
      <form method="post" action="/approvals/${id}/edit" data-live>
          ${hidden(frame)}${about}<label>Text ${textarea(
            `text-${id}`,
            "text",
            textOf(content[long]),
          )}</label>
          <p class="quiet">This becomes a new draft, which waits for your approval in turn.</p>
          <button>Save as new draft</button>
        </form>
    </details>
  `
}

export const decisionOf = (
  approval: Approval,
  frame: Frame,
  options: { readonly open: boolean },
): Markup => {
  const { id } = approval
  const about = headline(approval)
  return html`
    <section class="decision" id="approval-${id}" data-approval="${id}"
      aria-label="${about}">
    ${draftOf(approval, options.open, frame)}
    ${approval.unclear === true
      ? html`<p class="quiet">Nobody knows whether this happened already. Look, then say so:
        <code>aios settle ${id.slice(0, 8)} --happened</code> or <code>--did-not-happen</code></p>`
      : nothing}
    <div class="acts">
    ${approval.unclear === true ? nothing : button(frame, `/approvals/${id}/approve`, "Approve", {
      act: "approve",
      primary: true,
      fields: { hash: approval.hash },
      about,
    })}
    ${editOf(approval, frame)}
    <details class="act" data-act="reject" name="act-${id}" id="reject-${id}"><summary>Reject</summary>
    <form method="post" action="/approvals/${id}/reject" data-live>${hidden(
      frame,
    )}<label>Why not? <input name="reason" id="reason-${id}" required maxlength="500" autocomplete="off"></label>
    <p class="quiet">A few words. They are kept, and make the next draft better.</p><button>Reject</button></form></details>
    <details class="act" data-act="later" name="act-${id}" id="later-${id}"><summary>Later</summary>
    <form method="post" action="/approvals/${id}/later" data-live>${hidden(
      frame,
    )}<div class="choices">${times(frame).map(([name, at]) =>
      html`<button name="until" value="${at}" title="${
        exactOf(at, frame.timeZone)
      }">${name}</button>`
    )}</div></form></details>
    </div></section>
  `
}

/** Groups of alike, low-risk ones that may be approved together. */
export const groupsOf = (approvals: ReadonlyArray<Approval>, frame: Frame): Markup => {
  const groups = new Map<string, Array<Approval>>()
  for (const one of approvals) {
    if (one.group !== undefined) groups.set(one.group, [...groups.get(one.group) ?? [], one])
  }
  return html`${
    [...groups].filter(([, all]) => all.length > 1).map(([group, all]) =>
      html`
        <div
          class="group"><p>${all.length} of these are alike and of low risk (${all[0]?.rule ??
            group}).</p>${button(frame, "/approvals/approve-group", `Approve all ${all.length}`, {
              fields: { group, ids: all.map((one) => one.id).join(" ") },
            })}</div>
      `
    )
  }`
}
