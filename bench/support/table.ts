/** A cell of a table: text is aligned to the left, a number to the right. */
export type Cell = string | number

/** Prints rows under a title and a header, each column as wide as its widest cell. */
export function printTable(
  title: string,
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
): void {
  const isNumber = header.map((_, column) =>
    rows.some(row => typeof row[column] === 'number'),
  )
  const named = header.some(name => name !== '') ? [header] : []
  const lines = [...named, ...rows].map(row => row.map(print))
  const widths = header.map((_, column) =>
    Math.max(...lines.map(line => line[column]?.length ?? 0)),
  )
  const aligned = lines.map(line =>
    line.map((text, column) => {
      const width = widths[column] ?? 0
      return isNumber[column] ? text.padStart(width) : text.padEnd(width)
    }),
  )
  const body = aligned.map(line => line.join('   ').trimEnd())
  console.log(['', title, '', ...body].join('\n'))
}

/** Three digits that count, and commas between thousands. */
export function print(cell: Cell): string {
  if (typeof cell === 'string') return cell
  const size = Math.abs(cell)
  const digits = Number.isInteger(cell) || size >= 100 ? 0 : size >= 10 ? 1 : 2
  return cell.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}
