/** What an item says to do next, on a page: a link to what a command would show, or the word itself. */
import type { BriefContent, BriefItem } from "../../projections/aios.ts"
import { html, type Markup, nothing } from "./html.ts"
import { button, type Frame } from "./layout.ts"
import { reviewActs } from "./review.ts"

/** Commands that show something have a page here. */
const shown: ReadonlyArray<readonly [RegExp, (found: string) => string, string]> = [
  [/^aios why (\S+)$/, (id) => `/why/${encodeURIComponent(id)}`, "why"],
  [
    /^aios history "?([^"]+)"?$/,
    (person) => `/people/${encodeURIComponent(person)}`,
    "everything known about them",
  ],
  [
    /^aios review "?([^"]+)"?$/,
    (topic) => `/articles/${encodeURIComponent(topic)}`,
    "read the draft",
  ],
  [
    /^aios (?:agents|why-not) ([\w-]+\/[\w.:~-]+)$/,
    (actor) => `/agents/${actor.split("/").map(encodeURIComponent).join("/")}`,
    "look at it",
  ],
]

/** The command that deals with it, or the page that shows what the command would. */
export const actionOf = (action: string): Markup => {
  for (const [pattern, href, name] of shown) {
    const found = pattern.exec(action)?.[1]
    if (found !== undefined) return html`<a href="${href(found)}">${name}</a>`
  }
  return html`<code>${action}</code>`
}

/** What can be said of an item that has nothing to approve: dealt with, passed, sent back. */
export const wordOf = (
  item: BriefItem,
  content: BriefContent | undefined,
  frame: Frame,
): Markup => {
  const isReply = item.kind === "reply" && item.key !== undefined
  const inReview = content?.state === "inReview"
  const looks = [item.action, ...item.more.map((one) => one.action)]
    .filter((one) => one !== "" && !(isReply && one.startsWith("aios done ")))
  const all = looks.map((one, i) => html`${i === 0 ? "" : " · "}${actionOf(one)}`)
  if (isReply) {
    return html`<div class="acts">${
      button(frame, `/people/${item.key ?? ""}/done`, "Done", {
        about: `with ${item.person ?? item.what}`,
      })
    }${looks.length === 0 ? nothing : html`<span>${all}</span>`}</div>`
  }
  const links = looks.length === 0 ? nothing : html`<p class="next">${all}</p>`
  return inReview ? html`${links}${reviewActs(content, frame)}` : links
}
