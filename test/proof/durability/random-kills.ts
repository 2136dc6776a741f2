import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { type Random, seededRandom } from '../../support/seeded-random.ts'
import { type Bridge, startBridge } from './bridge.ts'
import { Connection, type Ledger, newLedger } from './homeserver.ts'
import { inspect } from './inspect.ts'
import { newPlace, type Place } from './story.ts'

/** Kills on the same files before they are run to the end and looked at. */
const KILLS_PER_LIFE = 20
/** Lives side by side: one waits while another starts. */
const LANES = 4
const CONNECTIONS = 4
/** Before a bridge is killed: so many 200s, and so long after the last of them. */
const MOST_ANSWERS = 16
const LATER_MS = 15

/** What a kill test did. */
export interface KillFigures {
  kills: number
  /** Of them, before the bridge listened: while it recovered. */
  early: number
  /** Starts on files that a kill had left. */
  restarts: number
  acknowledged: number
  complaints: string[]
}

export function noKills(): KillFigures {
  return { kills: 0, early: 0, restarts: 0, acknowledged: 0, complaints: [] }
}

/** Kills bridges at random moments, on several folders side by side. */
export async function killAtRandom(
  directory: string,
  compileCache: string,
  kills: number,
  seed: number,
): Promise<KillFigures> {
  const figures = noKills()
  const lives = Math.ceil(kills / KILLS_PER_LIFE)
  let begun = 0
  const lane = async () => {
    while (begun < lives) {
      const life = begun++
      const share = Math.min(KILLS_PER_LIFE, kills - life * KILLS_PER_LIFE)
      const place = newPlace(join(directory, `life-${life}`))
      await liveThrough(
        place,
        compileCache,
        life,
        share,
        seededRandom(seed + life),
        figures,
      )
      rmSync(join(place.root, '..'), { recursive: true })
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return figures
}

async function liveThrough(
  place: Place,
  compileCache: string,
  life: number,
  kills: number,
  random: Random,
  figures: KillFigures,
): Promise<void> {
  const ledger = newLedger()
  for (let kill = 0; kill < kills; kill += 1) {
    const bridge = startBridge({ ...place, compileCache })
    const isEarly = await killSomeTime(bridge, `${life}-${kill}`, random, ledger)
    figures.kills += 1
    figures.early += Number(isEarly)
  }
  // Every start but the first was on files that a kill had left, and so is the last.
  figures.restarts += kills
  figures.acknowledged += ledger.acknowledged.size
  const wrong = await inspect(place.root, place.log, ledger)
  figures.complaints.push(...wrong.map(what => `life ${life}: ${what}`))
}

/** How long a start takes, as far as is known. */
let startMs = 300

/**
 * Kills while the bridge starts, or somewhat after so many 200s.
 *
 * @returns whether it died before it listened
 */
async function killSomeTime(
  bridge: Bridge,
  name: string,
  random: Random,
  ledger: Ledger,
): Promise<boolean> {
  const begunAt = Date.now()
  const isEarly = random() < 0.3
  const delayMs = random() * (isEarly ? startMs : LATER_MS)
  const kill = () => setTimeout(() => bridge.kill(), delayMs)
  if (isEarly) kill()
  try {
    const port = await bridge.port
    if (port !== undefined) {
      startMs += (Date.now() - begunAt - startMs) / 10
      const enough = ledger.acknowledged.size + Math.floor(random() * MOST_ANSWERS)
      const onAnswer = () => {
        if (!isEarly && ledger.acknowledged.size >= enough) kill()
      }
      await sendUntilGone(port, name, random, ledger, onAnswer)
    }
    await bridge.ended
    return port === undefined
  } finally {
    bridge.kill()
  }
}

/** To some as fast as can be, to others with pauses, so that purges get their turn. */
async function sendUntilGone(
  port: number,
  name: string,
  random: Random,
  ledger: Ledger,
  onAnswer: () => void,
): Promise<void> {
  const pauseMs = random() < 0.3 ? 0 : 8
  const connections = Array.from({ length: CONNECTIONS }, async (_, index) => {
    const connection = new Connection(port, ledger)
    let user = 0
    while (await connection.erase(`@${name}-${index}-${user++}:example.org`)) {
      onAnswer()
      await new Promise(resolve => setTimeout(resolve, random() * pauseMs))
    }
  })
  await Promise.all(connections)
}
