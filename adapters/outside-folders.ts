/**
 * Money, contacts and publishing as folders beside the log, each loaded when it is first used: most
 * commands never touch them.
 */
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { Crm } from "../actors/crm.ts"
import { Payments } from "../actors/payments.ts"
import { Publisher } from "../actors/publisher.ts"

const payments = (folder: string) =>
  Layer.effect(
    Payments,
    Effect.gen(function* () {
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const { layer } = yield* Effect.promise(() => import("./payments-folder.ts"))
        return yield* Effect.provide(Payments, layer(folder))
      }))
      return Payments.of({
        version: 1,
        draftInvoice: (invoice, call) =>
          Effect.flatMap(loaded, (_) => _.draftInvoice(invoice, call)),
        voidInvoice: (key, call) => Effect.flatMap(loaded, (_) => _.voidInvoice(key, call)),
        recordPayment: (paid, call) => Effect.flatMap(loaded, (_) => _.recordPayment(paid, call)),
        refund: (refund, call) => Effect.flatMap(loaded, (_) => _.refund(refund, call)),
        cancelRefund: (key, call) => Effect.flatMap(loaded, (_) => _.cancelRefund(key, call)),
        remind: (reminder, call) => Effect.flatMap(loaded, (_) => _.remind(reminder, call)),
      })
    }),
  )

const crm = (folder: string) =>
  Layer.effect(
    Crm,
    Effect.gen(function* () {
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const { layer } = yield* Effect.promise(() => import("./crm-folder.ts"))
        return yield* Effect.provide(Crm, layer(folder))
      }))
      return Crm.of({
        version: 1,
        upsertContact: (contact, call) =>
          Effect.flatMap(loaded, (_) => _.upsertContact(contact, call)),
        addNote: (note, call) => Effect.flatMap(loaded, (_) => _.addNote(note, call)),
      })
    }),
  )

const publisher = (folder: string) =>
  Layer.effect(
    Publisher,
    Effect.gen(function* () {
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const { layer } = yield* Effect.promise(() => import("./publisher-folder.ts"))
        return yield* Effect.provide(Publisher, layer(folder))
      }))
      return Publisher.of({
        version: 1,
        publish: (article, key) => Effect.flatMap(loaded, (_) => _.publish(article, key)),
        unpublish: (key) => Effect.flatMap(loaded, (_) => _.unpublish(key)),
      })
    }),
  )

export const layer = (directory: string): Layer.Layer<Payments | Crm | Publisher> =>
  Layer.mergeAll(
    payments(join(directory, "payments")),
    crm(join(directory, "crm")),
    publisher(join(directory, "published")),
  )
