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
import { extractMade, extractOf, frameOf, isQuoted, standsFor } from "../summary-extract.ts"
import { contentWords, type Fact, factsIn, importantOf, sentencesIn } from "../summary-facts.ts"
import { keeps, namesPerson } from "../summary-keeps.ts"
import { daysIn, localDay, looseDays } from "../grounded-dates.ts"
import { hasSigns, isBinding, isRetraction } from "../summary-net.ts"
import {
  answersAsk,
  examination,
  examinationOf,
  materialOf,
  repairOf,
  sentenceCharsMax,
  sentencesFor,
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
  reasonsMax,
  type Verdict,
} from "../summary-test.ts"

/** Texts that are together no longer than a summary of them are no work for a model: the extract tells nearly all. */
const tinyCharsMax = 400
/** Nor is more to quote than its sentences could hold beside so many words of its own. */
const ownCharsMin = 60
/** An examiner is shown so much of an extract, and asked only about what is in it. */
const examinedCharsMax = 3_000
/** A text that kept so much is told what it lost, once. */
const repairFrom = 0.5
/** All together stay below the activity's own. */
const summaryMillisMax = 120_000
const repairMillisMax = 60_000
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
  /** What it stands for. */
  readonly stands: ReadonlyArray<SummarySource>
  readonly facts: Verdict["facts"]
  readonly questions: { readonly asked: number; readonly answered: number }
  /** What its reader should know though it passed. */
  readonly note?: string
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

/** What a sentence of the model says in words of its own: without what it quotes. */
const ownWords = (text: string, quotes: ReadonlyArray<string>): string =>
  quotes.reduce((rest, quote) => rest.replaceAll(quote, " "), text)

/**
 * What counts is quoted, of whoever said it: words of its own may hold no amount, no number, no promise and
 * nothing that takes one back, and of days only those on which something was written.
 */
const ownWordsThatCount = (
  { sentences }: Summary,
  { important, timeZone, used }: Work,
): ReadonlyArray<string> => {
  const quotes = used.flatMap(sentencesIn).toSorted((a, b) => b.length - a.length)
  const people = [...new Set(used.flatMap(({ by, names }) => [by, ...names]))]
  const written = new Set(used.map(({ at }) => localDay(at, timeZone)))
  return sentences.flatMap(({ text }) => {
    const own = ownWords(text, quotes)
    const isFree = hasSigns(own) || isBinding(own) || isRetraction(own) ||
      allAmountsIn(own).length > 0 || looseDays(own).length > 0 ||
      daysIn(own).some(({ days }) => !days.some((day) => written.has(day)))
    const givers = new Set(
      important.filter(({ kind, sentence }) =>
        (kind === "promise" || kind === "sentence") && text.includes(sentence)
      ).map(({ by }) => by),
    )
    const others = people.filter((name) => !givers.has(name) && namesPerson(own, name))
    const isMixed = givers.size > 0 &&
      (others.length > 0 || givers.size > 1 || ![...givers].every((name) => namesPerson(own, name)))
    return [
      ...(isFree ? [`does not quote what it says: “${text}”`] : []),
      ...(isMixed ? [`does not say who said it, and nobody else: “${text}”`] : []),
    ]
  })
}

/** Those that a sentence names and has a word of, and of which nothing is lost. */
const restsOn = (
  { sentences }: Summary,
  shown: ReadonlyArray<SummarySource>,
  text: string,
  timeZone: string,
): ReadonlyArray<SummarySource> => {
  const cited = new Set(sentences.flatMap(({ from, text }) => {
    const words = new Set(contentWords(text))
    return from.flatMap((n) => shown[n - 1] ?? []).filter((one) =>
      contentWords(`${one.subject} ${one.text}`).some((word) => words.has(word))
    )
  }))
  return standsFor(text, shown, (source) => cited.has(source) || isQuoted(text)(source), timeZone)
}

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
    const stands = restsOn(answer.answer, shown, text, work.timeZone)
    const isEmpty = refused.length === 0 && stands.length === 0
    return {
      ...{ made: answer.made, text, stands, facts },
      refused: [
        ...refused,
        ...miscited(answer.answer, shown),
        ...ownWordsThatCount(answer.answer, work),
        ...(isEmpty ? ["rests on none of the events"] : []),
      ],
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

/**
 * The questions of an extract are asked once, and decide nothing: it says word for word what they are made
 * of, so what is answered wrongly tells of the model. The result is shown.
 */
const shownTo = (work: Work, attempt: Attempt) =>
  Effect.gen(function* () {
    const text = attempt.text.slice(0, examinedCharsMax)
    const facts = importantOf(factsIn(attempt.stands, work.timeZone))
    const questions = questionsFor(
      facts.filter((fact) => keeps(text, fact, work.timeZone)),
      work.timeZone,
    )
    if (questions.length === 0 || attempt.refused.length > 0) return attempt
    const missed = yield* unanswered(work, text, questions)
    const answered = questions.length - missed.length
    return { ...attempt, questions: { asked: questions.length, answered } }
  }).pipe(
    Effect.catchTag("ModelUnavailable", (trouble) =>
      isBroken(trouble) ? Effect.fail(trouble) : Effect.succeed<Attempt>(
        silence[trouble.reason] === undefined ? attempt : {
          ...attempt,
          note: [attempt.note, `not examined: the model ${silence[trouble.reason]}`].flatMap((
            one,
          ) =>
            one ?? []
          ).join("; "),
        },
      )),
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
        stands: [],
        refused: [`${silence[trouble.reason] ?? "was not asked"}: ${trouble.message}`],
        facts: { found: work.important.length, kept: 0 },
        questions: unasked,
      }])),
  )

const extracted = (work: Work): Attempt => {
  const { subject, timeZone, used } = work
  const { beyond, lost, stands, text } = extractOf(subject, used, timeZone)
  const important = importantOf(factsIn(stands, timeZone))
  const verdict = checked(text, important, stands, timeZone, frameOf(subject, stands))
  return {
    ...{ made: extractMade, text, stands, facts: verdict.facts, questions: unasked },
    ...(beyond === 0 ? {} : { note: `${beyond} of ${used.length} stay at hand: ${tooMuch}` }),
    refused: text === "" && beyond > 0
      ? [tooMuch]
      : text === "" && lost.length > 0
      ? lost.slice(0, reasonsMax)
      : verdict.reasons,
  }
}
const tooMuch = "what must not be lost of them is more than a summary has room for"

export const summarise = implement(declaration, ({ subject }) =>
  Effect.gen(function* () {
    const sources = yield* sourcesOf(subject.events)
    const { superseded, timeZone, used } = sources
    let tokens = 0
    const persons = [
      ...new Set([subject.person, ...used.map(({ person }) => person)].flatMap((one) => one ?? [])),
    ].slice(0, personsMax)
    const work: Work = {
      ...sources,
      subject,
      // Forgetting the one it is about takes it away; of several, the founder's key and `persons` do.
      seals: subject.person ?? (persons.length === 1 ? persons[0]! : "founder"),
      important: importantOf(factsIn(used, timeZone)),
      spend: ({ cached, tokensIn, tokensOut }) => {
        if (!cached) tokens += tokensIn + tokensOut
      },
    }
    const chars = used.reduce((sum, one) => sum + one.text.length, 0)
    // Of what it is not shown it loses something, and then all it wrote is in vain.
    const quotes = [...new Set(work.important.map(({ sentence }) => sentence))]
    const quoteCharsMax = sentenceCharsMax - ownCharsMin
    const isFor = chars > tinyCharsMax && shownOf(used).length === used.length &&
      quotes.every((quote) => quote.length <= quoteCharsMax) &&
      quotes.join(" ").length <= quoteCharsMax * sentencesFor(used.length)
    const byModel = isFor ? yield* modelled(work) : []
    const isDone = byModel.some(({ refused }) => refused.length === 0)
    const extract = isDone ? [] : [extracted(work)]
    // Who does not answer in time is no examiner, and nobody examines one subject twice.
    const isExamined = byModel.some(({ made, questions }) =>
      made === unanswering || questions.asked > 0
    )
    const byRules = isExamined
      ? extract
      : yield* Effect.forEach(extract, (one) => shownTo(work, one))
    const attempts: ReadonlyArray<Attempt> = [...byModel, ...byRules]
    const last = attempts.at(-1) ?? extracted(work)
    const stands = new Set([
      ...last.stands,
      ...standsFor(last.text, superseded, () => true, timeZone),
    ].map(({ event }) => event))
    const reasons = used.length === 0
      ? ["nothing of it can be told: it is forgotten, or not to be trusted"]
      : last.refused
    return {
      of: subject.of,
      key: subject.key,
      ...(work.seals === "founder" ? {} : { person: work.seals }),
      persons,
      events: subject.events.filter((event) => stands.has(event)),
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
        ...(last.note === undefined ? [] : [last.note]),
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
