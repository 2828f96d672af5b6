/** A draft to read, and the founder's word on it. */
import type { BriefContent, Review } from "../../projections/aios.ts"
import { html, type Markup, nothing, verbatim } from "./html.ts"
import { button, type Frame, hidden, page } from "./layout.ts"
import { dueOf } from "./words.ts"

const reasonCharsMax = 500

/** Pass it, or send it back with a reason. */
export const reviewActs = (
  { topic }: Pick<BriefContent | Review, "topic">,
  frame: Frame,
): Markup => {
  const path = `/articles/${encodeURIComponent(topic)}`
  return html`
    <div class="acts">
    ${button(frame, `${path}/pass`, "Pass review", { primary: true, about: `of ${topic}` })}
    <details class="act" data-act="reject" id="back-${topic}"><summary>Send back</summary>
    <form method="post" action="${path}/send-back" data-live>${hidden(
      frame,
    )}<label>What is missing? <input name="reason" id="reason-${topic}" required maxlength="${reasonCharsMax}" autocomplete="off"></label>
    <button>Send back</button></form></details>
    </div>
  `
}

export const reviewPage = (review: Review, frame: Frame): string =>
  page(
    frame,
    { title: `${review.title} · AIOS`, place: "/" },
    html`
      <main id="main">
        <p class="quiet"><a href="/agents/article/${review.article}">${review.topic}</a></p>
        <h1>${review.title}</h1>
        <p class="lede"><span class="state">${review.state}</span>${review.dueAt === undefined
          ? nothing
          : html`
            · ${dueOf(review.dueAt, frame.now, frame.timeZone)}
          `}</p>
        <p>${review.outcome}</p>
        ${review.text === ""
          ? nothing
          : html`<div class="content">${verbatim("div", "letter", review.text.trimEnd())}</div>`}
        ${review.state === "inReview" ? reviewActs(review, frame) : nothing}
      </main>
    `,
  )
