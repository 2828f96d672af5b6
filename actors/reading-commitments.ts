/**
 * Who has to do what by when: a request with a date binds the one who is asked, a promise with a date
 * the one who makes it. A date that is only mentioned binds nobody.
 */
import { datesIn, type Reckoning } from "./reading-dates.ts"

export interface CommitmentRead {
  /** The one who wrote the mail, or the one it was written to. */
  readonly by: "writer" | "reader"
  /** Epoch ms. */
  readonly dueAt: number
  /** Where in the sentence the date stands. */
  readonly at: number
}

const words = (pattern: string) => new RegExp(`(?<![\\p{L}\\d])(?:${pattern})(?![\\p{L}\\d])`, "iu")

const promises = words(
  "(?:i|we)(?:['’]ll| will| shall| am going to| are going to| promise| commit| aim to| plan to)|" +
    "(?:i['’]m|we['’]re) (?:sending|going to)|" +
    "(?:i|we) (?:can )?(?:send|deliver|transfer|pay|get back|come back)|" +
    "(?:i|we) can (?:have|give|finish|do|manage|make)|" +
    "you(?:['’]ll| will) (?:have|get|receive|hear)|let me (?:send|get back|come back)|" +
    "expect (?:it|this|that|them|the \\p{L}{1,20}|my \\p{L}{1,20}) (?:from me |from us )?by|" +
    "(?:ich|wir) (?:\\p{L}{1,20} ){0,2}(?:werden?|schicken?|senden?|liefere|liefern|melden?|überweisen?|" +
    "zahlen?|bezahlen?|verspreche|versprechen|machen?|geben?|erledigen?|kümmern?|antworten?)|" +
    "(?:werden?|schicken?|senden?|liefere|liefern|melden?|überweisen?|zahlen?|bezahlen?|erledigen?|antworten?) " +
    "(?:ich|wir)|(?:bekommst|erhältst) du|(?:bekommen|erhalten) sie|" +
    "je (?:vous |te )?(?:envoie|enverrai|paierai|promets)|(?:te |le |les )?(?:enviaré|envío|pagaré|enviaremos)",
)
const negated = words(
  "not|cannot|never|unable|won['’]t|can['’]t|nicht|nie|keine?[nrms]?|ne \\p{L}{1,20} pas|no (?:podré|puedo|podemos)",
)
/** The one who reads is asked directly: any date binds. */
const asksReader = words(
  "please|kindly|could you|can you|would you|will you|bitte|können sie|könnten sie|kannst du|könntest du|" +
    "würden sie|pouvez[- ]vous|pourriez[- ]vous|s'il vous plaît|por favor|podría|puede",
)
/** Something is wanted: only a latest time binds. */
const wants = words(
  "(?:i|we|they|you)(?:['’]d| would)? (?:really )?(?:need|want|like|require|expect|must|have to|need to)|" +
    "needs?|wants?|requires?|(?:has|have) to|must|should|waiting for|expecting|" +
    "brauchen?|benötige|benötigen|erwarten?|muss|müssen|müsste|sollte?n?|hätten? (?:ich |wir )?gerne?|wünschen?|" +
    "il (?:me|nous) faut|necesit(?:o|amos)",
)
const isDue = words(
  "deadline|due|overdue|payable|zahlbar|zu (?:be)?zahlen|fällig|frist|stichtag|abgabe|échéance|plazo|vence",
)
/** A meeting that is asked for is no work to hand in. */
const meets = words(
  "call|meet|meeting|talk|chat|speak|coffee|lunch|telefonieren|treffen|termin|sprechen|réunion|reunión",
)
/** "If I do not have it by Friday": what is missing then is wanted from the one who reads. */
const threatens = words(
  "(?:if|unless|wenn|falls|sollten?) .{0,60}(?:i|we|you|my|our|ich|wir|sie|du|mein|meine|unser|unsere)",
)
const unless = words("unless")
/** What was done for somebody, which they wait for: `I have passed it on`. */
const passedOn = words(
  "(?:i|we)(?:['’]ve| have) (?:\\p{L}{1,20} ){0,2}(?:passed|forwarded|handed|given|told|asked|ordered|booked|arranged|reserved|initiated|sent)|" +
    "(?:ich|wir) haben? .{0,60}(?:weitergegeben|weitergeleitet|veranlasst|bestellt|gebucht|reserviert|beauftragt)|" +
    "on (?:its|their) way",
)
/** Whether somebody promises something, or says that they will not, with a date or without. */
export const isPromise = (sentence: string): boolean =>
  passedOn.test(sentence) || (promises.test(sentence) && !/\?["”’)]{0,2}$/.test(sentence))

const clauseEnds = /[,;:] | (?:and|but|und|aber|so|dann|et|mais|y|pero) /giu

/** The part of the sentence a date stands in. */
const clauseAt = (sentence: string, at: number): string => {
  let start = 0
  for (const end of sentence.matchAll(clauseEnds)) {
    if (end.index >= at) return sentence.slice(start, end.index)
    start = end.index + end[0].length
  }
  return sentence.slice(start)
}

const whoIn = (clause: string, isDeadline: boolean): CommitmentRead["by"] | undefined => {
  if (asksReader.test(clause)) {
    return isDeadline || !meets.test(clause) ? "reader" : undefined
  }
  // "We'll need it by Friday" wants; "we'll send it by Friday" promises.
  if (wants.test(clause) && isDeadline) return "reader"
  if (isDeadline && threatens.test(clause) && (negated.test(clause) || unless.test(clause))) {
    return "reader"
  }
  if (promises.test(clause)) return negated.test(clause) ? undefined : "writer"
  return isDue.test(clause) ? "reader" : undefined
}

/** The commitments of a sentence, in the order they stand there. */
export const commitmentsIn = (
  sentence: string,
  reckoning: Reckoning,
): ReadonlyArray<CommitmentRead> =>
  datesIn(sentence, reckoning).flatMap(({ dueAt, isDeadline, start }) => {
    const by = whoIn(clauseAt(sentence, start), isDeadline) ?? whoIn(sentence, isDeadline)
    return by === undefined ? [] : [{ by, dueAt, at: start }]
  })
