// Any number of processes on one PostgreSQL: npm install pg pg-boss
import { createErasure, type Erasure, readRegistration } from 'matrix-appservice-erasure'
import { postgresEngine } from 'matrix-appservice-erasure/postgres'

/**
 * Opens erasure in every process of a bridge alike: the same registration, the same key file, the
 * same handlers, the same database.
 */
export async function openErasure(
  folder: string,
  connectionString: string,
): Promise<Erasure> {
  const engine = postgresEngine({ connectionString, logger: console })
  return createErasure({
    registration: await readRegistration(`${folder}/registration.yaml`),
    key: `${folder}/erasure.key`,
    ...engine, // the store, the scheduler, and the database's clock
    logger: console,
  })
}
