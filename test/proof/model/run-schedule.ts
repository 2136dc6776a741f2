import { check, checkLeft, everybodyIsErased, everybodyWaits } from './check.ts'
import { Driver } from './driver.ts'
import { seedMathRandom } from './seed-math-random.ts'
import type { Schedule, Step } from './steps.ts'
import { type Disk, memoryDisk, World } from './world.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** By then whoever cannot go on is out of attempts. */
const PATIENCE_MS = 20 * DAY_MS
/** A blocked handler's day, and whatever it finds then; longer than anything is retained. */
const HONEST_MS = 6 * DAY_MS

/** How much a run tried. */
export interface Figures {
  readonly requests: number
  readonly crashes: number
  readonly restarts: number
  readonly points: number
}

/**
 * Lets a schedule happen and holds the code to the model at every step; then lets time pass
 * until every request is finished or waits visibly; then repairs everything, until all are erased.
 *
 * @throws Error with the story, where code and model part
 */
export async function runSchedule(
  schedule: Schedule,
  disk: Disk = memoryDisk(),
): Promise<Figures> {
  const restoreRandom = seedMathRandom(1)
  const world = new World(schedule, disk)
  const driver = new Driver(world)
  const verdict = async (taken?: number) => {
    await check(world)
    if (world.complaints.length > 0) throw new Error(describe(world, taken))
  }
  try {
    await driver.start()
    for (const [index, step] of schedule.steps.entries()) {
      await driver.take(step)
      await verdict(index + 1)
    }
    await driver.heal()
    const isOver = (condition: (world: World) => boolean) => () =>
      condition(world) || world.complaints.length > 0
    await driver.advance(PATIENCE_MS, isOver(everybodyWaits))
    if (!everybodyWaits(world)) world.complain('a request neither ends nor waits visibly')
    await verdict()
    world.tell('everybody is honest from now on')
    world.script.heal()
    await driver.restart([])
    await driver.advance(HONEST_MS, isOver(everybodyIsErased))
    if (!everybodyIsErased(world)) world.complain('a request is not finished')
    await verdict()
    await checkLeft(world)
    await driver.stop()
    await verdict()
  } finally {
    world.process?.end()
    restoreRandom()
  }
  const { crashes, restarts, points } = world
  return { requests: world.model.requests.size, crashes, restarts, points }
}

function describe(world: World, taken?: number): string {
  const { steps, ...bridge } = world.schedule
  return [
    ...world.complaints.slice(0, 3),
    '',
    `The bridge: ${JSON.stringify(bridge)}`,
    'The steps:',
    ...steps.slice(0, taken).map((step: Step) => `  ${JSON.stringify(step)},`),
    '',
    'What happened, at last:',
    world.story(),
  ].join('\n')
}
