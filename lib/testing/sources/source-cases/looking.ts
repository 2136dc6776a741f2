import assert from 'node:assert/strict'

import type { UserId } from '../../../matrix/user-id.ts'
import { checkSources } from '../../../watch/rules.ts'
import { type AccountState, SourceError } from '../../../watch/source.ts'
import type { SourceCase, SourceTrial } from './source-trial.ts'

/** What single accounts are. */
export const lookingCases: readonly SourceCase[] = [
  ['its name and its rules are valid', async ({ source }) => checkSources([source])],
  ['it looks at one account, whether or not it watches', looksAtAccounts],
  ['it tells ghosts from people', tellsGhosts],
  ['what a look cannot find out is a code, without tokens and users', failsByCode],
  ['a look ends when it is aborted', endsWhenAborted],
]

async function looksAtAccounts(trial: SourceTrial): Promise<void> {
  const { harness } = trial
  const states: AccountState[] = ['erased', 'present']
  for (const state of states) await harness.setAccount(trial.user(state), state)
  if (await canSet(trial, trial.user('unknown'), 'unknown')) states.push('unknown')
  const check = async (when: string) => {
    for (const state of states) {
      assert.equal(await trial.look(trial.user(state)), state, `${state}, ${when}`)
    }
  }
  await check('before it watches')
  await trial.start()
  await check('while it watches')
  await trial.close()
  await check('after it has watched')
  await harness.setAccount(trial.user('erased'), 'present')
  await harness.setAccount(trial.user('present'), 'erased')
  assert.equal(await trial.look(trial.user('erased')), 'present', 'when it has changed')
  assert.equal(await trial.look(trial.user('present')), 'erased', 'when it has changed')
}

async function tellsGhosts(trial: SourceTrial): Promise<void> {
  const ghost = trial.user('ghost')
  if (!(await canSet(trial, ghost, 'erased ghost'))) return
  assert.equal(await trial.look(ghost), 'erased ghost')
}

/** Whether the homeserver of this harness can say of an account that it is so. */
async function canSet(
  { harness }: SourceTrial,
  userId: UserId,
  state: AccountState,
): Promise<boolean> {
  try {
    await harness.setAccount(userId, state)
    return true
  } catch {
    return false
  }
}

async function failsByCode(trial: SourceTrial): Promise<void> {
  const user = trial.user('erased')
  await trial.harness.setAccount(user, 'erased')
  const codes = ['SOURCE_UNREACHABLE', 'SOURCE_FORBIDDEN', 'SOURCE_INVALID'] as const
  for (const code of codes) {
    await trial.harness.behave(code)
    assert.equal((await trial.lookFails(user)).code, code)
  }
  await trial.harness.behave('well')
  assert.equal(await trial.look(user), 'erased', 'when all is well again')
}

async function endsWhenAborted(trial: SourceTrial): Promise<void> {
  const look = trial.source.look(trial.user('erased'), AbortSignal.abort())
  const [answer] = await trial.prompt('An aborted look', Promise.allSettled([look]))
  if (answer?.status === 'fulfilled') return
  assert(answer?.reason instanceof SourceError, 'It threw no SourceError')
}
