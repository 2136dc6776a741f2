import { print, printTable } from './table.ts'

/** Something measured, and what it is to be. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: '' | '%' | 'x' | 'MiB' | 'ms' | 's' | 'us' | 'per second'
  readonly atMost?: number
  readonly atLeast?: number
}

/** Whether a figure is what it is to be; `undefined` where it has no goal. */
export function isMet({ value, atMost, atLeast }: Figure): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined
  return value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity)
}

/** Prints figures, each with its goal beside it. */
export function printFigures(title: string, figures: readonly Figure[]): void {
  const rows = figures.map(figure => {
    const { what, value, unit } = figure
    return [what, value, unit, printGoal(figure), printVerdict(figure)]
  })
  printTable(title, ['figure', 'measured', '', 'goal', ''], rows)
}

/** Bytes as mebibytes, which is how memory is read. */
export function toMebibytes(sizeBytes: number): number {
  return sizeBytes / 1024 / 1024
}

function printGoal({ unit, atMost, atLeast }: Figure): string {
  if (atMost !== undefined) return `<= ${print(atMost)} ${unit}`.trimEnd()
  if (atLeast !== undefined) return `>= ${print(atLeast)} ${unit}`.trimEnd()
  return ''
}

function printVerdict(figure: Figure): string {
  const met = isMet(figure)
  if (met === undefined) return ''
  return met ? 'met' : 'not met'
}
