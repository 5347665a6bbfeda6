/** `npm start`: the demonstration, unless there are words for the command. */
if (process.argv.length === 2) process.argv.push("demo")
await import("./main.js")
