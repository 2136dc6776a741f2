import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { ROOT } from '../program.ts'

const [ROLE = '', TRIGGER = ''] = [
  ...readFileSync(join(ROOT, 'docs/homeservers.md'), 'utf8').matchAll(
    /```sql\n(CREATE .*?)```/gs,
  ),
].map(([, sql]) => sql)

/** The SQL that docs/homeservers.md gives an operator of Synapse, as it stands there. */
export interface OperatorSql {
  /** Makes the role that a source connects as. */
  readonly create: string
  /** Gives it its rights. */
  readonly grant: string
  /** Makes the trigger that tells it of changes. */
  readonly trigger: string
}

/** That SQL, with another name and password for the role, since all databases of a server share it. */
export function operatorSql(role: string, password: string): OperatorSql {
  const [create = '', grant = ''] = ROLE.replaceAll('erasure_reader', role).split('\n')
  return { create: create.replace('change me', password), grant, trigger: TRIGGER }
}
