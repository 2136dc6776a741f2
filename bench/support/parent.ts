/** Gives the process that started this one its answer, and ends when told to or when it is gone. */
export function answerParent(answer: object): void {
  process.once('disconnect', () => process.exit())
  process.send?.(answer)
}

/** The arguments a program was started with; one that is missing is a mistake of the caller. */
export function argument(index: number): string {
  const value = process.argv[index + 2]
  if (value === undefined) throw new TypeError(`Expected an argument ${index + 1}`)
  return value
}
