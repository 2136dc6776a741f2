import type { Clock } from '../host/clock.ts'
import type { UserId } from '../matrix/user-id.ts'
import { type AccountState, type ErasureSource, SourceError } from './source.ts'

const STATES: ReadonlySet<unknown> = new Set<AccountState>([
  'erased',
  'erased ghost',
  'present',
  'unknown',
])

/**
 * Has a source look at one user, for at most `timeoutMs`, whether or not it honours the signal.
 *
 * @throws SourceError whatever the source throws
 */
export async function lookAt(
  source: ErasureSource,
  userId: UserId,
  { clock, signal, timeoutMs }: LookOptions,
): Promise<AccountState> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const cancel = clock.setTimer(() => over.abort(), timeoutMs)
  try {
    const state = await Promise.race([
      source.look(userId, either),
      rejectedAtAbort(either),
    ])
    if (STATES.has(state)) return state
    throw new SourceError('SOURCE_INVALID', 'The source answered with no account state')
  } catch (error) {
    throw toSourceError(error)
  } finally {
    cancel()
  }
}

/** How long to look, and by which clock. */
export interface LookOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/** An error of a source as one of ours, because the text of another may contain a token or a user. */
function toSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  return new SourceError('SOURCE_UNREACHABLE', 'The source could not be asked')
}

function rejectedAtAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () =>
      reject(new SourceError('SOURCE_UNREACHABLE', 'The source did not answer in time'))
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}
