/** How many processes share a database. */
export const PROCESSES: readonly number[] = [1, 2, 4]

/** So many processes, in words. */
export function countProcesses(count: number): string {
  return count === 1 ? '1 process' : `${count} processes`
}
