import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/compiled.ts"],
    setupFiles: ["test/support/judge.ts"],
    testTimeout: 30_000,
    // vitest itself leaves one to the machine, which on two is half of them
    maxWorkers: availableParallelism()
  },
  resolve: {
    alias: [
      { find: /^genesys-dnc\/testing$/, replacement: source("testing/index.ts") },
      { find: /^genesys-dnc\/sandbox$/, replacement: source("sandbox/index.ts") },
      { find: /^genesys-dnc\/phone$/, replacement: source("Phone.ts") },
      { find: /^genesys-dnc\/sql$/, replacement: source("AuditSink/Sql.ts") },
      { find: /^genesys-dnc\/sql\/libsql$/, replacement: source("AuditSink/Libsql.ts") },
      { find: /^genesys-dnc$/, replacement: source("index.ts") }
    ]
  }
})
