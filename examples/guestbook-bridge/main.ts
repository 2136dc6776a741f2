import { startBridge } from './bridge.ts'
import { createLog } from './log.ts'

// Anyone who can read the files can read what people wrote.
process.umask(0o077)
const { env } = process
const log = createLog(env['LOG'] === 'debug')

// An unexpected error may quote an event: the place where it was thrown is enough to find it.
process.on('uncaughtException', (error: unknown) => {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const [, place] = /\n +at (.*)/.exec(stack) ?? []
  log.error('The bridge stops: an error was not caught', { place })
  process.exit(1)
})

const port = numberOf('PORT')
const guestbookPort = numberOf('GUESTBOOK_PORT')
const bridge = await startBridge({
  homeserverUrl: textOf('HOMESERVER_URL'),
  serverName: textOf('SERVER_NAME'),
  registration: textOf('REGISTRATION'),
  dataDir: textOf('DATA_DIR'),
  host: env['HOST'] ?? '127.0.0.1',
  port,
  guestbookPort,
  settleMs: numberOf('SETTLE_MS', 900_000),
  pauseMs: numberOf('PAUSE_MS', 0),
  log,
}).catch((error: unknown) => fail(error instanceof Error ? error.message : 'unknown'))

process.stdout.write(
  `guestbook bridge: appservice on ${port}, guestbook on http://127.0.0.1:${guestbookPort}/\n`,
)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void bridge.close().then(() => process.exit()))
}

function textOf(name: string): string {
  return env[name] || fail(`${name} is not set; see README.md`)
}

function numberOf(name: string, otherwise?: number): number {
  const text = env[name] ?? String(otherwise ?? '')
  return /^\d+$/.test(text)
    ? Number(text)
    : fail(`${name} is not a number: see README.md`)
}

function fail(why: string): never {
  log.error(`The bridge cannot start: ${why}`)
  process.exit(2)
}
