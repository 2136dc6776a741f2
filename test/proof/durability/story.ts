import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { startBridge } from './bridge.ts'
import { Connection, type Ledger, newLedger } from './homeserver.ts'
import { type Moment, readRecord } from './record.ts'
import { tracerCommand, type TracerOptions } from './tracer.ts'

/** Where a story takes place. */
export interface Place {
  /** Watched. The SDK makes its own folders in it. */
  readonly root: string
  readonly log: string
  readonly record: string
}

export function newPlace(directory: string): Place {
  const root = join(directory, 'root')
  mkdirSync(root, { recursive: true })
  return {
    root,
    log: join(directory, 'purged.log'),
    record: join(directory, 'record.jsonl'),
  }
}

/** What the homeserver does while a bridge runs. */
export interface Act {
  readonly name: string
  /** Users sent over one connection, one after the other. */
  readonly alone?: number
  /** Then: connections, and users over each of them, side by side. */
  readonly connections?: number
  readonly usersEach?: number
  /** Purges do not end, and the bridge is killed when all is answered. */
  readonly hold?: boolean
  /** The bridge is killed there, if it comes there. */
  readonly kill?: TracerOptions['kill']
}

/** How bridges are run. */
export interface RunOptions {
  readonly python: string
  readonly compileCache: string
}

/** What became of a bridge. */
export interface Acted {
  readonly moments: readonly Moment[]
  readonly isKilled: boolean
}

/** Runs a bridge, traced, and sends it users, until it has finished or is killed. */
export async function runAct(
  place: Place,
  act: Act,
  { python, compileCache }: RunOptions,
  ledger: Ledger,
): Promise<Acted> {
  const { root, log, record } = place
  const { hold = false, kill } = act
  const under = tracerCommand(python, { root, log, record, ...(kill && { kill }) })
  const bridge = startBridge({ root, log, hold, compileCache, under })
  try {
    const port = await bridge.port
    if (port !== undefined) await sendAll(port, act, ledger)
    if (hold) bridge.kill('SIGTERM')
    else bridge.finish()
    const isKilled = (await bridge.ended) === 'killed'
    return { moments: readRecord(record), isKilled }
  } finally {
    bridge.kill()
  }
}

async function sendAll(port: number, act: Act, ledger: Ledger): Promise<void> {
  const { name, alone = 0, connections = 0, usersEach = 1 } = act
  await send(port, name, 'alone', alone, 1, ledger)
  await send(port, name, 'together', usersEach, connections, ledger)
}

async function send(
  port: number,
  act: string,
  part: string,
  usersEach: number,
  count: number,
  ledger: Ledger,
): Promise<void> {
  const connections = Array.from({ length: count }, () => new Connection(port, ledger))
  const all = connections.map(async (connection, index) => {
    for (let user = 0; user < usersEach; user += 1) {
      const isThere = await connection.erase(
        `@${act}-${part}-${index}-${user}:example.org`,
      )
      if (!isThere) return
    }
  })
  await Promise.all(all)
  for (const connection of connections) connection.close()
}

/** Bridges on the same files, one after the other, and all that they did. */
export interface Recording {
  readonly place: Place
  readonly rootInode: number
  readonly ledger: Ledger
  /** What each bridge did. */
  readonly acts: ReadonlyArray<readonly Moment[]>
  /** The same, as one. */
  readonly moments: readonly Moment[]
}

/** Has a homeserver and a bridge live through several acts, and records them as one. */
export async function record(
  directory: string,
  acts: readonly Act[],
  options: RunOptions,
): Promise<Recording> {
  const place = newPlace(directory)
  const ledger = newLedger()
  const recorded: Array<readonly Moment[]> = []
  for (const act of acts) {
    const { moments } = await runAct(place, act, options, ledger)
    recorded.push(moments)
  }
  const rootInode = statSync(place.root).ino
  return { place, rootInode, ledger, acts: recorded, moments: recorded.flat() }
}
