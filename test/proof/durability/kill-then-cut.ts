import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { type CutFigures, cutPower, pointsOfAnswers } from './power-cut.ts'
import type { Random } from '../../support/seeded-random.ts'
import type { Call, Moment } from './record.ts'
import { record, type RunOptions } from './story.ts'

const LANES = 3
const NAMING: ReadonlySet<Call['kind']> = new Set([
  'create',
  'mkdir',
  'link',
  'unlink',
  'rename',
])

/** What a test of a kill and then a power cut did. */
export interface KillThenCutFigures extends CutFigures {
  readonly kills: number
}

/**
 * Kills a bridge in its first start, starts another on its files, and cuts the power right after
 * the first 200. What the first has made and not synced the second finds, since a kill leaves the
 * memory of the operating system as it is; it must not take that for durable.
 *
 * @param firstAct - of a recording, for the steps there are in a first start
 * @param kills - how many there may be; those right after a name has changed come first
 */
export async function killThenCut(
  directory: string,
  options: RunOptions,
  firstAct: readonly Moment[],
  kills: number,
  random: Random,
): Promise<KillThenCutFigures> {
  const chosen = chooseBoundaries(firstAct, kills, random)
  const figures = { kills: chosen.length, points: 0, disks: 0 }
  const complaints: string[] = []
  const lane = async () => {
    for (let boundary = chosen.shift(); boundary; boundary = chosen.shift()) {
      const place = join(directory, `killed-${boundary}`)
      const acts = [
        { name: 'killed', alone: 1, kill: { boundary, when: 'after' } },
        { name: 'again', alone: 1, hold: true },
      ] as const
      const recording = await record(place, acts, options)
      const points = pointsOfAnswers(recording.moments)
      const cut = await cutPower(recording, place, points, random)
      rmSync(place, { recursive: true })
      figures.points += cut.points
      figures.disks += cut.disks
      const where = describeKill(firstAct, boundary)
      complaints.push(...cut.complaints.map(what => `${where}, then ${what}`))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return { ...figures, complaints }
}

function chooseBoundaries(
  firstAct: readonly Moment[],
  kills: number,
  random: Random,
): number[] {
  const firstAnswer = firstAct.findIndex(({ call }) => call.kind === 'answer')
  const steps = firstAct
    .slice(0, firstAnswer)
    .flatMap(({ at, call }) => (at === 'end' && call.boundary ? [call] : []))
  const numbers = (calls: readonly Call[]) => calls.map(({ boundary = 0 }) => boundary)
  const naming = numbers(steps.filter(({ kind }) => NAMING.has(kind))).slice(0, kills)
  const others = numbers(steps.filter(({ kind }) => !NAMING.has(kind)))
  return [...naming, ...random.spread(others, kills - naming.length)]
}

function describeKill(firstAct: readonly Moment[], boundary: number): string {
  const moment = firstAct.find(({ call }) => call.boundary === boundary)
  return `killed after ${moment?.call.call} on ${moment?.call.path}`
}
