/**
 * Summarises one subject and puts what came out to the recall test. A model writes it where there is one;
 * what it loses or invents is refused with the reason, and then, or where it cannot be asked, the extract by
 * rules is put to the same test. Fails only where the events cannot be read, or the model's server broke
 * off and may be back soon: then nothing is recorded and the subject comes up again.
 */
import { Effect } from "effect"
import { type Subject, summarise as declaration } from "../../machines/memory.ts"
import { implement } from "../activity.ts"
import { allAmountsIn, amountWords } from "../grounded-numbers.ts"
import { LanguageModel, type ModelAnswer, type ModelUnavailable } from "../language-model.ts"
import { extractMade, extractOf, frameOf } from "../summary-extract.ts"
import { type Fact, factsIn, importantOf } from "../summary-facts.ts"
import {
  answersAsk,
  examination,
  examinationOf,
  materialOf,
  repairOf,
  shownOf,
  type Summary,
  summaryAsk,
  templateOf,
} from "../summary-prompts.ts"
import { type Sources, sourcesOf, type SummarySource } from "../summary-sources.ts"
import {
  checked,
  isAnswered,
  judged,
  type Question,
  questionsFor,
  type Verdict,
} from "../summary-test.ts"

/** A text that kept so much is told what it lost, once. */
const repairFrom = 0.5
/** All together stay below the activity's own. */
const summaryMillisMax = 240_000
const repairMillisMax = 120_000
const examinationMillisMax = 45_000
const personsMax = 50

/** The model's server broke off: the same may succeed later. */
const isBroken = ({ reason, retryable }: ModelUnavailable) => reason === "failed" && retryable

interface Attempt {
  /** The model was not asked at all: that is no refusal. */
  readonly isSilent?: boolean
  readonly made: string
  readonly text: string
  readonly refused: ReadonlyArray<string>
  readonly facts: Verdict["facts"]
  readonly questions: { readonly asked: number; readonly answered: number }
}

interface Work extends Sources {
  readonly subject: Subject
  readonly seals: string
  readonly important: ReadonlyArray<Fact>
  readonly spend: (answer: ModelAnswer<unknown>) => void
}

/** What an attempt without an answer is marked with. */
const unanswering = "model"
/** Who was asked and gave no answer; who was not asked refuses nothing. */
const silence: { readonly [reason in ModelUnavailable["reason"]]?: string } = {
  misfit: "wrote nothing of use",
  timedOut: "did not answer in time",
  failed: "did not answer",
}
const unasked = { asked: 0, answered: 0 }

/** An amount has to be in one of the pieces that the sentence names. */
const miscited = (
  { sentences }: Summary,
  shown: ReadonlyArray<SummarySource>,
): ReadonlyArray<string> =>
  sentences.flatMap(({ from, text }) => {
    const cited = from.flatMap((n) => shown[n - 1] ?? [])
    const known = new Set(
      cited.flatMap((one) => allAmountsIn(`${one.subject}\n\n${one.text}`).map(amountWords)),
    )
    return allAmountsIn(text).map(amountWords).filter((words) => !known.has(words))
      .map((words) => `names the wrong mail for ${words}`)
  })

const asked = (work: Work, shown: ReadonlyArray<SummarySource>, reasons: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const model = yield* LanguageModel
    const answer = yield* model.complete({
      template: templateOf(work.subject.of),
      material: [
        ...materialOf(shown, work.timeZone),
        ...(reasons.length === 0 ? [] : [repairOf(reasons)]),
      ],
      ...summaryAsk(shown.length),
      subject: work.seals,
      timeoutMillis: reasons.length === 0 ? summaryMillisMax : repairMillisMax,
    })
    work.spend(answer)
    const text = answer.answer.sentences.map((one) => one.text.trim()).join(" ")
    const { facts, reasons: refused } = checked(text, work.important, work.used, work.timeZone)
    return {
      made: answer.made,
      text,
      refused: [...refused, ...miscited(answer.answer, shown)],
      facts,
      questions: unasked,
    } satisfies Attempt
  })

/** Those the model cannot answer from a text. */
const unanswered = (work: Work, text: string, questions: ReadonlyArray<Question>) =>
  Effect.gen(function* () {
    const model = yield* LanguageModel
    const answer = yield* model.complete({
      template: examination,
      material: examinationOf(text, questions),
      ...answersAsk(questions.length),
      subject: work.seals,
      timeoutMillis: examinationMillisMax,
    })
    work.spend(answer)
    const said = new Map(answer.answer.answers.map((one) => [one.n, one.answer]))
    return questions.filter((question, n) => !isAnswered(question, said.get(n + 1), work.timeZone))
  })

/**
 * Questions about the events, answered from the summary alone. One that the model cannot answer from the
 * events themselves says nothing about the summary, and is set aside.
 */
const examined = (work: Work, attempt: Attempt) =>
  Effect.gen(function* () {
    const questions = questionsFor(work.important, work.timeZone)
    if (questions.length === 0 || attempt.refused.length > 0) return attempt
    const missed = yield* unanswered(work, attempt.text, questions)
    const raw = shownOf(work.used).map(({ at, by, subject, text }) =>
      `${new Date(at).toISOString().slice(0, 10)}, ${by}: ${subject}\n${text}`
    ).join("\n\n")
    const beyond = missed.length === 0 ? [] : yield* unanswered(work, raw, missed)
    const counted = questions.filter((one) => !beyond.includes(one))
    const failed = missed.filter((one) => !beyond.includes(one))
    return {
      ...attempt,
      refused: judged(counted, failed),
      questions: { asked: counted.length, answered: counted.length - failed.length },
    }
  }).pipe(
    // Without an examiner the rules alone decide.
    Effect.catchTag("ModelUnavailable", (trouble) =>
      isBroken(trouble) ? Effect.fail(trouble) : Effect.succeed(attempt)),
  )

/** What the model makes of it, once repaired where that is worth while. */
const modelled = (work: Work) =>
  Effect.gen(function* () {
    const shown = shownOf(work.used)
    const first = yield* asked(work, shown, [])
    const { found, kept } = first.facts
    if (first.refused.length === 0) return [yield* examined(work, first)]
    if (found === 0 || kept / found < repairFrom) return [first]
    const second = yield* asked(work, shown, first.refused).pipe(
      Effect.catchTag("ModelUnavailable", (trouble) =>
        isBroken(trouble) ? Effect.fail(trouble) : Effect.succeed(undefined)),
    )
    return second === undefined ? [first] : [first, yield* examined(work, second)]
  }).pipe(
    Effect.catchTag("ModelUnavailable", (trouble) =>
      isBroken(trouble) ? Effect.fail(trouble) : Effect.succeed<ReadonlyArray<Attempt>>([{
        made: unanswering,
        isSilent: silence[trouble.reason] === undefined,
        text: "",
        refused: [`${silence[trouble.reason] ?? "was not asked"}: ${trouble.message}`],
        facts: { found: work.important.length, kept: 0 },
        questions: unasked,
      }])),
  )

const extracted = (work: Work, facts: ReadonlyArray<Fact>): Attempt => {
  const { important, subject, timeZone, used } = work
  const text = extractOf(subject, used, facts, important, timeZone)
  const verdict = checked(text, important, used, timeZone, frameOf(subject, used))
  return {
    made: extractMade,
    text,
    refused: verdict.reasons,
    facts: verdict.facts,
    questions: unasked,
  }
}

export const summarise = implement(declaration, ({ subject }) =>
  Effect.gen(function* () {
    const sources = yield* sourcesOf(subject.events)
    const { timeZone, told, used } = sources
    const facts = factsIn(used, timeZone)
    let tokens = 0
    const persons = [
      ...new Set([subject.person, ...used.map(({ person }) => person)].flatMap((one) => one ?? [])),
    ].slice(0, personsMax)
    const work: Work = {
      ...sources,
      subject,
      // Forgetting the one it is about takes it away; of several, the founder's key and `persons` do.
      seals: subject.person ?? (persons.length === 1 ? persons[0]! : "founder"),
      important: importantOf(facts),
      spend: ({ cached, tokensIn, tokensOut }) => {
        if (!cached) tokens += tokensIn + tokensOut
      },
    }
    const byModel = used.length === 0 ? [] : yield* modelled(work)
    const isDone = byModel.some(({ refused }) => refused.length === 0)
    const extract = isDone ? [] : [extracted(work, facts)]
    // Who does not answer is no examiner.
    const byRules = byModel.some(({ made }) => made !== unanswering)
      ? yield* Effect.forEach(extract, (one) => examined(work, one))
      : extract
    const attempts: ReadonlyArray<Attempt> = [...byModel, ...byRules]
    const last = attempts.at(-1) ?? extracted(work, facts)
    const reasons = used.length === 0
      ? ["nothing of it can be told: it is forgotten, or not to be trusted"]
      : last.refused
    return {
      of: subject.of,
      key: subject.key,
      ...(work.seals === "founder" ? {} : { person: work.seals }),
      persons,
      events: told,
      upTo: subject.upTo,
      accepted: reasons.length === 0,
      text: last.text,
      made: last.made,
      facts: last.facts,
      questions: last.questions,
      refused: [
        ...attempts.slice(0, -1).flatMap(({ isSilent, made, refused }) =>
          isSilent === true ? [] : refused.map((reason) => `${made}: ${reason}`)
        ),
        ...reasons,
      ],
      attempts: attempts.map(({ made, refused, text }) => ({
        made,
        text,
        accepted: refused.length === 0,
        refused: [...refused],
      })),
      tokens,
    }
  }))
