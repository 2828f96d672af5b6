/**
 * Tells the language a person wrote in by counting small words that the other language does not have:
 * English, or German with `Sie` or with `du`. Where neither leads, nothing is said.
 */
import type { Language } from "../machines/record.ts"

/** Words beyond are not counted: a few sentences tell. */
const wordsMax = 400

const english = new Set(
  ("the and you your for is are we our of with would could have has this that it be please thanks " +
    "thank hello hi dear regards what how when not my from can do i").split(" "),
)
const german = new Set(
  ("der die das und ich sie ihr ihre ihren ihnen wir uns unser für ist sind nicht ein eine einen mit " +
    "von zu zum zur auf bitte danke hallo guten liebe lieber sehr geehrte grüße grüßen wie wann kann " +
    "können könnten hätten würden haben habe du dir dich dein deine mir mich es den dem bei").split(
      " ",
    ),
)
const familiar = new Set("du dir dich dein deine deinen deinem deiner euch euer eure".split(" "))
/** Written with a capital, it is the one who is spoken to; at the start of a sentence it may be anybody. */
const formal = /(?<=[\p{L},] )(?:Sie|Ihnen|Ihr(?:e[nmrs]?)?)(?!\p{L})/gu

/** The language of a text; undefined where its words do not say. */
export const languageOf = (text: string): Language | undefined => {
  const words = text.match(/\p{L}+/gu)?.slice(0, wordsMax) ?? []
  const count = (known: ReadonlySet<string>) =>
    words.filter((word) => known.has(word.toLowerCase())).length
  const [inEnglish, inGerman] = [count(english), count(german)]
  if (inEnglish > inGerman) return "en"
  if (inGerman <= inEnglish) return undefined
  const politely = text.match(formal)?.length ?? 0
  return count(familiar) > politely ? "de-informal" : "de"
}
