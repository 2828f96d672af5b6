/**
 * Who may come in, as an administrator of this machine sees and changes it: in the process that owns the
 * log, or by the protocol itself where another process serves the log and nothing else.
 */
import users from "@eventstore/db-client/generated/users_grpc_pb.js"
import messages from "@eventstore/db-client/generated/users_pb.js"
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { OperationFailed } from "../../projections/aios.ts"
import type { LogUser, LogUserChange } from "../../projections/log-door.ts"
import { type Accounts, adminLogin, type Outcome } from "./accounts.ts"
import { adminsGroup } from "./acl.ts"

const answerMillisMax = 10_000

const refused = (outcome: Exclude<Outcome, "done">, login: string) =>
  new OperationFailed({
    kind: outcome === "invalid" ? "usage" : "failed",
    error: outcome === "notFound" ? "UnknownUser" : "UserRefused",
    message: {
      notFound: `There is no user ${login}. aios log-users shows them all.`,
      conflict: `There is a user ${login} already. aios log-users password ${login} gives ` +
        "another password.",
      builtIn: "admin is built in: its password is the token of the data directory.",
      denied: `The user ${login} was not changed.`,
      invalid: "A login or group has 1 to 100 characters, without spaces and colons.",
    }[outcome],
  })

/** In the process that owns the log, without a call of the protocol. */
export const usersHere = Effect.fnUntraced(function* (
  kept: Accounts,
  change: LogUserChange | undefined,
): Effect.fn.Return<ReadonlyArray<LogUser>, OperationFailed> {
  if (change !== undefined) {
    const { groups, login, password = "", what } = change
    const outcome = yield* Effect.promise(async () => {
      if (what === "remove") return await kept.remove(login)
      if (what === "password") return await kept.resetPassword(login, password)
      return await kept.create({ login, password, fullName: "", groups: groups ?? [] })
    })
    if (outcome !== "done") return yield* refused(outcome, login)
  }
  const all = yield* Effect.promise(() => kept.all())
  return [
    { login: adminLogin, groups: [adminsGroup], disabled: false },
    ...all.map(({ account }) => ({
      login: account.loginName,
      groups: account.groups,
      disabled: account.disabled,
    })),
  ]
})

/** By the exception that the protocol's trailers name, or by the status. */
const outcomeOf = ({ code, metadata }: ServiceError): Exclude<Outcome, "done"> | undefined => {
  switch (metadata.get("exception")[0]) {
    case "user-not-found":
      return "notFound"
    case "user-conflict":
      return "conflict"
    case "access-denied":
      return "denied"
    default:
      if (code === status.FAILED_PRECONDITION) return "builtIn"
      return code === status.INVALID_ARGUMENT ? "invalid" : undefined
  }
}

/**
 * In the process that serves the log alone: `sockets` are its private ones, of which it holds the one for
 * calls with credentials or the other. Fails with `later` where neither answers.
 */
export const usersThere = (
  sockets: { readonly secure: string; readonly open: string },
  token: string,
  change: LogUserChange | undefined,
): Effect.Effect<ReadonlyArray<LogUser>, OperationFailed> => {
  const socket = existsSync(sockets.secure) ? sockets.secure : sockets.open
  const metadata = new Metadata()
  metadata.set(
    "authorization",
    `Basic ${Buffer.from(`${adminLogin}:${token}`).toString("base64")}`,
  )
  const within = () => ({ deadline: Date.now() + answerMillisMax })
  const asFailure = (cause: ServiceError) => {
    const outcome = outcomeOf(cause)
    return outcome !== undefined && change !== undefined
      ? refused(outcome, change.login)
      : new OperationFailed({
        kind: "later",
        error: "OwnerUnreachable",
        message:
          `The process that serves the log does not answer at ${socket} (${cause.details}). ` +
          "Try again in a moment.",
      })
  }
  const made = (client: users.UsersClient, { groups, login, password = "", what }: LogUserChange) =>
    Effect.callback<void, OperationFailed>((resume) => {
      const answered = (cause: ServiceError | null) =>
        resume(cause === null ? Effect.void : Effect.fail(asFailure(cause)))
      if (what === "remove") {
        const options = new messages.DeleteReq.Options().setLoginName(login)
        const request = new messages.DeleteReq().setOptions(options)
        client.delete(request, metadata, within(), answered)
      } else if (what === "password") {
        const options = new messages.ResetPasswordReq.Options().setLoginName(login)
          .setNewPassword(password)
        const request = new messages.ResetPasswordReq().setOptions(options)
        client.resetPassword(request, metadata, within(), answered)
      } else {
        const options = new messages.CreateReq.Options().setLoginName(login)
          .setPassword(password).setGroupsList([...groups ?? []])
        const request = new messages.CreateReq().setOptions(options)
        client.create(request, metadata, within(), answered)
      }
    })
  const listed = (client: users.UsersClient) =>
    Effect.callback<ReadonlyArray<LogUser>, OperationFailed>((resume) => {
      const found: Array<LogUser> = []
      const call = client.details(new messages.DetailsReq(), metadata, within())
      call.on("data", (answer: messages.DetailsResp) => {
        const one = answer.getUserDetails()
        if (one === undefined) return
        found.push({
          login: one.getLoginName(),
          groups: one.getGroupsList(),
          disabled: one.getDisabled(),
        })
      })
      call.on("error", (cause: ServiceError) => resume(Effect.fail(asFailure(cause))))
      call.on("end", () => resume(Effect.succeed(found)))
    })
  return Effect.acquireUseRelease(
    Effect.sync(() => new users.UsersClient(`unix:${socket}`, credentials.createInsecure())),
    (client) =>
      Effect.andThen(
        change === undefined ? Effect.void : made(client, change),
        listed(client),
      ),
    (client) => Effect.sync(() => client.close()),
  )
}
