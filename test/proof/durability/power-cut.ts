import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Disk } from './disk.ts'
import type { Survival } from './disk-file.ts'
import { inspect } from './inspect.ts'
import { answersOf, isLog } from './order.ts'
import { type Random, seededRandom } from '../../support/seeded-random.ts'
import { type Call, type Moment, succeeded } from './record.ts'
import { newPlace, type Place, type Recording } from './story.ts'

/** What of the changes that are not synced a cut leaves: each point is tried in these ways. */
const SURVIVALS: readonly Survival[] = ['nothing', 'everything', 'something']

/** What was found over many cuts. */
export interface CutFigures {
  /** Points in the recording. */
  readonly points: number
  /** Disks that were rebuilt and started from. */
  readonly disks: number
  readonly complaints: readonly string[]
}

/** As many as say what is wrong. */
const MOST_COMPLAINTS = 10

/**
 * Cuts the power at points of a recording and starts from what is left, until enough is wrong.
 *
 * @param points - in order; each is the number of moments before it
 */
export async function cutPower(
  recording: Recording,
  directory: string,
  points: readonly number[],
  random: Random,
  survivals: readonly Survival[] = SURVIVALS,
): Promise<CutFigures> {
  const disk = new Disk(recording.rootInode)
  const complaints: string[] = []
  const done = { points: 0, disks: 0 }
  let applied = 0
  for (const point of points) {
    if (complaints.length >= MOST_COMPLAINTS) break
    for (const moment of recording.moments.slice(applied, point)) disk.apply(moment)
    applied = point
    for (const survival of survivals) {
      const place = newPlace(join(directory, `cut-${point}-${survival}`))
      disk.rebuild(place.root, survival, random)
      const wrong = await inspectCut(recording, point, place)
      complaints.push(
        ...wrong.map(what => `${describe(recording, point, survival)}: ${what}`),
      )
      rmSync(join(place.root, '..'), { recursive: true })
      done.disks += 1
    }
    done.points += 1
  }
  return { ...done, complaints }
}

/** The points right after the first byte of a 200, where most is at stake. */
export function pointsOfAnswers(moments: readonly Moment[]): number[] {
  return answersOf(moments).map(({ begunAt }) => begunAt + 1)
}

/** The points at which the log was to be truncated, and nothing says that it is. */
export function pointsOfTruncations(moments: readonly Moment[]): number[] {
  return [...moments.entries()].flatMap(([index, { call }]) =>
    call.kind === 'truncate' && isLog(call) ? [index + 1] : [],
  )
}

/**
 * Points all over a recording: a third of them right after the first byte of a 200, a third in
 * the first start, when files are made, and the others spread over all.
 */
export function choosePoints(
  moments: readonly Moment[],
  cuts: number,
  random: Random,
): number[] {
  const answered = pointsOfAnswers(moments)
  const [first = moments.length] = answered
  const all = Array.from(moments.keys()).filter(point => changes(moments[point - 1]))
  const chosen = new Set<number>()
  const choose = (points: readonly number[], most: number) => {
    const open = points.filter(point => !chosen.has(point))
    for (const point of random.spread(open, most)) chosen.add(point)
  }
  choose(answered, Math.floor(cuts / 3))
  choose(
    all.filter(point => point < first),
    Math.floor(cuts / 3),
  )
  choose(all, cuts - chosen.size)
  return [...chosen].toSorted((a, b) => a - b)
}

/** Whether a cut after the moment can find something else than one before it. */
function changes(moment: Moment | undefined): boolean {
  const kind = moment?.call.kind
  return kind !== undefined && kind !== 'receive' && kind !== 'say'
}

function inspectCut(
  recording: Recording,
  point: number,
  { root, log }: Place,
): Promise<string[]> {
  const before = recording.moments.slice(0, point)
  const purged = before.flatMap(({ at, call }) =>
    at === 'begin' && call.kind === 'log' && succeeded(call) ? [call.data] : [],
  )
  writeFileSync(log, Buffer.concat(purged))
  const acknowledged = new Set(answersOf(before).map(({ user }) => user))
  return inspect(root, log, { sent: recording.ledger.sent, acknowledged })
}

function describe({ moments }: Recording, point: number, survival: Survival): string {
  const { at, call } = moments[point - 1] ?? {}
  const what = call === undefined ? 'the start' : `the ${at} of ${describeCall(call)}`
  return `power cut at point ${point}, after ${what}, ${survival} survives`
}

function describeCall({ call, path = 'a socket' }: Call): string {
  return `${call} on ${path}`
}

/**
 * How the files in which a recording ended differ from what the model makes of it, with
 * everything kept. If they do, the recording has missed something, and cuts prove nothing.
 */
export function compareWithModel(recording: Recording, directory: string): string[] {
  const disk = new Disk(recording.rootInode)
  for (const moment of recording.moments) disk.apply(moment)
  disk.rebuild(directory, 'everything', seededRandom(0))
  const real = listFiles(recording.place.root)
  const rebuilt = listFiles(directory)
  const names = new Set([...real, ...rebuilt])
  return [...names].flatMap(name => {
    if (!real.includes(name)) return [`${name} is not there`]
    if (!rebuilt.includes(name)) return [`${name} is missing`]
    if (name.endsWith('-shm')) return []
    const [a, b] = [join(recording.place.root, name), join(directory, name)]
    return readFileSync(a).equals(readFileSync(b)) ? [] : [`${name} differs`]
  })
}

function listFiles(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return names.filter(name => statSync(join(directory, name)).isFile()).toSorted()
}
