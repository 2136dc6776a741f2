import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'

import { parseUserId, type UserId } from '../../matrix/user-id.ts'
import type { Json, PurgeFunction, PurgeHandler } from '../../purge/handler.ts'
import { type RegisteredHandler, registerHandler } from '../../purge/handler-plan.ts'
import { findResidue } from './find-residue.ts'
import { lookAlikes } from './look-alikes.ts'
import { Trial, type TrialRun } from './trial.ts'

/** What a handler's test needs to know about the store behind it. */
export interface PurgeHandlerTest {
  /** Stores data about a user, as the bridge does when the user is active. */
  plant(userId: UserId): unknown
  /** Returns everything the store contains about a user. Compared before and after. */
  read(userId: UserId): unknown
  /** The user to plant and erase. Default: a new one. Must not be in the store. */
  readonly userId?: string
  /** Users whose data must not change. Default: twenty whose IDs look like the user's. */
  readonly bystanders?: readonly string[]
  /** Files and folders of the store, in which no trace of the user may remain. */
  readonly files?: readonly string[]
}

/** What the handler did, if it got nothing wrong. */
export interface PurgeHandlerReport {
  /** How many slices one run took. The handler was killed and resumed after each of them. */
  readonly slices: number
  /** How many items it reported as removed in one run. */
  readonly removed: number
  /** Notes on things that are not wrong, but worth knowing. */
  readonly notes: readonly string[]
}

/** A purge handler got something wrong; `problems` lists what, in plain sentences. */
export class PurgeHandlerError extends Error {
  /** What it got wrong, one sentence for each problem. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(['The purge handler got something wrong:', ...problems].join('\n- '))
    this.problems = problems
  }

  /** Always `PurgeHandlerError`. */
  override get name(): 'PurgeHandlerError' {
    return 'PurgeHandlerError'
  }
}

/**
 * Tests a purge handler on a real store. It plants a user and others who look like them, checks that
 * `verify` finds the user, purges, kills the handler after every slice and lets it resume, and runs
 * it again when nothing is left. Then it checks that `verify` finds nothing, that no trace of the user
 * is left in the files, and that no other user's data changed. Works with any test runner.
 *
 * @throws PurgeHandlerError saying in plain sentences what the handler got wrong
 * @example
 * ```ts
 * await testPurgeHandler(messagesHandler, {
 *   plant: userId => db.insertMessage({ sender: userId, body: 'hello' }),
 *   read: userId => db.messagesOf(userId),
 *   files: ['bridge.db'],
 * })
 * ```
 */
export async function testPurgeHandler<C extends Json = Json>(
  handler: PurgeHandler<C> | PurgeFunction<C>,
  test: PurgeHandlerTest,
): Promise<PurgeHandlerReport> {
  const registered = registerHandler('the-handler', handler)
  const trial = new Trial(registered, parseUserId(test.userId ?? newUser()))
  const bystanders = await plantBystanders(trial.userId, test)
  await tryUnknownUser(trial)
  const run = await tryPlantedUser(trial, test)
  for (let kill = 1; kill <= (run?.slices ?? 0); kill += 1)
    await tryKill(trial, test, kill)
  for (const { userId: other, before } of bystanders) {
    const same = isDeepStrictEqual(before, await read(test, other))
    trial.expect(same, 'It touched other people, who only look like the user.')
  }
  // A user whose ID contains no planted ID: `@a:b.c` would be found in `@a:b.c.org`.
  const alone = new Trial(registered, newUser())
  if (test.files !== undefined) await tryFiles(alone, test, test.files)
  const problems = [...trial.problems, ...alone.problems]
  if (problems.length > 0 || run === undefined) throw new PurgeHandlerError(problems)
  return {
    slices: run.slices,
    removed: run.removed,
    notes: notesOn(trial, registered, test),
  }
}

function newUser(): UserId {
  return parseUserId(`@erasure_test_${randomBytes(4).toString('hex')}:example.org`)
}

/** A copy: `read` may hand out the store's own objects. */
async function read(test: PurgeHandlerTest, userId: UserId): Promise<unknown> {
  return structuredClone(await test.read(userId))
}

interface Bystander {
  readonly userId: UserId
  readonly before: unknown
}

async function plantBystanders(
  userId: UserId,
  test: PurgeHandlerTest,
): Promise<Bystander[]> {
  const others = test.bystanders?.map(parseUserId) ?? lookAlikes(userId)
  for (const other of others) await test.plant(other)
  const bystanders: Bystander[] = []
  for (const other of others) {
    bystanders.push({ userId: other, before: await read(test, other) })
  }
  return bystanders
}

async function tryUnknownUser(trial: Trial): Promise<void> {
  const counted = (await trial.verify('For a user it never saw')) ?? 0
  trial.expect(
    counted === 0,
    `verify counts ${counted} items of a user who was never planted: it counts other people's.`,
  )
  await trial.purge('For a user it never saw')
}

async function tryPlantedUser(
  trial: Trial,
  test: PurgeHandlerTest,
): Promise<TrialRun | undefined> {
  const nothing = await read(test, trial.userId)
  await test.plant(trial.userId)
  const seen = await trial.verify('Before the purge')
  trial.expect(
    seen !== 0,
    'verify finds nothing although the user was planted: it cannot see.',
  )
  const run = await trial.purge('On the first run')
  await expectEmpty(trial, run, 'After the purge')
  const left = await read(test, trial.userId)
  trial.expect(
    (run?.retained ?? 0) > 0 || isDeepStrictEqual(left, nothing),
    'After the purge, the store still holds something of the user.',
  )
  const again = await trial.purge('On a second run')
  const removed = again?.removed ?? 0
  trial.expect(
    removed === 0,
    `The second run removed ${removed} items though nothing was left: it is not idempotent.`,
  )
  await expectEmpty(trial, again, 'After a second run')
  return run
}

async function tryKill(
  trial: Trial,
  test: PurgeHandlerTest,
  kill: number,
): Promise<void> {
  const when = `Killed after slice ${kill} and resumed`
  await test.plant(trial.userId)
  await expectEmpty(trial, await trial.purge(when, kill), when)
}

async function tryFiles(
  trial: Trial,
  test: PurgeHandlerTest,
  files: readonly string[],
): Promise<void> {
  await test.plant(trial.userId)
  trial.expect(
    findResidue(trial.userId, files).length > 0,
    'The planted user is in none of the files: name those in which the store keeps them.',
  )
  const run = await trial.purge('On the first run')
  const [residue] = findResidue(trial.userId, files)
  trial.expect(
    residue === undefined || (run?.retained ?? 0) > 0,
    `After the purge, the user is still in ${residue?.path}, as ${residue?.form}.`,
  )
}

async function expectEmpty(
  trial: Trial,
  run: TrialRun | undefined,
  when: string,
): Promise<void> {
  const left = (await trial.verify(when)) ?? 0
  trial.expect(left <= (run?.retained ?? 0), `${when}, verify still finds ${left} items.`)
}

function notesOn(
  trial: Trial,
  { handler }: RegisteredHandler,
  test: PurgeHandlerTest,
): string[] {
  const notes: string[] = []
  if (handler.verify === undefined) {
    notes.push('It has no verify: its work is recorded as asserted, not verified.')
  }
  if (test.files === undefined)
    notes.push('No files were named: what it leaves in them is unknown.')
  if (trial.loggedUser)
    notes.push('It logs the user: the SDK takes them out, another logger does not.')
  return notes
}
