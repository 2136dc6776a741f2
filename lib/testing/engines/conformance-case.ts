/** One thing an engine must do, for any test runner. */
export interface ConformanceCase {
  /** What must hold. */
  readonly title: string
  /** Tries it; rejects if it does not hold. */
  readonly run: () => Promise<void>
}
