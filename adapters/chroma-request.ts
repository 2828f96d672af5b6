/**
 * Lets Chroma's client and the web server live in one process. Under Deno the client hands `Request` an option
 * that Deno refuses, so it replaces `Request` by one that drops it; the web server replaces it too, for
 * speed, and locks it. To be imported before `chromadb`; whoever comes last would win otherwise.
 */
import process from "node:process"

const replace = (value: typeof Request) =>
  Object.defineProperty(globalThis, "Request", {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  })

if (Object.getOwnPropertyDescriptor(globalThis, "Request")?.writable === false) replace(Request)

/** Call it once `chromadb` is loaded; what it gives makes sure, before a call, that its `Request` is there. */
export const requestOfClient = (): () => void => {
  const theirs = globalThis.Request
  const isNeeded = process.versions["deno"] !== undefined
  return () => {
    if (isNeeded && globalThis.Request !== theirs) replace(theirs)
  }
}
