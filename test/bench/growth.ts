/** Time and memory by the number of rows, the whole way of the command to the bare server without latency. */
import { besideSet, type Part, type Size } from "./results.js"
import { number } from "./table.js"
import { type Bench, inTurn, send } from "./turns.js"

/** More take so long that once has to do. */
const mostInTurns = 1_000_000

export const part = async (bench: Bench): Promise<Part> => {
  await bench.command()
  const sizes: Array<Size> = []
  for (const rows of bench.growth) {
    const file = await bench.file(rows)
    const turns = rows > mostInTurns ? 1 : bench.turns
    const [runs] = await inTurn(turns, [
      { name: `${number(rows)} rows`, run: () => send(bench, file, { program: "command", latencyMs: 0 }) }
    ])
    sizes.push({
      rows,
      seconds: runs.map(({ seconds }) => seconds),
      peakRssMB: runs.map(({ peakRssMB }) => peakRssMB),
      setMB: (runs[0].setBytes ?? 0) / 1e6
    })
  }
  const rest = sizes.map(besideSet)
  const [most, growth] = [Math.max(...rest), rest[rest.length - 1] / rest[0]]
  return {
    growth: sizes,
    goals: [
      { text: "peak RSS at most 150 MB and the set", found: `${number(most)} MB and the set`, met: most <= 150 },
      {
        text: `peak RSS beside the set flat (a quarter more at most) from ${number(sizes[0].rows)} to ${number(sizes[sizes.length - 1].rows)} rows`,
        found: `${number(growth, 2)} times`,
        met: growth <= 1.25
      }
    ]
  }
}
