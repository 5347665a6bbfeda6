/** How far the run is: one line that is written over on a terminal, plain lines elsewhere. Standard error, both. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as HttpClient from "../HttpClient.js"
import type { Progress } from "../Pipeline.js"
import { number, seconds } from "./summary.js"

/** Shows progress while the scope is open; what it returns is the pipeline's `onProgress`. */
export const show: Effect.Effect<(progress: Progress) => void, never, Scope.Scope> = Effect.gen(function* () {
  const terminal = process.stderr.isTTY === true
  let latest: Progress | undefined
  let sendingSince: number | undefined
  let shown = ""

  const line = Effect.gen(function* () {
    if (latest === undefined) return ""
    const { bytes, bytesRead, numbers, phase, settled, totals } = latest
    // a validation ends without sending
    if (phase === "reading" || (phase === "finished" && sendingSince === undefined)) {
      const share = bytes === 0 ? 100 : Math.floor((bytesRead / bytes) * 100)
      return `reading ${share} %: ${number(totals.read)} rows, ${number(totals.rejected)} rejected`
    }
    const now = Date.now()
    sendingSince ??= now
    const { count: retries } = yield* Metric.value(HttpClient.retries)
    const onList = totals.created + totals.updated + totals.duplicateOnList + totals.accepted
    const elapsed = now - sendingSince
    const rate = elapsed === 0 ? 0 : (settled * 1000) / elapsed
    const left = rate === 0 ? "" : `, ${seconds(((numbers - settled) / rate) * 1000)} to go`
    return (
      `sending ${number(settled)}/${number(numbers)}: ${number(totals.read)} read, ${number(onList)} on the list, ` +
      `${number(totals.rejected)} rejected, ${number(totals.failed)} failed, ${number(Math.round(rate))}/s, ` +
      `${number(retries)} retries${phase === "finished" ? "" : left}`
    )
  })

  const write = Effect.map(line, (text) => {
    if (text === "" || text === shown) return
    shown = text
    process.stderr.write(terminal ? `\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}` : `${text}\n`)
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
