/** Tells whoever waits what is going on; on standard error, so that the figures stay alone. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
