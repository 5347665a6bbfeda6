/** Makes `dist/cli`, the command as it is published: a part of `npm run build`. */
import { fileURLToPath } from "node:url"
import { bundle } from "./bundle.js"

await bundle(fileURLToPath(new URL("../../../dist/cli", import.meta.url)))
