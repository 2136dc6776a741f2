import { atLeastOnce } from './at-least-once.ts'
import { bystanders } from './bystanders.ts'
import { durability } from './durability.ts'
import { hostileInput } from './hostile-input.ts'
import { leaveNothing } from './leave-nothing.ts'
import { noUserInOutput } from './no-user-in-output.ts'
import { noZombies } from './no-zombies.ts'
import { nothingStalls } from './nothing-stalls.ts'
import { severalProcesses } from './several-processes.ts'
import { statementAboutData } from './statement-about-data.ts'
import type { Mutant } from './mutant.ts'

/** The mutants of each promise, by the promise's number, or by the title, in docs/promises.md. */
export const MUTANTS: Readonly<Record<string, readonly Mutant[]>> = {
  1: durability,
  2: nothingStalls,
  3: statementAboutData,
  4: leaveNothing,
  5: noUserInOutput,
  6: noZombies,
  7: bystanders,
  8: atLeastOnce,
  'hostile input': hostileInput,
  'several processes': severalProcesses,
}
