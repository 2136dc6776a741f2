import t from 'tap'

import { type SourceHarness, sourceConformance } from '../../../lib/testing/index.ts'
import type { ErasureSink, ErasureSource } from '../../../lib/watch/source.ts'
import { SourceError } from '../../../lib/watch/source.ts'
import { smallHomeserver } from '../../support/small-homeserver.ts'

t.test('a source that does what it should passes', async t => {
  t.jobs = 4
  for (const { title, run } of sourceConformance(smallHomeserver)) {
    void t.test(title, { buffered: true }, run)
  }
})

type Spoil = (source: ErasureSource, harness: SourceHarness) => Partial<ErasureSource>

/** What a source may get wrong, and which case finds it. */
const WRONG: ReadonlyArray<readonly [wrong: string, title: RegExp, spoil: Spoil]> = [
  ['no valid name', /its name/, () => ({ name: 'No Name' })],
  ['ghosts are people', /ghosts/, () => ({ look: async () => 'erased' })],
  [
    'an error that is not its own',
    /is a code/,
    () => ({
      look: async () => {
        throw new Error('no code')
      },
    }),
  ],
  [
    'a token in an error',
    /is a code/,
    (_source, { secrets }) => ({
      look: async () => {
        throw new SourceError('SOURCE_UNREACHABLE', `with ${secrets[0]}`)
      },
    }),
  ],
  [
    'a start that waits for the homeserver',
    /start does not wait/,
    source => ({
      async start(sink: ErasureSink) {
        await source.start(sink)
        await new Promise(() => {})
      },
    }),
  ],
  [
    'a list that forgets whoever comes later',
    /finds who is erased/,
    source => {
      let scans = 0
      return {
        start: sink =>
          source.start(
            spoilSink(sink, {
              compare: async accounts => {
                scans += 1
                if (scans === 1) await sink.compare(accounts)
              },
            }),
          ),
      }
    },
  ],
  [
    'a close that ends nothing',
    /close ends/,
    source => ({
      start: sink =>
        source.start(spoilSink(sink, { signal: new AbortController().signal })),
      close: async () => {},
    }),
  ],
  [
    'a source that watches once',
    /watches again/,
    source => {
      let starts = 0
      return {
        async start(sink: ErasureSink) {
          starts += 1
          if (starts === 1) await source.start(sink)
        },
      }
    },
  ],
]

for (const [wrong, title, spoil] of WRONG) {
  t.test(`found: ${wrong}`, async t => {
    const make = async (): Promise<SourceHarness> => {
      const harness = await smallHomeserver()
      const { source } = harness
      const whole: ErasureSource = {
        name: source.name,
        start: sink => source.start(sink),
        look: (userId, signal) => source.look(userId, signal),
        close: () => source.close(),
        ...spoil(source, harness),
      }
      return {
        ...harness,
        source: whole,
        async remove() {
          await source.close()
          await harness.remove?.()
        },
      }
    }
    const found = sourceConformance(make, { patienceMs: 1000 }).find(each =>
      title.test(each.title),
    )
    if (found === undefined) throw new Error(`No case is called ${title}`)
    await t.rejects(found.run())
  })
}

function spoilSink(sink: ErasureSink, spoilt: Partial<ErasureSink>): ErasureSink {
  return {
    clock: sink.clock,
    logger: sink.logger,
    signal: sink.signal,
    compare: accounts => sink.compare(accounts),
    check: userId => sink.check(userId),
    failed: code => sink.failed(code),
    succeeded: () => sink.succeeded(),
    cursor: () => sink.cursor(),
    setCursor: value => sink.setCursor(value),
    ...spoilt,
  }
}
