import { type Faults, sleep } from './faults.ts'
import type { Host } from './host.ts'
import { LEASE_MS, type Story } from './story.ts'

/** Between two faults. */
const PAUSE_MS = 2000
/** The longest fault, well beyond a lease. */
const LONGEST_MS = 1.5 * LEASE_MS

/** Disturbs the hosts so many times, several at a time, and waits until all that is over. */
export async function disturbAtRandom(
  { hosts }: Story,
  faults: Faults,
  count: number,
  random: () => number,
): Promise<void> {
  const idle = new Set(hosts)
  const running: Array<Promise<void>> = []
  for (let fault = 0; fault < count; fault += 1) {
    await sleep(2 * PAUSE_MS * random())
    const host = [...idle][Math.floor(random() * idle.size)]
    if (random() < 0.1) running.push(faults.restartDatabase())
    else if (host !== undefined) {
      idle.delete(host)
      const disturbing = disturb(host, faults, random)
      running.push(disturbing.then(() => void idle.add(host)))
    }
  }
  await Promise.all(running)
}

/** How long that takes, about. */
disturbAtRandom.spreadMs = (count: number): number => count * PAUSE_MS

async function disturb(host: Host, faults: Faults, random: () => number): Promise<void> {
  const kind = random()
  const ms = LONGEST_MS * random()
  if (kind < 0.3) await faults.kill(host, ms)
  else if (kind < 0.55) await faults.stop(host, ms)
  else if (kind < 0.85) await faults.blackHole(host, ms, random() < 0.5)
  else faults.cut(host)
}
