import type { LogFields, Logger } from '../host/logger.ts'
import type { EmitEvent, ErasureEvent } from '../request/erasure-event.ts'

type Line = readonly [level: keyof Logger, message: string]

/** Every line the core logs. */
const LINES: Readonly<Record<ErasureEvent['kind'], Line>> = {
  accepted: ['info', 'An erasure request was accepted'],
  declined: [
    'warn',
    "An erasure request for the application service's own bot or ghost was declined",
  ],
  stepped: ['debug', 'A purge handler took a step'],
  retrying: ['warn', 'A purge handler failed and will be called again'],
  blocked: [
    'error',
    'A purge handler is blocked: it is called again daily, and by retry()',
  ],
  retaining: ['info', 'Only what handlers retain is left of a request'],
  erased: ['info', 'The user is erased'],
  'handler threw': ['debug', 'A purge handler threw'],
  'allow threw': ['debug', '`allow` threw'],
  'cursor broken': [
    'warn',
    'A cursor cannot be unsealed: the store is damaged; the handler starts over',
  ],
  'seal broken': [
    'error',
    'An open request cannot be unsealed: the store is damaged or was changed from outside',
  ],
  'request taken': ['info', 'Another process is working on a request'],
  'work failed': ['error', 'Work on a request failed; it will be tried again'],
  'schedule failed': ['error', 'A request could not be scheduled; the sweep tries again'],
  'sweep failed': ['error', 'The sweep failed'],
  'forgetting delayed': [
    'warn',
    'Deleted (still encrypted) rows remain in the write-ahead log: another process is reading ' +
      'the database, or the disk is full. Will retry',
  ],
}

/** Turns what happens into log lines. */
export function logEvents(logger: Logger): EmitEvent {
  return ({ kind, ...facts }) => {
    const [level, message] = LINES[kind]
    const fields = Object.entries(facts).map(([name, value]) => [
      name,
      value instanceof Date ? value.toISOString() : value,
    ])
    logger[level](message, Object.fromEntries(fields) as LogFields)
  }
}
