import t from 'tap'

import { harmlessLogger, type Logger, redactingLogger } from '../../lib/host/logger.ts'
import { breathe } from '../support/fake-clock.ts'
import { memoryLog } from '../support/memory-log.ts'

const redact = (text: string) =>
  text.replaceAll('bob', '[user]').replaceAll('4711', '[user]')

t.test(
  'messages, field names, texts and telling numbers are redacted, other values stay',
  async t => {
    const log = memoryLog()
    const logger = redactingLogger(log, redact)
    logger.debug('bob is here')
    logger.info('seen', {
      bob: 'by bob',
      count: 3,
      ok: true,
      none: undefined,
      number: 4711,
    })
    logger.warn('odd', { thing: { name: 'bob' } })
    logger.error({ about: 'bob' } as never)
    logger.error(new Proxy({}, {}) as never, new Map([['bob', 1]]) as never)
    t.same(log.lines, [
      { level: 'debug', message: '[user] is here', fields: {} },
      {
        level: 'info',
        message: 'seen',
        fields: {
          '[user]': 'by [user]',
          count: 3,
          ok: true,
          none: undefined,
          number: '[user]',
        },
      },
      { level: 'warn', message: 'odd', fields: { thing: { name: '[user]' } } },
      { level: 'error', message: "{ about: '[user]' }", fields: {} },
      { level: 'error', message: '[proxy]', fields: [['[user]', 1]] },
    ])
    logger.error(new Error('no bob') as never)
    t.match(log.lines.at(-1)?.message, /^Error: no \[user\]\n {4}at /)
  },
)

// Issue 9.24. An unhandled rejection fails the test, as it would end a bridge.
t.test(
  'a logger that throws, rejects or is incomplete never ends the process',
  async t => {
    const fail = () => {
      throw new Error('the disk is full')
    }
    const reject = async () => fail()
    const odd = () => Object.defineProperty({}, 'then', { get: fail })
    const broken = [fail, reject, odd].map(write => ({
      debug: write,
      info: write,
      warn: write,
      error: write,
    }))
    for (const given of [...broken, {} as Logger, undefined as unknown as Logger]) {
      for (const logger of [harmlessLogger(given), redactingLogger(given, redact)]) {
        for (const level of ['debug', 'info', 'warn', 'error'] as const) {
          t.doesNotThrow(() => logger[level]('hello', { count: 1 }))
        }
      }
    }
    t.doesNotThrow(() => redactingLogger(memoryLog(), fail).info('hello'))
    await breathe()
  },
)
