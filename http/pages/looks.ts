/** Pages that only show: agents and their states, one actor, people, reports, the chain of causes. */
import type { Json, StateValue } from "../../machines/agent.ts"
import type { RecordedEvent } from "../../actors/event-log.ts"
import type {
  AgentRow,
  History,
  PersonRow,
  ReportRow,
  Why,
  WhyNot,
} from "../../projections/aios.ts"
import { forecastWords } from "../../projections/aios-made.ts"
import { html, type Markup, nothing, verbatim } from "./html.ts"
import { type Frame, page } from "./layout.ts"
import { ago, count, exactOf, timeOf } from "./words.ts"

/** Rows of one agent on the page; the rest is counted. */
const rowsShown = 200

/** As the chart calls it: `waiting`, `open.due`, regions side by side. */
export const stateText = (state: StateValue): string =>
  typeof state === "string" ? state : Object.entries(state).map(([name, inner]) => {
    const below = stateText(inner)
    return below === "" ? name : `${name}.${below}`
  }).join(", ")

/** What the founder knows first, what serves it after. */
const order = ["lead", "outreach", "invoice", "article", "analyst", "executor", "coordinator"]
const placeOf = (agent: string): number => {
  const at = order.indexOf(agent)
  return at < 0 ? order.length : at
}

const shortKey = (key: string): string => key.length > 12 ? `${key.slice(0, 8)}…` : key

export type NameOf = (agent: string, key: string) => string | undefined

export const agentsPage = (
  rows: ReadonlyArray<AgentRow>,
  nameOf: NameOf,
  frame: Frame,
): string => {
  const agents = Map.groupBy(rows, (row) => row.agent)
  const listOf = (name: string, all: ReadonlyArray<AgentRow>): Markup => {
    const states = Map.groupBy(all, (row) => stateText(row.state))
    const tally = [...states].toSorted(([, a], [, b]) => b.length - a.length)
      .map(([state, same]) => `${same.length} ${state}`).join(" · ")
    return html`
      <section
        aria-labelledby="${name}"><h2 id="${name}">${name}</h2><p class="quiet">${tally}</p>
      <ul class="rows">${all.slice(0, rowsShown).map((row) =>
        html`
          <li
            id="row-${row.agent}-${row.key}"><a href="/agents/${row.agent}/${row.key}" title="${row
              .key}">${nameOf(row.agent, row.key) ??
              shortKey(row.key)}</a> <span class="state">${stateText(
                row.state,
              )}</span> <span class="quiet number">${row.status === "active"
              ? count(row.revision + 1, "event")
              : row.status}</span></li>
        `
      )}</ul>${all.length > rowsShown
        ? html`<p class="quiet">and ${
          all.length - rowsShown
        } more: <code>aios agents ${name}</code></p>`
        : nothing}</section>
    `
  }
  return page(
    frame,
    { title: "Agents · AIOS", place: "/agents" },
    html`
      <main
        id="main"><h1>Agents</h1><p class="lede">Every actor and the state its chart is in.</p>${agents
            .size === 0
          ? html`
            <p
              class="empty">No actors yet. They begin with what you import: <code>aios import mailbox.mbox</code></p>
          `
          : nothing}${[...agents].toSorted(([a], [b]) =>
            placeOf(a) - placeOf(b) || (a < b ? -1 : 1)
          ).map(([name, all]) => listOf(name, all))}</main>
    `,
  )
}

export interface Actor {
  readonly stream: string
  readonly revision: number
  readonly status: string
  readonly state: StateValue
  readonly context: Json
  readonly accepts: ReadonlyArray<string>
  readonly clock: number
  readonly problem?: string
}

export const actorPage = (
  agent: string,
  name: string,
  actor: Actor,
  events: ReadonlyArray<RecordedEvent>,
  obstacles: WhyNot["obstacles"],
  frame: Frame,
): string =>
  page(
    frame,
    { title: `${name} · AIOS`, place: "/agents" },
    html`
      <main
        id="main"><p class="quiet"><a href="/agents#${agent}">${agent}</a></p><h1>${name}</h1>
      <p class="lede"><span class="state">${stateText(
        actor.state,
      )}</span>${actor.status === "active" ? nothing : html`
        · ${actor.status}
      `} · revision ${actor.revision} · its clock stands at ${timeOf(
        actor.clock,
        exactOf(actor.clock, frame.timeZone),
        frame.timeZone,
      )}</p>
      ${actor.problem === undefined ? nothing : html`<p class="wrong">${actor.problem}</p>`}
      ${obstacles.length === 0 ? nothing : html`
        <section aria-labelledby="not">
          <h2 id="not">Why it does not go on</h2>
          <ul class="lines">${obstacles.map((one) =>
            html`<li><strong>${one.by}</strong>: ${one.what}</li>`
          )}</ul>
        </section>
      `}
      <section aria-labelledby="takes"><h2 id="takes">Would take</h2><p>${actor.accepts.length === 0
        ? "nothing more; it has ended"
        : actor.accepts.map((one, i) =>
          html`${i === 0 ? "" : " "}<code>${one}</code>`
        )}</p></section>
      <section aria-labelledby="events"><h2 id="events">Events</h2><ul class="rows">${events
        .toReversed().map((event) =>
          html`<li><a href="/why/${event.id}">${event.type}</a> <span class="state">${
            event.metadata.value === undefined ? "" : stateText(event.metadata.value)
          }</span> <span class="quiet">${
            timeOf(
              event.metadata.occurredAt ?? event.metadata.at,
              exactOf(event.metadata.occurredAt ?? event.metadata.at, frame.timeZone),
              frame.timeZone,
            )
          }</span></li>`
        )}</ul></section>
      <section aria-labelledby="context"><h2 id="context">What it remembers</h2>${verbatim(
        "pre",
        "letter",
        JSON.stringify(actor.context, null, 2),
      )}</section></main>
    `,
  )

export const whyPage = (why: Why, frame: Frame): string =>
  page(
    frame,
    { title: "Why · AIOS" },
    html`
      <main id="main">
        <h1>Why</h1>
        <p class="lede">${why.of}</p>
        <ol class="causes">${why.causes.map((one) =>
          html`
            <li>
              <p>${one.what}</p>
              <p class="quiet">${one.type} · ${timeOf(
                one.at,
                exactOf(one.at, frame.timeZone),
                frame.timeZone,
              )}${one.source === undefined ? nothing : html`
                · <code>${one.source.file}</code>, ${one.source.at}
              `}</p>
            </li>
          `
        )}</ol>
      </main>
    `,
  )

export const peoplePage = (
  people: ReadonlyArray<PersonRow>,
  filter: string,
  frame: Frame,
): string =>
  page(
    frame,
    { title: "People · AIOS", place: "/people" },
    html`<main id="main"><h1>People</h1>
<form method="get" action="/people" role="search" class="search"><label>Find <input name="filter" id="filter" value="${filter}" autocomplete="off"></label> <button>Find</button></form>
${
      people.length > 0
        ? nothing
        : filter === ""
        ? html`<p class="empty">Nobody yet. <code>aios import mailbox.mbox contacts.csv</code></p>`
        : html`
          <p
            class="empty">Nobody is found by “${filter}”. Try a part of the name, the address or the company.</p>
        `
    }<ul class="rows">${
      people.slice(0, rowsShown).map((one) =>
        html`<li><a href="/people/${one.key}">${
          one.name || one.address || "unknown or forgotten"
        }</a> <span>${one.company}</span>${
          one.reading?.by !== "model" ? nothing : html`
            <span class="quiet">${forecastWords(one.reading)} <a href="/why/${one.reading
              .event}">why</a></span>
          `
        } <span class="quiet number">${count(one.mails, "mail")}${
          one.lastAt === undefined ? nothing : html`, ${ago(one.lastAt, frame.now, frame.timeZone)}`
        }</span></li>`
      )
    }</ul>${
      people.length > rowsShown
        ? html`<p class="quiet">and ${people.length - rowsShown} more; find them by name.</p>`
        : nothing
    }</main>`,
  )

export const historyPage = (history: History, frame: Frame): string =>
  page(
    frame,
    { title: `${history.person} · AIOS`, place: "/people" },
    html`
      <main
        id="main"><h1>${history.person}</h1><p class="lede">${history
          .address} · <a href="/agents/lead/${history
          .key}">as a lead</a></p>${history.entries.length === 0
          ? html`<p class="empty">Nothing is known about them.</p>`
          : nothing}<ol class="causes">${history.entries.toReversed().map((one) =>
            html`<li><p>${one.what}</p>${
              one.detail === "" ? nothing : verbatim("p", "letter", one.detail)
            }<p class="quiet">${timeOf(one.at, exactOf(one.at, frame.timeZone), frame.timeZone)}${
              one.source === undefined ? nothing : html`
                · <code>${one.source.file}</code>, ${one.source.at}
              `
            } · <a href="/why/${one.event}">why</a></p></li>`
          )}</ol></main>
    `,
  )

export const reportsPage = (reports: ReadonlyArray<ReportRow>, frame: Frame): string =>
  page(
    frame,
    { title: "Reports · AIOS", place: "/reports" },
    html`
      <main
        id="main"><h1>Reports</h1><p class="lede">The documents of the cadence, made from the log.</p>${reports
            .length === 0
          ? html`
            <p
              class="empty">None yet. The daily and the nightly one are on; <code>aios settings</code> says which more there are.</p>
          `
          : nothing}${reports.map((one) =>
            html`
              <details class="report" id="report-${one.event}">
                <summary>${one.title} <span class="quiet">${one.slot}, ${one.date}</span></summary>
                ${verbatim("div", "letter", one.text)}
                <p class="quiet"><a href="/why/${one.event}">why</a></p>
              </details>
            `
          )}</main>
    `,
  )

/** A page that says what is wrong, and what to do. */
export const problemPage = (title: string, detail: string, frame: Frame | undefined): string =>
  page(
    frame,
    { title: `${title} · AIOS` },
    html`
      <main id="main">
        <h1>${title}</h1>
        <p class="lede wrong">${detail}</p>
        <p><a href="/">Back to the brief</a></p>
      </main>
    `,
  )
