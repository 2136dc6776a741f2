// Runs the command argv[2…] with DATABASE_URL naming a PostgreSQL that is started for it, or the one
// that DATABASE_URL names already. The server is gone when this process is, also by SIGKILL.
import { execa } from 'execa'

import { startSharedServer } from './server.ts'

const [command = '', ...args] = process.argv.slice(2)
const given = process.env['DATABASE_URL']
const server = given === undefined ? await startSharedServer() : undefined
const child = execa(command, args, {
  stdio: 'inherit',
  env: { DATABASE_URL: given ?? server?.connectionString },
  reject: false,
})
// A terminal sends them to the command as well, which decides when it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => child.kill(signal))
const { exitCode } = await child
await server?.remove()
process.exitCode = exitCode ?? 1
