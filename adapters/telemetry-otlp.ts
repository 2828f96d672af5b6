/**
 * Spans to an OpenTelemetry collector by OTLP over HTTP (JSON), where OTEL_EXPORTER_OTLP_ENDPOINT names one.
 * A collector that does not answer costs nothing but the spans.
 */
import { Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"

/** What the end of a command waits for its last spans. */
const shutdownTimeout = "1 second"
const exportInterval = "2 seconds"

export interface TelemetryOptions {
  /** The collector's base address: spans go to `/v1/traces` below it. */
  readonly endpoint: string
  /** As OTEL_EXPORTER_OTLP_HEADERS has them: `name=value,name=value`, values percent-encoded. */
  readonly headers?: string | undefined
  /** OTEL_SERVICE_NAME. */
  readonly service?: string | undefined
  readonly version: string
}

const decoded = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

const headersOf = (written: string): Record<string, string> =>
  Object.fromEntries(
    written.split(",").map((one) => one.split("=")).filter(([name, value]) =>
      name?.trim() && value !== undefined
    ).map(([name, ...value]) => [name!.trim(), decoded(value.join("=").trim())]),
  )

export const layer = ({ endpoint, headers = "", service, version }: TelemetryOptions) =>
  OtlpTracer.layer({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    resource: { serviceName: service || "aios", serviceVersion: version },
    headers: headersOf(headers),
    exportInterval,
    shutdownTimeout,
  }).pipe(
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer),
  )
