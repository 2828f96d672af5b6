/** Mail into a folder, loaded by the first mail: most commands send none. */
import { Effect, Layer } from "effect"
import { Mailer } from "../actors/mailer.ts"

export const layer = (folder: string): Layer.Layer<Mailer> => {
  const loaded = Effect.gen(function* () {
    const { layer } = yield* Effect.promise(() => import("./mailer-folder.ts"))
    return yield* Effect.provide(Mailer, layer(folder))
  })
  return Layer.succeed(
    Mailer,
    Mailer.of({
      send: (mail, key) => Effect.flatMap(loaded, (mailer) => mailer.send(mail, key)),
      recall: (key) => Effect.flatMap(loaded, (mailer) => mailer.recall(key)),
      sends: false,
    }),
  )
}
