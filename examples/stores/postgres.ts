// Any number of processes on one PostgreSQL: npm install pg pg-boss
import { createErasure, type Erasure, readRegistration } from 'matrix-appservice-erasure'
import { postgresEngine } from 'matrix-appservice-erasure/postgres'

/**
 * Opens erasure. Every process of the bridge does the same, with the same registration, key file,
 * handlers and database.
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
