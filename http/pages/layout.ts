/** The frame of every page: skip link, places, the word about what just happened, keys. */
import { html, type Markup, nothing, verbatim } from "./html.ts"

export interface Note {
  readonly text: string
  /** Lines that were taken away and added, where something was edited. */
  readonly difference?: string
  /** Approval whose decision may be taken back. */
  readonly undo?: string
  readonly wrong?: boolean
}

/** What a page needs to know of its request. */
export interface Frame {
  /** What its forms must carry. */
  readonly word: string
  /** The log's position that the page shows. */
  readonly head: number
  readonly now: number
  readonly timeZone: string
  readonly note?: Note
}

const places = [
  ["/", "Brief"],
  ["/agents", "Agents"],
  ["/people", "People"],
  ["/reports", "Reports"],
] as const

const keys = [
  ["j k", "next, previous"],
  ["a", "approve"],
  ["e", "edit"],
  ["r", "reject, with a reason"],
  ["l", "later"],
  ["u", "undo what you just decided"],
  ["Esc", "close what is open"],
  ["?", "these keys"],
] as const

/** A form whose button is all there is to it. */
export const button = (
  frame: Frame,
  action: string,
  label: string,
  options: {
    readonly act?: string
    readonly primary?: boolean
    readonly fields?: Readonly<Record<string, string>>
    readonly about?: string
  } = {},
): Markup =>
  html`
    <form method="post" action="${action}"
      data-live${options.act === undefined ? nothing : html`
        data-act="${options.act}"
      `}>${hidden(frame)}${Object.entries(options.fields ?? {}).map(([name, value]) =>
        html`<input type="hidden" name="${name}" value="${value}">`
      )}<button${options.primary === true
        ? html`
          class="primary"
        `
        : nothing}>${label}${options.about === undefined
        ? nothing
        : html`<span class="unseen"> ${options.about}</span>`}</button></form>
  `

export const hidden = (frame: Frame): Markup =>
  html`<input type="hidden" name="word" value="${frame.word}">`

export const noteOf = (frame: Frame): Markup => {
  const { note } = frame
  return html`
    <div id="note" role="status" aria-live="polite" ${note?.wrong === true
      ? html`
        class="wrong"
      `
      : nothing}>${note === undefined
      ? nothing
      : html`<p>${note.text}</p>${
        note.difference === undefined || note.difference === ""
          ? nothing
          : verbatim("pre", "difference", note.difference)
      }${
        note.undo === undefined
          ? nothing
          : button(frame, `/approvals/${note.undo}/undo`, "Undo", { act: "undo" })
      }`}</div>
  `
}

export const page = (
  frame: Frame | undefined,
  options: { readonly title: string; readonly place?: string; readonly script?: string },
  body: Markup,
): string =>
  html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${options.title}</title>
        <link rel="stylesheet" href="/assets/aios.css">
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
        <script type="module" src="/assets/${options.script ?? "aios.js"}"></script>
      </head>
      <body${frame === undefined ? nothing : html`
        data-after="${frame.head}"
      `}>
    ${frame === undefined ? nothing : html`
      <a class="skip" href="#main">Skip to the content</a>
      <header class="top">
        <nav aria-label="Places">${places.map(([href, name]) =>
          html`
            <a href="${href}" ${options.place === href
              ? html`
                aria-current="page"
              `
              : nothing}>${name}</a>
          `
        )}</nav>
        <p id="live" class="quiet" role="status"></p>
      </header>
      ${noteOf(frame)}
    `}
    ${body}
    ${frame === undefined ? nothing : html`
      <footer
        class="quiet"><p>AIOS runs on this machine only. Nothing here is sent anywhere by looking at it.</p>
      <button type="button" data-help hidden>Keys: ?</button></footer>
      <dialog id="help" aria-labelledby="help-title">
        <h2 id="help-title">Keys</h2>
        <dl>${keys.map(([key, what]) =>
          html`
            <dt>${key.split(" ").map((one) =>
              html`
                <kbd>${one}</kbd>
              `
            )}</dt>
            <dd>${what}</dd>
          `
        )}</dl>
        <form method="dialog"><button>Close</button></form>
      </dialog>
    `}
    </body>
    </html>
  `.text
