/**
 * Where the services are that AIOS leans on, as their own variables name them. The launcher grants the
 * main process exactly these places, so what is read here is what is reached later.
 */
import { isIP } from "node:net"

const ollamaPort = 11434
const loopbackNames = ["localhost", "127.0.0.1", "::1"]

/** What Deno's list of allowed hosts takes: IPv6 in brackets. */
const hostPort = (host, port) => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`

const address = (scheme, host, port, path = "") => ({
  url: `${scheme}://${hostPort(host, port)}${path}`,
  net: hostPort(host, port),
  host,
  port,
  loopback: loopbackNames.includes(host) || /^127\./.test(host),
})

/**
 * OLLAMA_HOST in every form Ollama takes: `host`, `host:port`, `:port`, with a scheme or a path. A server's
 * "all addresses" is asked on this machine. Undefined: nobody can make sense of it.
 */
export const ollamaAddress = (written = "") => {
  const text = written.trim().replace(/^["']|["']$/g, "")
  const scheme = /^([a-z]+):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") return undefined
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3)
  const slash = rest.indexOf("/")
  const place = slash < 0 ? rest : rest.slice(0, slash)
  const path = slash < 0 ? "" : rest.slice(slash).replace(/\/+$/, "")
  const bare = place.replace(/^\[|\]$/g, "")
  const [, name, digits] = isIP(bare) === 6
    ? [place, bare, undefined]
    : /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(place) ?? []
  if (name === undefined || /[\s,@?#]/.test(name)) return undefined
  // Brackets hold an address of IPv6, and nothing else.
  const inBrackets = /^\[([^[\]]*)\](?::\d*)?$/.exec(place)?.[1] ?? ""
  if (/[[\]]/.test(place) && isIP(inBrackets) !== 6) return undefined
  const standard = scheme === "https" ? 443 : scheme === "http" ? 80 : ollamaPort
  const port = digits === undefined || digits === "" ? standard : Number(digits)
  if (!(port > 0 && port < 65536)) return undefined
  const host = name.replace(/^\[|\]$/g, "").toLowerCase()
  const anywhere = host === "" || host === "0.0.0.0" || host === "::"
  return address(scheme ?? "http", anywhere ? "127.0.0.1" : host, port, path)
}

/** AIOS_CHROMA_URL: `http(s)://host[:port][/path]`. Undefined: it is no such address. */
export const chromaAddress = (written) => {
  try {
    const url = new URL(written)
    if (url.protocol !== "http:" && url.protocol !== "https:") return undefined
    if (url.username !== "" || url.password !== "" || url.search !== "") return undefined
    const host = url.hostname.replace(/^\[|\]$/g, "")
    if (host === "" || host.includes(",")) return undefined
    const scheme = url.protocol.slice(0, -1)
    const port = Number(url.port) || (scheme === "https" ? 443 : 80)
    return address(scheme, host, port, url.pathname.replace(/\/+$/, ""))
  } catch {
    return undefined
  }
}

/** OTEL_EXPORTER_OTLP_ENDPOINT and AIOS_CONTROL have the same form. */
export const collectorAddress = chromaAddress
export const controlAddress = chromaAddress
