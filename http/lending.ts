/**
 * What the control lends to workers on other machines: keys, and attachments as they are stored. Both
 * travel sealed: whoever has the token but not the installation's secret can open none of them.
 */
import { Effect, Schema } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { Vault } from "../actors/vault.ts"
import { failureOf } from "../projections/aios-failures.ts"
import { problem } from "./problem.ts"
import { route } from "./route.ts"

const keysMax = 1_000
const Text = Schema.String

const KeyId = Text.annotate({ description: "Base64 of 8 bytes" })
const Wrapped = Text.annotate({
  description: "Base64; sealed under a key that is derived from the installation's secret",
})
const Installation = Text.annotate({
  description: "Id of the installation, derived from its secret: 32 hex digits",
})
const Lent = Schema.Struct({
  id: KeyId,
  subject: Text,
  key: Schema.NullOr(Wrapped).annotate({ description: "null: it was destroyed" }),
}).annotate({ identifier: "LentKey" })
const Keys = Schema.Struct({
  installation: Installation,
  life: Text.annotate({
    description: "Another each time the keys are opened: they may be others, of a backup",
  }),
  keys: Schema.Array(Lent),
}).annotate({ identifier: "LentKeys" })

/** The vault, for one who has the same secret. */
const vaultOf = (installation: string) =>
  Effect.flatMap(
    Vault,
    (vault) =>
      vault.installation === installation ? Effect.succeed(vault) : Effect.fail(problem(
        409,
        "OtherInstallation",
        "Other installation",
        "This AIOS is another installation than the worker's. Copy the file `secret` from this data " +
          "directory, or set AIOS_CONTROL to the worker's own control.",
      )),
  )

const wanted = route({
  id: "lendKeys",
  method: "post",
  path: "/api/keys/wanted",
  tag: "workers",
  summary:
    "Keys by their ids, for a worker on another machine; ids that never were here are left out",
  body: Schema.Struct({
    installation: Installation,
    ids: Schema.Array(KeyId).check(Schema.isMaxLength(keysMax)),
  }),
  answer: Keys,
  problems: [409],
  handle: ({ body: { ids, installation } }) =>
    Effect.gen(function* () {
      const vault = yield* vaultOf(installation)
      const keys = yield* Effect.mapError(vault.lend(ids), failureOf)
      return { installation, life: vault.life, keys }
    }),
})

const made = route({
  id: "keepKeys",
  method: "post",
  path: "/api/keys",
  tag: "workers",
  summary: "Keeps keys that a worker on another machine made; durable when it answers",
  body: Schema.Struct({
    installation: Installation,
    keys: Schema.Array(Schema.Struct({ id: KeyId, subject: Text, key: Wrapped }))
      .check(Schema.isMaxLength(keysMax)),
  }),
  answer: Keys,
  problems: [409],
  handle: ({ body: { installation, keys } }) =>
    Effect.gen(function* () {
      const vault = yield* vaultOf(installation)
      yield* Effect.mapError(vault.take(keys), failureOf)
      return { installation, life: vault.life, keys: [] }
    }),
})

const sealed = route({
  id: "getSealedBlob",
  method: "get",
  path: "/api/blobs/:blob",
  tag: "workers",
  summary: "An attachment as it is stored, sealed under its person's key",
  params: Schema.Struct({
    blob: Text.annotate({ description: "SHA-256 of the sealed bytes: 64 hex digits" }),
  }),
  answer: Text,
  mediaType: "application/octet-stream",
  problems: [404],
  handle: ({ params: { blob } }) =>
    Effect.gen(function* () {
      const blobs = yield* BlobStore
      const bytes = yield* Effect.mapError(blobs.sealed(blob), failureOf)
      if (bytes === undefined) {
        return yield* problem(404, "BlobUnknown", "Blob unknown", `There is no blob ${blob}.`)
      }
      return new Response(new Uint8Array(bytes), {
        headers: { "content-type": "application/octet-stream", "cache-control": "no-store" },
      })
    }),
})

export const lendingRoutes = [wanted, made, sealed] as const
