/** How far the run is: one line that is written over on a terminal, plain lines elsewhere. Standard error, both. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as HttpClient from "../HttpClient.js"
import type { Progress } from "../Pipeline.js"
import { number, seconds } from "./figures.js"

export interface Sending {
  readonly elapsedMs: number
  readonly retries: number
  /** Requests that may be open at once, where that is learnt. */
  readonly atOnce?: number | undefined
}

/**
 * One line; `width` is that of a terminal, where what matters less is left out until it fits. `sending` is not there before
 * anything is sent.
 */
export const line = (progress: Progress, sending: Sending | undefined, width?: number): string => {
  const { bytes, bytesRead, listed = 0, numbers, phase, settled, totals } = progress
  if (phase === "comparing") {
    return listed === 0 ? "waiting for the export of the list" : `comparing with the list: ${number(listed)} entries`
  }
  // a validation ends without sending
  if (phase === "reading" || sending === undefined) {
    const share = bytes === 0 || phase === "finished" ? 100 : Math.floor((bytesRead / bytes) * 100)
    const read = [`reading ${share} %: ${number(totals.read)} rows`, `${number(totals.rejected)} rejected`]
    return width === undefined ? read.join(", ") : fitted(read, [1], width)
  }
  const { atOnce, elapsedMs, retries } = sending
  const rate = elapsedMs === 0 ? 0 : (settled * 1000) / elapsedMs
  const head = `sending ${number(settled)}/${number(numbers)}`
  const trouble = [`${number(totals.rejected)} rejected`, `${number(totals.failed)} failed`]
  const pace = [
    `${number(Math.round(rate))}/s`,
    `${number(retries)} ${retries === 1 ? "retry" : "retries"}`,
    atOnce === undefined ? "" : `${number(atOnce)} at once`
  ]
  const left = rate === 0 || phase === "finished" ? "" : `${seconds(((numbers - settled) / rate) * 1000)} to go`
  if (width !== undefined) return fitted([head, ...trouble, ...pace, left], [5, 4, 3, 1, 2, 6], width)
  const onList = totals.created + totals.updated + totals.duplicateOnList + totals.accepted
  return joined([`${head}: ${number(totals.read)} read`, `${number(onList)} on the list`, ...trouble, ...pace, left])
}

/** Of parts that are there. */
const joined = (parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join(", ")

/** The parts that fit; those of `dispensable` go first, in that order. */
const fitted = (parts: ReadonlyArray<string>, dispensable: ReadonlyArray<number>, width: number): string => {
  const gone = new Set<number>()
  const text = () => joined(parts.filter((_, index) => !gone.has(index)))
  for (const index of dispensable) {
    if (text().length <= width) break
    gone.add(index)
  }
  return text().slice(0, width)
}

const metrics = Effect.all([Metric.value(HttpClient.retries), Metric.value(HttpClient.concurrencyLimit)])

/** Shows progress while the scope is open; what it returns is the pipeline's `onProgress`. */
export const show: Effect.Effect<(progress: Progress) => void, never, Scope.Scope> = Effect.gen(function* () {
  const terminal = process.stderr.isTTY === true
  let latest: Progress | undefined
  let sendingSince: number | undefined
  let shown = ""

  const write = Effect.map(metrics, ([{ count: retries }, { value: limit }]) => {
    if (latest === undefined) return
    const sending =
      sendingSince === undefined
        ? undefined
        : { elapsedMs: Date.now() - sendingSince, retries, atOnce: limit === 0 ? undefined : limit }
    // the last column stays free: some terminals go on to the next line after it
    const text = line(latest, sending, terminal ? (process.stderr.columns || 80) - 1 : undefined)
    if (text === shown) return
    shown = text
    process.stderr.write(terminal ? `\r\u001b[K${text}` : `${text}\n`)
  })

  yield* write.pipe(Effect.repeat(Schedule.spaced(terminal ? "100 millis" : "5 seconds")), Effect.forkScoped)
  yield* Effect.addFinalizer(() =>
    Effect.map(write, () => {
      if (terminal && shown !== "") process.stderr.write("\n")
    })
  )
  return (progress) => {
    latest = progress
    if (progress.phase === "sending") sendingSince ??= Date.now()
  }
})
