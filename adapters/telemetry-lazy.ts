/** Spans only where somebody collects them: else the exporter is not even loaded. */
import { Effect, Layer } from "effect"
import { aiosVersion } from "../projections/aios-wire.ts"
import type { TelemetryOptions } from "./telemetry-otlp.ts"

export type Collector = Omit<TelemetryOptions, "version">

export const layer = (collector: Collector | undefined) =>
  collector === undefined ? Layer.empty : Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./telemetry-otlp.ts")),
      (otlp) => otlp.layer({ ...collector, version: aiosVersion }),
    ),
  )
