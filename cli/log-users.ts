/**
 * `aios log-users`: who may come in by the log's door beside `admin`. Passwords are made here and shown
 * once; nobody types one where others can read it.
 */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { randomBytes } from "node:crypto"
import type { LogUser, LogUserChange } from "../projections/log-door.ts"
import { Access, print } from "./access.ts"
import { Output, table } from "./output.ts"

const passwordBytes = 24

const login = Argument.String("name").pipe(Argument.withDescription("Their login"))

const usersText = (users: ReadonlyArray<LogUser>, columns: number, fit: boolean) =>
  table(
    users.map((one) => [one.login, one.groups.join(" "), one.disabled ? "disabled" : ""]),
    columns,
    fit,
  )

const changed = Effect.fnUntraced(function* (change: Omit<LogUserChange, "password">) {
  const output = yield* Output
  const password = change.what === "remove"
    ? undefined
    : randomBytes(passwordBytes).toString("base64url")
  const access = yield* Access
  const users = yield* access.logUsers(password === undefined ? change : { ...change, password })
  const user = users.find((one) => one.login === change.login)
  yield* print(
    { users, ...(password === undefined ? {} : { password }) },
    () =>
      user === undefined
        ? `${change.login} may not come in any more.\n`
        : `${user.login}:${password}\n`,
  )
  if (password !== undefined) {
    yield* output.log("This password is shown once. Give it to whoever it is for.")
  }
})

const add = Command.make(
  "add",
  {
    login,
    groups: Flag.String("group").pipe(
      Flag.withMetavar("<group>"),
      Flag.withDescription(
        "$admins may do everything, $ops looks after persistent subscriptions, others are names for an $acl",
      ),
      Flag.atLeast(0),
    ),
  },
  Effect.fnUntraced(function* ({ groups, login }) {
    yield* changed({ what: "add", login, groups })
  }, Effect.scoped),
).pipe(Command.withDescription("Let somebody in, with a password that is shown once"))

const password = Command.make(
  "password",
  { login },
  Effect.fnUntraced(function* ({ login }) {
    yield* changed({ what: "password", login })
  }, Effect.scoped),
).pipe(Command.withDescription("Give somebody another password, shown once"))

const remove = Command.make(
  "remove",
  { login },
  Effect.fnUntraced(function* ({ login }) {
    yield* changed({ what: "remove", login })
  }, Effect.scoped),
).pipe(Command.withDescription("Let somebody in no more"))

const logUsers = Command.make(
  "log-users",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const access = yield* Access
    const users = yield* access.logUsers()
    yield* print(users, () => usersText(users, output.columns, output.interactive))
  }, Effect.scoped),
).pipe(
  Command.withDescription("Who may come in by the log's door (aios serve-log), beside admin"),
  Command.withShortDescription("Who may come in by the log's door"),
  Command.withSubcommands([add, password, remove]),
)

export const logUsersCommands = [logUsers] as const
