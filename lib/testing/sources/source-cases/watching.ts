import assert from 'node:assert/strict'

import type { SourceCase, SourceTrial } from './source-trial.ts'

/** How it watches. */
export const watchingCases: readonly SourceCase[] = [
  ['it finds who is erased, before and after it began to watch', findsErased],
  ['start does not wait for the homeserver, and failures become codes', reportsFailures],
  ['close ends everything, and may be called at any time', closes],
  ['it watches again after it was closed', watchesAgain],
]

async function findsErased(trial: SourceTrial): Promise<void> {
  const { harness } = trial
  await harness.setAccount(trial.user('early'), 'erased')
  await harness.setAccount(trial.user('person'), 'present')
  const sink = await trial.start()
  await trial.until('an erased user is found', () => sink.hasFound(trial.user('early')))
  await trial.until('a scan was complete', () => sink.successes > 0)
  await harness.setAccount(trial.user('late'), 'erased')
  await trial.until('another one is found', () => sink.hasFound(trial.user('late')))
  assert(sink.listed.get(trial.user('person'))?.erased !== true, 'Somebody is not erased')
  assert.deepEqual(sink.failures, [])
}

async function reportsFailures(trial: SourceTrial): Promise<void> {
  const { harness } = trial
  const user = trial.user('erased')
  await harness.setAccount(user, 'erased')
  await harness.behave('SOURCE_UNREACHABLE')
  const sink = await trial.start()
  const codes = ['SOURCE_UNREACHABLE', 'SOURCE_FORBIDDEN', 'SOURCE_INVALID'] as const
  for (const code of codes) {
    await harness.behave(code)
    await trial.until(`it reports ${code}`, () => sink.failures.at(-1) === code)
    assert.equal(sink.successes, 0)
  }
  await harness.behave('well')
  await trial.until('it works again', () => sink.successes > 0)
  await trial.until('it finds who is erased', () => sink.hasFound(user))
}

async function closes(trial: SourceTrial): Promise<void> {
  await trial.close()
  const sink = await trial.start()
  await trial.until('it has asked', () => sink.successes > 0)
  await trial.close()
  await trial.quiet(sink)
  await trial.close()
  await trial.harness.behave('SOURCE_UNREACHABLE')
  const second = await trial.start()
  await trial.close()
  await trial.quiet(second)
}

async function watchesAgain(trial: SourceTrial): Promise<void> {
  const first = await trial.start()
  await trial.until('a scan was complete', () => first.successes > 0)
  await trial.close()
  await trial.harness.setAccount(trial.user('meanwhile'), 'erased')
  const second = await trial.start()
  await trial.until('it finds who was erased meanwhile', () =>
    second.hasFound(trial.user('meanwhile')),
  )
}
