/**
 * What callers may do, told as the protocol's server does: by the stream's own `$acl`, else by the
 * defaults in stream `$settings`, else everybody with credentials may use ordinary streams and only
 * administrators those whose name begins with `$`, among them the log as a whole.
 */
import { Effect } from "effect"
import { sent } from "../../actors/foreign-events.ts"
import type { Access, Action, User } from "./access.ts"
import { accessDenied } from "./errors.ts"
import { type Acl, aclIn, isMetastream, type States, streamOfMeta } from "./states.ts"
import type { Log } from "./terms.ts"

export const adminsGroup = "$admins"
export const operatorsGroup = "$ops"
const everyone = "$all"
const settingsStream = "$settings"

/** May do everything. */
export const isAdmin = ({ groups, name }: User): boolean =>
  name === "admin" || groups.includes(adminsGroup)
/** May look after the server: persistent subscriptions, scavenges, restarts. */
export const isOperator = (user: User): boolean =>
  isAdmin(user) || user.name === "ops" || user.groups.includes(operatorsGroup)

/** Throws `accessDenied()` where the caller is no administrator. */
export const adminsOnly = (user: User): void => {
  if (!isAdmin(user)) throw accessDenied()
}
export const operatorsOnly = (user: User): void => {
  if (!isOperator(user)) throw accessDenied()
}
/** Throws `accessDenied()` for somebody who showed no credentials. */
export const knownOnly = (user: User): void => {
  if (user.name === undefined) throw accessDenied()
}

const keys = { read: "$r", write: "$w", delete: "$d", metaRead: "$mr", metaWrite: "$mw" } as const

/** Metadata streams are ruled by the stream they are of. Undefined where nobody may do it at all. */
const meant = (stream: string, action: Action): readonly [string, Action] | undefined => {
  if (stream === "" || stream === everyone) {
    return action === "write" || action === "delete" ? undefined : [everyone, action]
  }
  if (!isMetastream(stream)) return [stream, action]
  const of = streamOfMeta(stream)
  if (action === "read" || action === "metaRead") return [of, "metaRead"]
  return action === "delete" ? undefined : [of, "metaWrite"]
}

interface Defaults {
  readonly user?: Acl | undefined
  readonly system?: Acl | undefined
}

const defaultsIn = async (log: Log): Promise<Defaults> => {
  const [event] = await Effect.runPromise(
    log.readPage(settingsStream, { backwards: true, limit: 1 }),
  )
  if (event === undefined) return {}
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(sent(event).data))
    if (typeof said !== "object" || said === null) return {}
    return {
      user: aclIn(Reflect.get(said, "$userStreamAcl")),
      system: aclIn(Reflect.get(said, "$systemStreamAcl")),
    }
  } catch {
    return {}
  }
}

/** Checks callers over what the streams of `log` say. */
export const aclAccess = (log: Log) => (states: States): Access => ({
  check: async (user, stream, action) => {
    const what = meant(stream, action)
    if (what === undefined) throw accessDenied()
    if (isAdmin(user)) return
    const [of, done] = what
    const isSystem = of.startsWith("$")
    const said = (await states.of(of)).metadata.acl?.[keys[done]] ??
      await defaultsIn(log).then(({ system, user }) => (isSystem ? system : user)?.[keys[done]])
    // What nobody said anything of is open to whoever has credentials, and to nobody else.
    const roles = said ?? (isSystem ? [adminsGroup] : user.name === undefined ? [] : [everyone])
    const isMeant = (role: string) =>
      role === everyone || role === user.name || user.groups.includes(role)
    if (!roles.some(isMeant)) throw accessDenied()
  },
})
