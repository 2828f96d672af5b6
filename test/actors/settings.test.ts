/** Settings are a fold: the last word counts, and what was not said stays as it was. */
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { ActorSystem } from "../../actors/actor-system.ts"
import { currentSettings, ownAddresses } from "../../actors/settings.ts"
import { settingsStream } from "../../machines/settings.ts"
import { company, everything } from "./company.ts"

it.live("says what is missing, takes the last word, and prefers told addresses to proposed ones", () =>
  Effect.gen(function* () {
    const actors = yield* ActorSystem
    expect(yield* currentSettings).toMatchObject({
      addresses: [],
      timeZone: "UTC",
      missing: ["name", "addresses", "timeZone"],
    })
    yield* actors.record(settingsStream, {
      type: "OwnAddressesProposed",
      addresses: ["mara@northlight.example"],
    })
    expect([...ownAddresses(yield* currentSettings)]).toEqual(["mara@northlight.example"])
    const said = { type: "SettingsRecorded", name: "Mara", timeZone: "Europe/Berlin" }
    yield* actors.record(settingsStream, said)
    yield* actors.record(settingsStream, { type: "SettingsRecorded", name: "Mara Lindqvist" })
    yield* actors.record(settingsStream, { type: "SettingsRecorded", addresses: ["m@n.example"] })
    const settings = yield* currentSettings
    expect(settings).toMatchObject({
      name: "Mara Lindqvist",
      timeZone: "Europe/Berlin",
      addresses: ["m@n.example"],
      proposedAddresses: ["mara@northlight.example"],
      missing: [],
    })
    expect([...ownAddresses(settings)]).toEqual(["m@n.example"])
    expect(JSON.stringify(yield* everything)).not.toMatch(/Lindqvist|northlight|n\.example/)
  }).pipe(Effect.provide(company())))
