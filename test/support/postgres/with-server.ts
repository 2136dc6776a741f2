// Runs the command argv[2…] with DATABASE_URL naming a PostgreSQL that is started for it, or the one
// that DATABASE_URL names already. The server is gone when this process is, also by SIGKILL.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { startSharedServer } from './server.ts'

const [command = '', ...args] = process.argv.slice(2)
const given = process.env['DATABASE_URL']
const server = given === undefined ? await startSharedServer() : undefined
const child = spawn(command, args, {
  stdio: 'inherit',
  env: { ...process.env, DATABASE_URL: given ?? server?.connectionString },
})
// A terminal sends them to the command as well, which decides when it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => child.kill(signal))
const [code] = (await once(child, 'exit')) as [number | null]
await server?.remove()
process.exitCode = code ?? 1
