/**
 * Port: on which days an entry of a calendar falls. A series is stored once, with its rule; this works
 * out its occurrences when asked. Rules come from strangers' files: whatever they say, the answer comes
 * in bounded time, and an entry that cannot be understood has no occurrences.
 */
import { Context, type Effect } from "effect"

/** As `MeetingRecorded` keeps it: a VCALENDAR with one VEVENT and the VTIMEZONEs it names. */
export interface CalendarEntry {
  readonly ics: string
  /** The founder's zone (IANA): floating times and whole days are meant in it. */
  readonly timeZone: string
}

export interface Occurrence {
  /** Epoch ms. */
  readonly startsAt: number
  readonly endsAt: number
}

export interface OccurrenceOf<Entry> extends Occurrence {
  readonly entry: Entry
}

export class Recurrences extends Context.Service<Recurrences, {
  /**
   * Occurrences of one entry that end after `from` and start before `to` (epoch ms), in order, at most
   * `max`. Exceptions that are records of their own are not seen: see `betweenAll`.
   */
  between(
    entry: CalendarEntry,
    from: number,
    to: number,
    max: number,
  ): Effect.Effect<ReadonlyArray<Occurrence>>
  /**
   * The same over many entries, in order, each occurrence with the entry it is of. A changed occurrence
   * (same UID, with a RECURRENCE-ID) takes the place of the one it changes; a cancelled one removes it,
   * as does a cancelled series all of its own. Of two records of the same meeting give the one that counts.
   */
  betweenAll<Entry extends CalendarEntry>(
    entries: ReadonlyArray<Entry>,
    from: number,
    to: number,
    max: number,
  ): Effect.Effect<ReadonlyArray<OccurrenceOf<Entry>>>
}>()("projections/Recurrences") {}
