/**
 * The founder dealt with a conversation otherwise: called, met, or decided to leave it. A fact for the
 * conversation's analyst; whatever the person writes next takes it up again.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import type { Done } from "./aios.ts"
import { isUndecided, shortId } from "./aios-approval-ids.ts"
import { door, refuse } from "./aios-failures.ts"
import { noSuchPerson, personNamed } from "./aios-persons.ts"
import { contentLine, stateText } from "./aios-words.ts"
import { namesIn, numberOf, objectOf } from "./fields.ts"
import { Queries } from "./queries.ts"
import { allEvents } from "./refusals.ts"

/** What follows from it gets so long. */
const settleMillisMax = 20_000

/** What still waits for the founder's word about that person, and what to do with it. */
const waitingFor = Effect.fnUntraced(function* (key: string) {
  const queries = yield* Queries
  const all = yield* door(queries.approvalsNamed(""))
  return all.filter((one) => one.person === key && isUndecided(one)).map((one) =>
    ` The ${
      contentLine(one.activity, one.content)
    } still waits for your word; where it is not needed ` +
    `any more: aios reject ${shortId(one.id)} --reason "dealt with"`
  ).join("")
})

export const done = Effect.fnUntraced(function* (written: string) {
  const system = yield* ActorSystem
  const person = yield* personNamed(written)
  if (person === undefined) return yield* noSuchPerson(written)
  const { key } = person
  const name = person.name ?? person.address ?? key.slice(0, 8)
  const stream = `analyst-${key}`
  const before = yield* door(system.view(stream))
  if (before === undefined) {
    return yield* refuse(
      "failed",
      "NoConversation",
      `There is no conversation with ${name} that could be dealt with: no mail went to and fro. ` +
        `aios history ${key.slice(0, 8)} shows what is known.`,
    )
  }
  const answer = (state: string, changed: boolean, outcome: string): Done => ({
    person: name,
    key,
    state,
    changed,
    outcome,
  })
  const state = stateText(before.value)
  if (namesIn(before.value, "turn").includes("closed")) {
    return answer(
      state,
      false,
      `The conversation with ${name} is closed: nobody may write to them any more, and nothing is owed.`,
    )
  }
  const events = yield* allEvents(stream)
  const last = events.findLast(({ type }) =>
    type === "MailRead" || type === "ConversationDealtWith" || type === "AnswerTakenBack"
  )
  if (last?.type === "ConversationDealtWith") {
    return answer(state, false, `It had been dealt with before. ${name} has not written since.`)
  }
  yield* door(system.propose(stream, { type: "ConversationDealtWith", by: "operator" }, {
    actor: "operator",
  }))
  yield* door(system.settle(settleMillisMax))
  const after = yield* door(system.view(stream))
  const context = objectOf(before.context)
  const owed = namesIn(before.value, "turn").includes("ours") ||
    numberOf(context["lastInwardAt"]) > numberOf(context["lastOutwardAt"]) ||
    namesIn(before.value, "commitments").some((one) => ["pending", "due", "broken"].includes(one))
  return answer(
    stateText(after?.value),
    true,
    `${
      owed
        ? `The conversation with ${name} is dealt with: no answer and no promise is open there.`
        : `Nothing was open with ${name}; it is noted that you dealt with it.`
    } Their next mail takes it up again.${yield* waitingFor(key)}`,
  )
})
