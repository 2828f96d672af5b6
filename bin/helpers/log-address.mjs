/**
 * AIOS_EVENT_LOG as the launcher reads it: which hosts and files a connection string names, so that the
 * main process is granted these and no others, and what is wrong with one that the client would not take.
 * No answer here holds a user or a password: they are shown on screens and in logs.
 */
import { lookup } from "node:dns/promises"
import { existsSync, readFileSync } from "node:fs"
import { isIP } from "node:net"
import { resolve } from "node:path"

const portDefault = 2113
/** A name that does not resolve by then is left to the main process, which tries again. */
const lookupMillisMax = 5_000

/** KurrentDB's own names for the same protocol. */
const schemes = new Map([
  ["esdb", "esdb"],
  ["esdb+discover", "esdb+discover"],
  ["kurrentdb", "esdb"],
  ["kurrentdb+discover", "esdb+discover"],
  ["kdb", "esdb"],
  ["kdb+discover", "esdb+discover"],
])

const isInteger = (value) => /^-?\d+$/.test(value) ? undefined : "is no whole number"
const isBoolean = (value) => ["true", "false"].includes(value) ? undefined : "is true or false"
const isText = () => undefined
const nodePreferences = ["leader", "follower", "random", "readonlyreplica"]

/** Each tells what is wrong with a value, undefined where nothing is. Names as the client writes them. */
const parameters = {
  tls: isBoolean,
  tlsVerifyCert: (value) =>
    value === "true"
      ? undefined
      : "has no effect in this client; name the authority that signed the server's certificate with tlsCAFile",
  tlsCAFile: isText,
  userCertFile: isText,
  userKeyFile: isText,
  maxDiscoverAttempts: isInteger,
  discoveryInterval: isInteger,
  gossipTimeout: isInteger,
  keepAliveInterval: isInteger,
  keepAliveTimeout: isInteger,
  defaultDeadline: isInteger,
  connectionName: isText,
  throwOnAppendFailure: isBoolean,
  nodePreference: (value) =>
    nodePreferences.includes(flat(value)) ? undefined : `is one of ${nodePreferences.join(", ")}`,
}
const fileParameters = ["tlsCAFile", "userCertFile", "userKeyFile"]
const flat = (name) => name.trim().toLowerCase().replace(/[_-]/g, "")
const nameOf = (key) => Object.keys(parameters).find((name) => flat(name) === flat(key))

const decoded = (text) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const holdsNoCertificate = (file) => {
  try {
    return !readFileSync(file, "utf8").includes("-----BEGIN CERTIFICATE-----")
  } catch {
    // A folder, or none of ours to read: the client says what is wrong with it.
    return false
  }
}

/** Whether a word is meant as a connection string, right or wrong. */
export const isConnection = (word) => /^[a-z0-9+]+:\/\//i.test(word.trim())

/**
 * `{ problem }`, or what it says: `connection` for the client (files by their full path), `places` to
 * reach, `files` to read, `shown` without what is secret. Relative files are of folder `here`.
 */
export const logAddress = (written, here = ".") => {
  const text = written.trim()
  const [whole, named] = /^([a-z0-9+]+):\/\//i.exec(text) ?? []
  if (whole === undefined) {
    return { problem: "it does not begin with esdb://. Such as esdb://127.0.0.1:2113?tls=false" }
  }
  const scheme = schemes.get(named.toLowerCase())
  if (scheme === undefined) {
    return { problem: `${named}:// is no event log. Give esdb://, or esdb+discover://` }
  }
  const rest = text.slice(whole.length)
  const question = rest.indexOf("?")
  const authority = (question < 0 ? rest : rest.slice(0, question)).replace(/\/+$/, "")
  const query = question < 0 ? "" : rest.slice(question + 1).replace(/\/+$/, "")

  const at = authority.lastIndexOf("@")
  const credentials = at < 0 ? "" : authority.slice(0, at + 1)
  if (at >= 0 && !/^[^:@]+:[^@]+@$/.test(credentials)) {
    return {
      problem: "in front of the @ stands user:password; write a : or @ in them as %3A or %40",
    }
  }
  if (decoded(credentials) === undefined) {
    return { problem: "a % in the user or the password is written as %25" }
  }

  const places = []
  for (const place of authority.slice(at + 1).split(",")) {
    const [, host, digits] = /^([a-z0-9._-]+)(?::(\d+))?$/i.exec(place.trim()) ?? []
    if (host === undefined) {
      if (place.trim() === "") return { problem: "it names no host, or a comma too many" }
      return {
        problem: place.includes("[") || place.split(":").length > 2
          ? "the client takes no IPv6 address: give the host's name"
          : "a host is written as name or name:port, several with a comma between them",
      }
    }
    const port = Number(digits ?? portDefault)
    if (!(port > 0 && port < 65536)) return { problem: `${digits} is no port` }
    places.push({ host, port })
  }
  if (scheme === "esdb+discover" && places.length > 1) {
    return { problem: "esdb+discover:// takes one name; for several hosts write esdb://" }
  }

  const said = new Map()
  for (const pair of query === "" ? [] : query.split("&")) {
    const equals = pair.indexOf("=")
    const key = equals < 0 ? pair : pair.slice(0, equals)
    const value = equals < 0 ? "" : pair.slice(equals + 1).trim()
    const name = nameOf(key)
    if (name === undefined) {
      return {
        problem: `there is no parameter ${key}. There are ${Object.keys(parameters).join(", ")}`,
      }
    }
    if (value === "") return { problem: `${name} has no value` }
    const wrong = decoded(value) === undefined
      ? "holds a % that stands for nothing"
      : parameters[name](value)
    if (wrong !== undefined) return { problem: `${name} ${wrong}` }
    said.set(name, value)
  }
  if (said.has("userCertFile") !== said.has("userKeyFile")) {
    return { problem: "userCertFile and userKeyFile belong together: give both" }
  }
  const files = []
  for (const name of fileParameters) {
    if (!said.has(name)) continue
    const file = resolve(here, decoded(said.get(name)))
    if (!existsSync(file)) return { problem: `${name}: there is no file ${file}` }
    if (name === "tlsCAFile" && holdsNoCertificate(file)) {
      return { problem: `${name}: ${file} holds no certificate (-----BEGIN CERTIFICATE-----)` }
    }
    files.push(file)
    said.set(name, encodeURIComponent(file))
  }

  const address = places.find(({ host }) => isIP(host))
  if (said.get("tls") !== "false" && address !== undefined) {
    return {
      problem: `a certificate is of a name, not of ${address.host}: ` +
        `write ${address.host.startsWith("127.") ? "localhost" : "the host's name"}, ` +
        "or tls=false where the server has no TLS",
    }
  }

  // To resolve this name the main process would have to be let at all of this machine's own ports.
  const plain = said.get("tls") === "false"
  const reached = places.map(({ host, port }) => ({
    host: plain && host.toLowerCase() === "localhost" ? "127.0.0.1" : host,
    port,
  }))
  const parametersText = [...said].map(([name, value]) => `${name}=${value}`).join("&")
  const listed = (all) => all.map(({ host, port }) => `${host}:${port}`).join(",")
  return {
    connection: `${scheme}://${credentials}${listed(reached)}${
      parametersText === "" ? "" : `?${parametersText}`
    }`,
    places: reached,
    files,
    shown: `${scheme}://${listed(places)}`,
  }
}

/**
 * What Deno is to allow for these places. The client resolves a name itself and connects to what it finds,
 * so both are granted: the name, and each of its addresses with the port.
 */
export const netOf = async (places) => {
  const granted = await Promise.all(places.map(async ({ host, port }) => {
    if (isIP(host)) return [`${host}:${port}`]
    const late = new Promise((done) => setTimeout(() => done([]), lookupMillisMax).unref())
    const found = await Promise.race([lookup(host, { all: true }).catch(() => []), late])
    return [
      host,
      `${host}:${port}`,
      ...found.map(({ address }) => `${isIP(address) === 6 ? `[${address}]` : address}:${port}`),
    ]
  }))
  return [...new Set(granted.flat())]
}
