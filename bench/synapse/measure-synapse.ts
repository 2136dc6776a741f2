import { installSynapse, NoPython } from '../../test/e2e/homeserver/python.ts'
import { openServer, type Server } from '../postgres/support/server.ts'
import { type Figure, printFigures } from '../support/figure.ts'
import { tell } from '../support/progress.ts'
import { openHomeserver } from './homeserver.ts'
import { measureLatency } from './latency.ts'
import { measureStalls } from './stalls.ts'

const ACCOUNTS = 200_000

/** Finding out about erasures, on a real Synapse. */
export async function measureSynapse(folder: string): Promise<Figure[]> {
  let install
  try {
    tell('synapse: installing the newest Synapse from PyPI')
    install = await installSynapse()
  } catch (error) {
    if (!(error instanceof NoPython)) throw error
    tell(`synapse: left out. ${error.message}`)
    return []
  }
  const { python, version } = install
  const figures: Figure[] = []
  const server = await openServer(folder)
  try {
    for (const where of [undefined, server]) {
      const found = await measureOn(python, folder, where)
      const engine = where === undefined ? 'SQLite' : 'PostgreSQL'
      printFigures(`Sources, on Synapse ${version} with ${engine}`, found)
      figures.push(...found)
    }
  } finally {
    await server.close()
  }
  return figures
}

async function measureOn(
  python: string,
  folder: string,
  server: Server | undefined,
): Promise<Figure[]> {
  const homeserver = await openHomeserver(python, folder, server)
  try {
    const latency = await measureLatency(folder, homeserver)
    tell(`synapse: planting ${ACCOUNTS} accounts on ${homeserver.engine}`)
    await homeserver.plant(ACCOUNTS)
    return [...latency, ...(await measureStalls(folder, homeserver))]
  } finally {
    await homeserver.close()
  }
}
