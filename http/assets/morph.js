// Brings the page's elements to what the server says now, in place: elements that stay the same element
// keep focus, scroll position, what is open and what was typed.

/** What the user opened or typed is the user's. */
const kept = (element, name) =>
  (element.localName === "details" && name === "open") ||
  (element.localName === "dialog" && name === "open")

const isDirty = (control) =>
  control.localName === "textarea"
    ? control.value !== control.defaultValue
    : control.localName === "input" && control.type !== "hidden" &&
      control.value !== control.defaultValue

/** Something that must not vanish under the user's hands. */
export const inUse = (node) =>
  node.nodeType === Node.ELEMENT_NODE &&
  [node, ...node.querySelectorAll("input, textarea")].some(isDirty)

const same = (a, b) =>
  a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? "") === (b.id ?? "")

const attributes = (old, fresh) => {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept(old, name)) old.removeAttribute(name)
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value && !kept(old, name)) old.setAttribute(name, value)
  }
}

export const morph = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue
    return
  }
  if (isDirty(old)) return
  attributes(old, fresh)
  const byId = new Map()
  for (const child of old.children) {
    // A list's entries are told apart by what stands in them.
    const id = child.id || child.firstElementChild?.id
    if (id) byId.set(id, child)
  }
  let at = old.firstChild
  for (const next of [...fresh.childNodes]) {
    const id = next.id || next.firstElementChild?.id
    const found = id ? byId.get(id) : undefined
    if (found !== undefined && found.nodeName === next.nodeName) {
      byId.delete(id)
      if (found === at) at = at.nextSibling
      else old.insertBefore(found, at)
      morph(found, next)
      continue
    }
    const reusable = at !== null && !id && same(at, next) &&
      !(at.nodeType === Node.ELEMENT_NODE && at.firstElementChild?.id)
    if (reusable) {
      const here = at
      at = at.nextSibling
      morph(here, next)
    } else old.insertBefore(document.importNode(next, true), at)
  }
  while (at !== null) {
    const gone = at
    at = at.nextSibling
    if (!inUse(gone)) gone.remove()
  }
  for (const gone of byId.values()) {
    if (gone.isConnected && !inUse(gone)) gone.remove()
  }
}
