import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { seededRandom } from '../../support/seeded-random.ts'
import { newLedger } from './homeserver.ts'
import { inspect } from './inspect.ts'
import { type KillFigures, noKills } from './random-kills.ts'
import { countBoundaries } from './record.ts'
import { type Act, newPlace, runAct, type RunOptions } from './story.ts'

/** One whole life: the first start, users alone and in one turn, purge, checkpoint, close. */
const LIFE: Act = { name: 'life', alone: 3, connections: 6 }
const LANES = 3

/** What a kill test at boundaries did. */
export interface BoundaryFigures extends KillFigures {
  /** Boundaries in a life that nobody ends. */
  readonly boundaries: number
}

/**
 * Kills a bridge at every boundary of one whole life, once just before and once just after it.
 *
 * @param kills - how many kills there may be at most; fewer than there are, and they are spread
 */
export async function killAtBoundaries(
  directory: string,
  options: RunOptions,
  kills: number,
  seed: number,
): Promise<BoundaryFigures> {
  const whole = newPlace(join(directory, 'whole'))
  const { moments } = await runAct(whole, LIFE, options, newLedger())
  const boundaries = countBoundaries(moments)
  const all = Array.from({ length: boundaries }, (_, index) =>
    (['before', 'after'] as const).map(when => ({ boundary: index + 1, when })),
  ).flat()
  const chosen = seededRandom(seed).spread(all, kills)
  const figures = noKills()
  const lane = async () => {
    for (let kill = chosen.shift(); kill !== undefined; kill = chosen.shift()) {
      await killOnce(directory, options, kill, figures)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return { ...figures, boundaries }
}

async function killOnce(
  directory: string,
  options: RunOptions,
  kill: NonNullable<Act['kill']>,
  figures: KillFigures,
): Promise<void> {
  const { boundary, when } = kill
  const place = newPlace(join(directory, `${when}-${boundary}`))
  const ledger = newLedger()
  const { moments, isKilled } = await runAct(place, { ...LIFE, kill }, options, ledger)
  const wrong = await inspect(place.root, place.log, ledger)
  rmSync(join(place.root, '..'), { recursive: true })
  // Threads and timers do not take the same steps twice: a life can be shorter than the first.
  const { at, call } = moments.at(-1) ?? {}
  figures.kills += Number(isKilled)
  figures.restarts += 1
  figures.acknowledged += ledger.acknowledged.size
  const where = `killed ${when} boundary ${boundary}, after the ${at} of ${call?.call} on ${call?.path}`
  figures.complaints.push(...wrong.map(what => `${where}: ${what}`))
}
