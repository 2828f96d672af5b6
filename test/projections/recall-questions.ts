/**
 * Questions over the sample company, each with the records that answer it, and how often recall has one of
 * them among its first five. Questions are put as a founder would, and often in other words than the
 * source's: a change that makes memory worse lowers a number here.
 */
import { Effect } from "effect"
import { derivedId } from "../../actors/ids.ts"
import { Aios } from "../../projections/aios.ts"
import { searchedHere } from "../../projections/aios-recall.ts"
import { MemoryIndex } from "../../projections/memory-index.ts"
import { itemById } from "../../projections/memory-rows.ts"
import { itemOfPassage } from "../../projections/memory-passages.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { search } from "../../projections/recall-search.ts"
import { textOfItem } from "../../projections/memory-texts.ts"
import { now } from "./memory-world.ts"

/** `<id@host>` a mail by its Message-ID; else a file, with `:line 4` where one line is meant. */
export interface Asked {
  readonly question: string
  readonly sources: ReadonlyArray<string>
}

const q = (question: string, ...sources: ReadonlyArray<string>): Asked => ({ question, sources })

export const questions: ReadonlyArray<Asked> = [
  q("what did Ada ask about pricing", "<aw-1@lumen-leuchten.example>"),
  q(
    "how much do two sponsorships cost",
    "<nl-104@northlight.example>",
    "<aw-1@lumen-leuchten.example>",
  ),
  q("who accepted the sponsorship offer", "<aw-2@lumen-leuchten.example>"),
  q("by when does Ada need the contract", "<aw-2@lumen-leuchten.example>"),
  q("budget for the harbour tour site", "<hw-2@hafenwerk.example>"),
  q("who wants their new booking site before the season starts", "<hw-2@hafenwerk.example>"),
  q("how does Mara usually work with a new customer", "<nl-1@northlight.example>"),
  q("pottery with a small web shop", "<sa-1@almeida-ceramics.example>"),
  q("who put their redesign on hold for lack of money", "<hd-2@fjordkraft-design.example>"),
  q(
    "who does not want the newsletter any more",
    "<go-1@kystlinje.example>",
    "<ba-1@aas-sykler.example>",
  ),
  q("website for a tea house in German and Japanese", "<at-1@komorebi.example>"),
  q("how much can Aya Tanaka spend", "<at-2@komorebi.example>"),
  q(
    "what does an online shop for a wine merchant cost",
    "<lf-1@ferri-vini.example>",
    "<nl-110@northlight.example>",
  ),
  q("Was haben wir Luca Ferri angeboten?", "<nl-110@northlight.example>"),
  q(
    "which tool measured the slow websites",
    "<nh-1@haddad-studio.example>",
    "<nl-109@northlight.example>",
  ),
  q(
    "who is disappointed because nobody replied about the bicycle repair shop",
    "<tr-1@reyes-bikes.example>",
  ),
  q("who recommended me to Jonas", "<pn-1@novak-atelier.example>", "<hw-1@hafenwerk.example>"),
  q("opticians who want customers to book an eye test", "<ek-1@kowalska-optyk.example>"),
  q(
    "when is the call with Ewa Kowalska",
    "<nl-111@northlight.example>",
    "<ek-2@kowalska-optyk.example>",
  ),
  q("did the museum's board approve the new site", "<sl-1@faehrmuseum.example>"),
  q("refund of a yearly subscription after closing the shop", "<ba-1@aas-sykler.example>"),
  q(
    "price of the two workshop days for Brightside",
    "<nl-103@northlight.example>",
    "invoices.json",
    "events.jsonl",
  ),
  q("third workshop day about product photos", "<nb-2@brightside.example>"),
  q(
    "whose card was charged twice",
    "<mr-1@rossi-calzature.example>",
    "<mr-2@rossi-calzature.example>",
    "<mr-3@rossi-calzature.example>",
  ),
  q(
    "customer who threatens to cancel and get the money back through the bank",
    "<mr-3@rossi-calzature.example>",
  ),
  q("journalist with questions about small shops", "<hv-1@stadtblatt.example>"),
  q("Wer kann wegen Krankenhaus nicht zum Workshop kommen?", "<ub-1@behrens-stoffe.example>"),
  q(
    "Warum ist die Zahlung von Lea fehlgeschlagen?",
    "<lh-1@hoffmann-floristik.example>",
    "<zw-2044@zahlwerk.example>",
  ),
  q("Rechnung für die Winterkarten", "<ds-311@druckhaus-sommer.example>"),
  q("suspicious change of a bank account", "<x77e1@druckhaus-somer.example>"),
  q("sponsorship series of four in spring", "<kw-1@papierhaus-winter.example>", "calendar.ics"),
  q("who declined to advertise before summer", "<tl-1@langhaus.example>"),
  q("ten percent for whoever brings the customer", "<mk-1@studio-kessler.example>"),
  q(
    "who has three different opening hours online",
    "<bm-1@moretti-pasta.example>",
    "47-note-opening-hours.md",
    "47-draft.md",
  ),
  q("out of office at the book fair", "<ic-auto@carvalho-books.example>"),
  q("wooden boats website for 5,000 EUR", "linkedin-messages.csv:line 2"),
  q(
    "whose kiln photographs may I show",
    "linkedin-messages.csv:line 3",
    "linkedin-messages.csv:line 4",
  ),
  q("when do pictures on the map expire", "47-note-map-photos.md", "47-draft.md", "feed.atom"),
  q("lower card fees from January", "47-note-card-fees.md", "feed.atom"),
  q("school classes booking the museum by telephone", "ferry-museum.md"),
  q("what are typical budgets for a website", "47-note-pricing.md"),
  q("coffee with Petra", "calendar.ics"),
  q("How many customers did the October sponsorship bring?", "<kw-1@papierhaus-winter.example>"),
]

/** A real model on a busy machine takes its time. */
const vectorsMillisMax = 120_000
/** Of the first five. */
export const hitsMax = 5

interface Place {
  readonly event: string
  readonly source: { readonly file: string; readonly at: string } | undefined
}

const isSource = ({ event, source }: Place, wanted: string) => {
  if (wanted.startsWith("<")) return event === derivedId(`message:${wanted}`)
  const [file, at] = wanted.split(":")
  return source?.file === file && (at === undefined || source?.at === at)
}

export interface Rate {
  /** Part of the questions that have a source among the first five. */
  readonly rate: number
  /** Mean of one over the place of the first source: 1 where it is always first. */
  readonly first: number
  readonly missed: ReadonlyArray<string>
}

const rated = (found: ReadonlyArray<readonly [Asked, ReadonlyArray<Place>]>): Rate => {
  const places = found.map(([{ question, sources }, hits]) => ({
    question,
    place: hits.slice(0, hitsMax).findIndex((one) =>
      sources.some((wanted) => isSource(one, wanted))
    ),
  }))
  const missed = places.filter(({ place }) => place < 0)
  const first = places.reduce((sum, { place }) => sum + (place < 0 ? 0 : 1 / (place + 1)), 0)
  return {
    rate: 1 - missed.length / found.length,
    first: first / found.length,
    missed: missed.map(({ question }) => question),
  }
}

/** Hit rates by words alone, by meaning alone, and by both; the sample company has to be there. */
export const measured = Effect.gen(function* () {
  const index = yield* MemoryIndex
  if (index === undefined) return yield* Effect.die(new Error("There is no index of memory"))
  const aios = yield* Aios
  yield* index.vectors(vectorsMillisMax)
  const searched = yield* searchedHere(index)
  const store = yield* ReadStore
  const byWords = yield* Effect.forEach(questions, (asked) =>
    search(searched, {
      about: asked.question,
      limit: hitsMax,
      tokensMax: 10_000,
      now,
      wordsOnly: true,
    }).pipe(Effect.map(({ found }) =>
      [
        asked,
        found.map(({ item, opened }): Place => ({ event: item.id, source: opened.source })),
      ] as const
    )))
  const byMeaning = yield* Effect.forEach(questions, (asked) =>
    Effect.gen(function* () {
      const { found } = yield* index.near(asked.question, { limit: 20 })
      const ids = [...new Set(found.map(({ id }) => itemOfPassage(id)))].slice(0, hitsMax)
      const places = yield* Effect.forEach(ids, (id) =>
        Effect.gen(function* () {
          const item = itemById(store, id)
          const opened = item === undefined ? undefined : yield* textOfItem(searched, item)
          return { event: id, source: opened?.source } satisfies Place
        }))
      return [asked, places] as const
    }))
  const byBoth = yield* Effect.forEach(
    questions,
    (asked) =>
      aios.recall(asked.question, { limit: hitsMax, tokensMax: 10_000 }).pipe(
        Effect.map(({ hits }) =>
          [
            asked,
            hits.map(({ events, source }): Place => ({ event: events[0] ?? "", source })),
          ] as const
        ),
      ),
  )
  return { lexical: rated(byWords), vector: rated(byMeaning), hybrid: rated(byBoth) }
})
