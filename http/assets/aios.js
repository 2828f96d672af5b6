// The brief without reloading: decisions are sent in the background, the page follows the log, and all of
// it can be done from the keyboard. Without this script the same forms work with a reload each.
import { inUse, morph } from "./morph.js"

/** Several events in a row are one look. */
const settleMillis = 250
const main = () => document.querySelector("main")
const note = () => document.querySelector("#note")
const live = document.querySelector("#live")

/** The page as the server has it. What was just said stays, unless there is something new to say. */
const take = (text, withNote) => {
  const fresh = new DOMParser().parseFromString(text, "text/html")
  const next = fresh.querySelector("main")
  if (next === null) return location.reload()
  document.title = fresh.title
  morph(main(), next)
  const said = fresh.querySelector("#note")
  if (withNote && said !== null) note().replaceWith(document.importNode(said, true))
  const after = fresh.body.dataset.after
  if (after !== undefined) document.body.dataset.after = after
}

const say = (text, wrong) => {
  const paragraph = document.createElement("p")
  paragraph.textContent = text
  note().replaceChildren(paragraph)
  note().classList.toggle("wrong", wrong === true)
}

// Decisions

/** Those that can be seen: what is folded away is passed over. */
const items = () =>
  [...document.querySelectorAll("[data-item]")].filter((one) => one.checkVisibility())
const current = () => document.activeElement?.closest("[data-item]") ?? undefined

/** Whoever comes to an item reads its draft: nothing is approved unseen. */
document.addEventListener("focusin", ({ target }) => {
  if (!target.matches("[data-item]")) return
  const [first, ...others] = target.querySelectorAll("details.draft")
  if (first !== undefined && ![first, ...others].some((one) => one.open)) first.open = true
})

/** After a decision the eye stays where it was: on what now stands at that place. */
const settleFocus = (place) => {
  if (document.activeElement !== null && document.activeElement !== document.body) return
  const all = items()
  all[Math.min(place, all.length - 1)]?.focus()
}

let sending = false
document.addEventListener("submit", async (event) => {
  const form = event.target
  if (!(form instanceof HTMLFormElement) || !("live" in form.dataset)) return
  event.preventDefault()
  if (sending) return
  sending = true
  const data = new URLSearchParams(new FormData(form, event.submitter))
  const place = Math.max(0, items().indexOf(form.closest("[data-item]")))
  const button = event.submitter
  button?.setAttribute("aria-busy", "true")
  try {
    const response = await fetch(form.action, { method: "POST", body: data })
    // What was typed is sent: it is not the user's any more.
    if (response.ok) form.reset()
    const text = await response.text()
    if (response.redirected && new URL(response.url).pathname === "/enter") {
      return location.assign("/enter")
    }
    if (response.ok) form.closest("details")?.removeAttribute("open")
    take(text, true)
  } catch {
    say("AIOS does not answer. Is it running? Nothing was decided; try again.", true)
  } finally {
    sending = false
    button?.removeAttribute("aria-busy")
    settleFocus(place)
  }
})

// The log

let waiting
const look = () => {
  clearTimeout(waiting)
  waiting = setTimeout(async () => {
    if (sending) return look()
    try {
      const response = await fetch(location.pathname + location.search, {
        headers: { accept: "text/html" },
      })
      if (response.redirected) return location.assign("/enter")
      if (response.ok) take(await response.text(), false)
    } catch {
      // The stream says when AIOS is there again.
    }
  }, settleMillis)
}

const follow = () => {
  const stream = new EventSource(`/api/events/stream?after=${document.body.dataset.after}`)
  stream.addEventListener("message", look)
  stream.addEventListener("open", () => {
    live.textContent = "live"
  })
  stream.addEventListener("error", () => {
    live.textContent = "not connected; trying again"
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2_000)
  })
  addEventListener("pagehide", () => stream.close(), { once: true })
}
if (document.body.dataset.after !== undefined) follow()
// A page that comes back from the cache has missed what happened.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload()
})

// Keys

const move = (step) => {
  const all = items()
  const at = all.indexOf(current())
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step
  const item = all[Math.min(Math.max(next, 0), all.length - 1)]
  item?.focus()
  item?.scrollIntoView({ block: "nearest" })
}

/** The current item's, or the first there is. */
const act = (name) => (current() ?? document).querySelector(`[data-act="${name}"]`)

/** A key that does nothing here says so. */
const nothing = (verb) => say(`This has nothing to ${verb}. j and k lead to what has.`)

const openAct = (name, verb) => {
  const details = act(name)
  if (details === null) return nothing(verb)
  details.open = true
  details.querySelector("input:not([type=hidden]), textarea, form button")?.focus()
}

const help = document.querySelector("#help")
const helpButton = document.querySelector("[data-help]")
const showHelp = () => help?.showModal()
if (helpButton !== null) helpButton.hidden = false
helpButton?.addEventListener("click", showHelp)

const keys = {
  j: () => move(1),
  k: () => move(-1),
  a: () => {
    if (current() === undefined) return say("Choose with j and k, then approve with a.")
    const form = act("approve")
    if (form === null) nothing("approve")
    else form.requestSubmit()
  },
  e: () => openAct("edit", "edit"),
  r: () => openAct("reject", "reject"),
  l: () => openAct("later", "postpone"),
  u: () => {
    const form = note().querySelector("[data-act=undo]")
    if (form === null) say("Nothing was decided just now. Under Decided stands what was.")
    else form.requestSubmit()
  },
  "?": showHelp,
}

const closeOpen = (target) => {
  const details = target.closest("details[data-act]")
  if (details === null) return note().replaceChildren()
  details.open = false
  details.closest("[data-item]")?.focus()
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  const target = event.target
  if (event.key === "Escape" && help?.open !== true) return closeOpen(target)
  if (target.closest("input, textarea, select") !== null || help?.open === true) return
  const press = keys[event.key]
  if (press === undefined) return
  event.preventDefault()
  press()
})

// What was typed and not sent is not lost by leaving.
addEventListener("beforeunload", (event) => {
  if (inUse(document.body)) event.preventDefault()
})
