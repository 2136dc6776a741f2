import type { LogFields, Logger } from '../host/logger.ts'
import type { EmitEvent, ErasureEvent } from '../request/erasure-event.ts'

type Line = readonly [level: keyof Logger, message: string]

/** Every line the core logs. */
const LINES: Readonly<Record<ErasureEvent['kind'], Line>> = {
  accepted: ['info', 'An erasure request is accepted'],
  declined: ['warn', 'An erasure request for a user of our own is declined'],
  stepped: ['debug', 'A purge handler took a step'],
  retrying: ['warn', 'A purge handler failed and is tried again'],
  blocked: [
    'error',
    'A purge handler is blocked: it is tried again daily, and by retry()',
  ],
  retaining: ['info', 'All that is left of a request is what handlers retain'],
  erased: ['info', 'The user is erased'],
  'handler threw': ['debug', 'A purge handler threw'],
  'allow threw': ['debug', '`allow` threw'],
  'cursor broken': [
    'warn',
    'A cursor does not unseal: its store is damaged; the handler starts over',
  ],
  'seal broken': [
    'error',
    'An open request does not unseal: its store was changed from outside',
  ],
  'request taken': ['info', 'Another process works on a request'],
  'work failed': ['error', 'A request could not be worked on'],
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
