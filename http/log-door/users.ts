/** The protocol's service for users: administrators make and change them, everybody their own password. */
import { status } from "@grpc/grpc-js"
import { UsersService } from "@eventstore/db-client/generated/users_grpc_pb.js"
import messages from "@eventstore/db-client/generated/users_pb.js"
import type { User } from "./access.ts"
import { type Accounts, accounts, adminLogin, type Kept, type Outcome } from "./accounts.ts"
import { adminsGroup, adminsOnly, isAdmin, knownOnly } from "./acl.ts"
import { type MakeService, streaming, unary } from "./calls.ts"
import { accessDenied, invalidArgument, loginConflict, loginNotFound, Refused } from "./errors.ts"

/** Of 100 nanoseconds each. */
const ticksPerMilli = 10_000

const builtIn = () =>
  new Refused(
    status.FAILED_PRECONDITION,
    `The user ${adminLogin} is built in: its password is the token of the data directory (AIOS_TOKEN).`,
  )

/** Ends the call where the change was not made. */
const settled = (login: string, outcome: Outcome): void => {
  switch (outcome) {
    case "done":
      return
    case "notFound":
      throw loginNotFound(login)
    case "conflict":
      throw loginConflict(login)
    case "denied":
      throw accessDenied()
    case "builtIn":
      throw builtIn()
    case "invalid":
      throw invalidArgument(
        "A login or group has 1 to 100 characters without spaces and colons, a password 1 to 1024.",
      )
  }
}

const administrator = () =>
  new messages.DetailsResp.UserDetails().setLoginName(adminLogin)
    .setFullName("AIOS administrator").setGroupsList([adminsGroup]).setDisabled(false)

const detailsOf = ({ account, at }: Kept) =>
  new messages.DetailsResp.UserDetails().setLoginName(account.loginName)
    .setFullName(account.fullName).setGroupsList([...account.groups])
    .setDisabled(account.disabled)
    .setLastUpdated(
      new messages.DetailsResp.UserDetails.DateTime().setTicksSinceEpoch(
        String(Math.trunc(at) * ticksPerMilli),
      ),
    )

export const users: MakeService = (serving) => {
  const kept: Accounts = accounts(serving.door)

  /** A call of administrators that changes one user. */
  const change = <Options extends { getLoginName(): string }, Answer>(
    answer: () => Answer,
    act: (options: Options) => Promise<Outcome>,
    allowed: (user: User) => void = adminsOnly,
  ) =>
    unary<{ getOptions(): Options | undefined }, Answer>(serving, async (request, { user }) => {
      allowed(user)
      const options = request.getOptions()
      if (options === undefined) throw invalidArgument("The options are missing")
      settled(options.getLoginName(), await act(options))
      return answer()
    })

  return {
    definition: UsersService,
    handlers: {
      create: change<messages.CreateReq.Options, messages.CreateResp>(
        () => new messages.CreateResp(),
        (options) =>
          kept.create({
            login: options.getLoginName(),
            fullName: options.getFullName(),
            groups: options.getGroupsList(),
            password: options.getPassword(),
          }),
      ),
      update: change<messages.UpdateReq.Options, messages.UpdateResp>(
        () => new messages.UpdateResp(),
        (options) =>
          kept.update(options.getLoginName(), {
            fullName: options.getFullName(),
            groups: options.getGroupsList(),
          }),
      ),
      delete: change<messages.DeleteReq.Options, messages.DeleteResp>(
        () => new messages.DeleteResp(),
        (options) => kept.remove(options.getLoginName()),
      ),
      disable: change<messages.DisableReq.Options, messages.DisableResp>(
        () => new messages.DisableResp(),
        (options) => kept.setDisabled(options.getLoginName(), true),
      ),
      enable: change<messages.EnableReq.Options, messages.EnableResp>(
        () => new messages.EnableResp(),
        (options) => kept.setDisabled(options.getLoginName(), false),
      ),
      resetPassword: change<messages.ResetPasswordReq.Options, messages.ResetPasswordResp>(
        () => new messages.ResetPasswordResp(),
        (options) => kept.resetPassword(options.getLoginName(), options.getNewPassword()),
      ),
      // Whoever knows the password may change it.
      changePassword: change<messages.ChangePasswordReq.Options, messages.ChangePasswordResp>(
        () => new messages.ChangePasswordResp(),
        (options) =>
          kept.changePassword(
            options.getLoginName(),
            options.getCurrentPassword(),
            options.getNewPassword(),
          ),
        knownOnly,
      ),
      details: streaming<messages.DetailsReq, messages.DetailsResp>(
        serving,
        async (request, send, { user }) => {
          const login = request.getOptions()?.getLoginName().trim() ?? ""
          if (!isAdmin(user) && (login === "" || login !== user.name)) throw accessDenied()
          const give = (details: messages.DetailsResp.UserDetails) =>
            send(new messages.DetailsResp().setUserDetails(details))
          if (login === "" || login === adminLogin) await give(administrator())
          if (login === adminLogin) return
          if (login === "") {
            for (const one of await kept.all()) await give(detailsOf(one))
            return
          }
          const found = await kept.find(login)
          if (found === undefined) throw loginNotFound(login)
          await give(detailsOf(found))
        },
      ),
    },
  }
}
