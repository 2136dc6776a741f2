import t from 'tap'

import { redactingLogger, silentLogger } from '../../lib/host/logger.ts'
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
    logger.warn('odd', { thing: { name: 'bob' } as never })
    logger.error(Object.create(null) as string)
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
      { level: 'warn', message: 'odd', fields: { thing: '[object Object]' } },
      { level: 'error', message: '[unprintable]', fields: {} },
    ])
  },
)

t.test('a logger that throws stops nobody', async t => {
  const broken = {
    ...silentLogger,
    info() {
      throw new Error('the disk is full')
    },
  }
  t.doesNotThrow(() => redactingLogger(broken, redact).info('hello'))
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    silentLogger[level]('nothing')
})
