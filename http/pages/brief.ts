/**
 * Today's brief as a page: what waits in order of what it costs not to act, each with its evidence and
 * its decision; beside it money, meetings, what was done, held back and is not known.
 */
import type { Approval, Brief, BriefContent, BriefItem, BriefLead } from "../../projections/aios.ts"
import { actionOf, wordOf } from "./actions.ts"
import { decisionOf, groupsOf, headline } from "./decision.ts"
import { html, type Markup, nothing } from "./html.ts"
import { button, type Frame, page } from "./layout.ts"
import {
  ago,
  clockOf,
  count,
  dayOf,
  dueOf,
  moneyOf,
  moneysOf,
  sinceText,
  span,
  timeOf,
  titleOf,
} from "./words.ts"

/** An honest guess of what reading and deciding takes. */
const minutesPerDecision = 1.5
/** Items that stand open; those of less weight are one step away. */
const itemsShown = { now: 5, week: 3 }
const leadsShown = 3
const leadsFoldedMax = 20
const linesShown = 6
/** Older items show their age. */
const freshMillis = 24 * 60 * 60 * 1000

const evidence = (events: ReadonlyArray<string>, isFirst = false): Markup => {
  const last = events.at(-1)
  return last === undefined ? nothing : html`
    ${isFirst ? "" : "· "}<a href="/why/${last}">${count(events.length, "event")}</a>
  `
}

const whyOf = (reasons: ReadonlyArray<string>, events: ReadonlyArray<string>): Markup =>
  reasons.length === 0 && events.length === 0
    ? nothing
    : html`<p class="why"><span class="quiet">why:</span> ${reasons.join(" · ")}${
      evidence(events, reasons.length === 0)
    }</p>`

const itemOf = (
  item: BriefItem,
  approvals: ReadonlyArray<Approval>,
  content: BriefContent | undefined,
  frame: Frame,
  /** The one approval whose content stands open. */
  open: string | undefined,
): Markup => {
  const meta = [
    item.dueAt === undefined ? undefined : dueOf(item.dueAt, frame.now, frame.timeZone),
    frame.now - item.since > freshMillis
      ? html`waiting ${timeOf(item.since, span(frame.now - item.since), frame.timeZone)}`
      : undefined,
    ...[item.prepared, ...item.more.map((one) => one.prepared)].filter((one) => one !== "")
      .map((one) => html`${one}`),
  ].filter((one) => one !== undefined)
  const id = item.approvals[0] ?? item.events[0] ?? item.what
  return html`
    <li>
      <article id="item-${id}" data-item tabindex="-1">
    <h3>${item.what}</h3>
    ${meta.length === 0
      ? nothing
      : html`<p class="meta">${
        meta.map((one, i) =>
          i === 0 ? one : html`
            · ${one}
          `
        )
      }</p>`}
    ${whyOf(item.why, item.events)}
    ${approvals.length === 0
      ? wordOf(item, content, frame)
      : approvals.map((one) => decisionOf(one, frame, { open: one.id === open }))}
      </article>
    </li>
  `
}

/** An approval that no item speaks of. */
const bareOf = (approval: Approval, frame: Frame, open: string | undefined): Markup =>
  html`
    <li>
      <article id="item-${approval.id}" data-item tabindex="-1">
    <h3>${headline(approval)}</h3>
    ${approval.dueAt === undefined
      ? nothing
      : html`<p class="meta">${dueOf(approval.dueAt, frame.now, frame.timeZone)}</p>`}${whyOf(
        approval.reasons,
        approval.events,
      )}
    ${decisionOf(approval, frame, { open: approval.id === open })}
      </article>
    </li>
  `

const itemsOf = (when: "now" | "week", all: ReadonlyArray<Markup>): Markup =>
  folded(`more-${when}`, all, itemsShown[when])

const folded = (id: string, all: ReadonlyArray<Markup>, shown: number): Markup =>
  html`<ol class="items">${all.slice(0, shown)}</ol>${
    all.length <= shown ? nothing : html`
      <details class="more" id="${id}">
        <summary>and ${all.length - shown} more</summary>
        <ol class="items">${all.slice(shown)}</ol>
      </details>
    `
  }`

const section = (id: string, title: string, body: Markup): Markup =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`

const leadOf = (lead: BriefLead): Markup =>
  html`
    <li>
      <article id="lead-${lead.key}" data-item
        tabindex="-1"><h3><a href="/agents/lead/${lead.key}">${lead.person}</a> is ${lead
          .state} <span class="quiet">(score ${lead.score})</span></h3>
    ${whyOf(lead.reasons, lead.events)}</article>
    </li>
  `

const lines = (all: ReadonlyArray<Markup>): Markup =>
  html`<ul class="lines">${all.slice(0, linesShown).map((one) => html`<li>${one}</li>`)}</ul>${
    all.length <= linesShown ? nothing : html`
      <details>
        <summary>and ${all.length - linesShown} more</summary>
        <ul class="lines">${all.slice(linesShown).map((one) => html`<li>${one}</li>`)}</ul>
      </details>
    `
  }`

const moneyLine = ({ invoices, money }: Brief, frame: Frame): Markup => {
  const late = invoices.filter((one) => one.daysLate > 0)
  const said = [
    money.overdueCount === 0
      ? undefined
      : html`<strong class="wrong">${money.overdueCount} overdue</strong>, ${
        moneysOf(money.overdue)
      }${
        money.oldest === undefined ? nothing : html`
          (oldest ${count(money.oldest.days, "day")}: ${money.oldest.person})
        `
      }`,
    money.expected.length === 0 ? undefined : html`expected this week ${moneysOf(money.expected)}`,
    money.accepted.length === 0 ? undefined : html`to be invoiced ${moneysOf(money.accepted)}`,
    money.received.length === 0 ? undefined : html`received ${moneysOf(money.received)}`,
  ].filter((one) => one !== undefined)
  if (said.length === 0 && late.length === 0) return nothing
  return section(
    "money",
    "Money",
    html`<p>${
      said.map((one, i) =>
        i === 0 ? one : html`
          · ${one}
        `
      )
    }</p>${
      late.length === 0
        ? nothing
        : html`<ul class="rows">${
          late.map((one) =>
            html`<li><span><a href="/agents/invoice/${one.key}">${one.number}</a> ${one.person}</span> <span class="number">${
              moneyOf(one.open)
            }</span> <span class="quiet">${count(one.daysLate, "day")} late</span>${
              button(frame, `/invoices/${one.key}/paid`, "Paid", { about: `is ${one.number}` })
            }</li>`
          )
        }</ul>`
    }`,
  )
}

/** Decisions that can be looked at again, the newest first. */
const decidedLines = (brief: Brief, frame: Frame): ReadonlyArray<Markup> =>
  brief.decided.toSorted((a, b) => b.at - a.at).map((one) =>
    html`<span>${one.decision}: ${one.what}${
      one.outcome === "" ? nothing : html`
        – ${one.outcome}
      `
    } <span class="quiet">${ago(one.at, frame.now, frame.timeZone)}</span></span> ${
      button(frame, `/approvals/${one.id}/undo`, "Undo", { about: one.what })
    }`
  )

/** A group of what was done; what it was, each, one step away. */
const doneOf = (one: Brief["done"][number]): Markup =>
  one.each.length === 0 ? html`${one.what}${evidence(one.events)}` : html`
    <details id="done-${one.what.replace(/^\d+ /, "")}">
      <summary>${one.what}</summary>
      <ul class="lines">${one.each.map((each) =>
        html`<li>${each}</li>`
      )}${one.count > one.each.length
        ? html`<li class="quiet">and ${one.count - one.each.length} more</li>`
        : nothing}</ul>
    </details>
  `

const aside = (brief: Brief, frame: Frame): Markup =>
  html`<aside aria-label="The rest of the day">
${
    brief.meetings.length === 0 ? nothing : section(
      "meetings",
      "Meetings",
      lines(brief.meetings.map((one) =>
        html`<span class="number">${
          one.allDay ? "all day" : clockOf(one.startsAt, frame.timeZone)
        }</span> ${one.title}${
          one.with === "" ? nothing : html`
            <span class="quiet">with ${one.with}</span>
          `
        }`
      )),
    )
  }
${moneyLine(brief, frame)}
${
    brief.decided.length === 0
      ? nothing
      : section("decided", "Decided", lines(decidedLines(brief, frame)))
  }
${
    brief.done.length === 0 ? nothing : section(
      "done",
      "Done without you",
      lines(brief.done.map(doneOf)),
    )
  }
${
    brief.held.length === 0 ? nothing : section(
      "held",
      "Held back",
      lines(
        brief.held.map((one) =>
          html`${one.what} ${one.action === "" ? nothing : actionOf(one.action)}`
        ),
      ),
    )
  }
${
    brief.unknown.length === 0 ? nothing : section(
      "unknown",
      "Not known",
      lines(brief.unknown.map((one) => html`${one}`)),
    )
  }
${
    brief.checklist.length === 0 ? nothing : section(
      "checklist",
      "To mend",
      lines(brief.checklist.map((one) => html`${one.what} <code>${one.fix}</code>`)),
    )
  }
</aside>`

const lede = (brief: Brief, frame: Frame): Markup => {
  const { news } = brief
  const arrived = [
    news.mails > 0 ? count(news.mails, "mail") : "",
    news.messages > 0 ? count(news.messages, "message") : "",
    news.leads > 0 ? count(news.leads, "new lead") : "",
    news.payments > 0 ? count(news.payments, "payment") : "",
  ].filter((one) => one !== "").join(", ") || "nothing new"
  const { oldest, records } = news.takenIn
  const isImport = records > 0 && (oldest === undefined || oldest < news.since)
  const decisions = brief.approvals.length
  const minutes = Math.max(1, Math.round(decisions * minutesPerDecision))
  return html`<p class="lede">${
    news.since > 0
      ? html`
        since ${timeOf(
          news.since,
          sinceText(news.since, frame.now, frame.timeZone),
          frame.timeZone,
        )}:
      `
      : nothing
  }${arrived} · ${
    decisions === 0
      ? "no decisions"
      : `${count(decisions, "decision")}, about ${count(minutes, "minute")}`
  }${
    isImport
      ? html`
        · taken in today: ${count(records, "record")}${oldest === undefined ? nothing : html`
          back to ${timeOf(oldest, dayOf(oldest, frame.timeZone), frame.timeZone)}
        `}
      `
      : nothing
  }</p>`
}

export const briefPage = (brief: Brief, frame: Frame): string => {
  const left = new Map(brief.approvals.map((one) => [one.id, one]))
  const taken = (item: BriefItem): ReadonlyArray<Approval> =>
    item.approvals.flatMap((id) => {
      const found = [...left.values()].find((one) => one.id.startsWith(id))
      if (found !== undefined) left.delete(found.id)
      return found ?? []
    })
  const contentOf = (item: BriefItem): BriefContent | undefined =>
    item.kind === "content"
      ? brief.content.find((one) => one.events.at(-1) === item.events.at(-1))
      : undefined
  let open: string | undefined
  const told = (item: BriefItem) => {
    const approvals = taken(item)
    open ??= approvals[0]?.id
    return itemOf(item, approvals, contentOf(item), frame, open)
  }
  const now = brief.now.map(told)
  const week = brief.week.map(told)
  const bare = [...left.values()].map((one) => {
    open ??= one.id
    return bareOf(one, frame, open)
  })
  const named = new Set([...brief.now, ...brief.week].map((one) => one.key))
  const leads = brief.leads.filter((one) => !named.has(one.key))
  const isEmpty = !brief.news.known && now.length + week.length + bare.length === 0
  const isQuiet = now.length + week.length + bare.length + leads.length === 0

  return page(
    frame,
    {
      title: brief.approvals.length === 0
        ? "Brief · AIOS"
        : `(${brief.approvals.length}) Brief · AIOS`,
      place: "/",
    },
    html`<main id="main" class="wide"><div class="column">
<h1>${titleOf(brief.date)}</h1>
${lede(brief, frame)}
${
      isEmpty
        ? html`
          <div class="empty">
            <p>Nothing is known yet. Give AIOS what you have:</p>
            <pre>aios import mailbox.mbox contacts.csv</pre>
            <p>Mail, people, invoices, calendars, feeds and notes are recognised by their content. Then the brief stands here.</p>
          </div>
        `
        : isQuiet
        ? html`<p class="empty">A quiet day: nothing waits for you.</p>`
        : nothing
    }
${
      now.length + bare.length === 0 ? nothing : section(
        "now",
        "Now",
        html`${itemsOf("now", [...now, ...bare])}${groupsOf(brief.approvals, frame)}`,
      )
    }
${week.length === 0 ? nothing : section("week", "This week", itemsOf("week", week))}
${
      leads.length === 0 ? nothing : section(
        "warm",
        "Warm",
        html`${folded("more-warm", leads.slice(0, leadsFoldedMax).map(leadOf), leadsShown)}${
          leads.length <= leadsFoldedMax
            ? nothing
            : html`<p><a href="/agents#lead">and ${leads.length - leadsFoldedMax} more</a></p>`
        }`,
      )
    }
</div>${aside(brief, frame)}</main>`,
  )
}
