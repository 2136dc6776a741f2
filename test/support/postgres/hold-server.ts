// Starts a server, tells where it is, and does nothing until it is killed.
import { startServer } from './server.ts'

const { dataDirectory, port } = await startServer()
process.stdout.write(`${JSON.stringify({ dataDirectory, port })}\n`)
setInterval(() => {}, 1000)
