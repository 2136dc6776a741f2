import { env } from 'node:process'

/** The value of an environment variable. Only where a file of the operator's names the variable. */
export function readVariable(name: string): string | undefined {
  return env[name]
}
