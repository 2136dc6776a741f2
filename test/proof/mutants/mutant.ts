/** A change of our own code that breaks a promise, and the tests of which one must notice. */
export interface Mutant {
  /** What is broken, in a few words. */
  readonly what: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly replace: string
  readonly by: string
  /** Test files, most likely to notice first. */
  readonly tests: readonly string[]
}
