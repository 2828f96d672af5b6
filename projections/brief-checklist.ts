/**
 * What to mend, at most five things, what hurts most first: what may have happened without anybody knowing,
 * agents that stand still, a disk on which nothing more can be kept, settings without which nothing is
 * drafted, services that are out, and last what would be better with a model.
 */
import type { Brief } from "./aios.ts"
import { brief } from "./brief.ts"
import { activityWordsOf, article } from "./brief-sections.ts"
import { type BriefDay, type BriefSources, whoIs } from "./brief-sources.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import { fixOfService, isTrouble, troubleWords, withoutService } from "./service-words.ts"
import { clockWords, counted, daysBetween, pastDayWords } from "./words.ts"

const fixesMax = 5

const table = tableOf(brief)

/** Without a model more is amiss than without vectors. */
const servicesInOrder = ["ollama", "chroma", "embedder"]

/** `07:12`, `yesterday 07:12`. */
const sinceWords = (at: number, day: BriefDay): string => {
  const clock = clockWords(at, day.timeZone)
  return daysBetween(at, day.to, day.timeZone) === 0
    ? clock
    : `${pastDayWords(at, day.to, day.timeZone)} ${clock}`
}

const outages = (day: BriefDay, sources: BriefSources): Brief["checklist"] =>
  servicesInOrder.flatMap((service) => {
    const row = objectOf(sources.store.get(table, `service:${service}`))
    const { at, trouble } = row
    if (at === undefined || numberOf(at) >= day.to || !isTrouble(trouble)) return []
    return [{
      what: `${troubleWords(service, trouble)} since ${sinceWords(numberOf(at), day)}: ${
        withoutService(service)
      }`,
      fix: fixOfService(service, trouble),
    }]
  })

export const checklistOf = (day: BriefDay, sources: BriefSources): Brief["checklist"] => {
  const unclear = sources.store.scan(table, { prefix: "unclear:" }).map(([, row]) => objectOf(row))
    .filter((row) => numberOf(row["at"]) < day.to)
  const degraded = sources.store.scan(table, { prefix: "degraded:" })
    .filter(([, row]) => numberOf(objectOf(row)["at"]) < day.to)
  return [
    ...unclear.map((row) => ({
      what: `nobody knows whether ${
        article(activityWordsOf(textOf(row["activity"])) || "activity")
      }${
        textOf(row["person"]) === "" ? "" : ` to ${whoIs(textOf(row["person"]), sources)}`
      } happened: look, then say so`,
      fix: `aios settle ${textOf(row["ask"])}`,
    })),
    ...(day.parked === 0 ? [] : [{
      what: `${counted(day.parked, "agent")} ${
        day.parked === 1 ? "stands" : "stand"
      } still after a defect`,
      fix: "aios doctor",
    }]),
    ...day.fixes,
    ...(day.missing.length === 0 ? [] : [{
      what: `missing in the settings: ${day.missing.join(", ")}; without it nothing is drafted`,
      fix: "aios settings",
    }]),
    ...outages(day, sources),
    ...degraded.map(([key, row]) => ({
      what: `${key.slice("degraded:".length)} does not work: ${textOf(objectOf(row)["reason"])}`,
      fix: "aios doctor",
    })),
    ...day.advice ?? [],
  ].slice(0, fixesMax)
}
