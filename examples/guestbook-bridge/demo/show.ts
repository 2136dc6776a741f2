import { type Found, lookFor, placesIn } from './look.ts'
import { type Person, wilhelmina } from './people.ts'
import { say, type Stage, tell } from './stage.ts'

/** Says in which files she is. */
export function look({ dataDir }: Stage): Found {
  const found = lookFor(wilhelmina, dataDir)
  for (const [file, places] of found)
    say(`       ${String(places).padStart(4)} in ${file}`)
  tell(`She is in ${placesIn(found)} places, in ${found.size} files.`)
  return found
}

/** The ids of a person's entries, as the page shows them. */
export async function idsOf(
  stage: Stage,
  { name }: Person,
): Promise<ReadonlySet<number>> {
  const entries = await stage.entries()
  return new Set(entries.filter(entry => entry.name === name).map(({ id }) => id))
}
