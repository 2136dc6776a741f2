// Imported before anything else: from then on this process has a wrong clock, as a host has one.
// Timers and `process.hrtime` go on as they are, since they measure and do not tell the time.
const shiftMs = Number(process.env['CHAOS_CLOCK_SHIFT_MS'] ?? 0)
const RightDate = Date

class ShiftedDate extends RightDate {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [ShiftedDate.now()] : given) as [number]))
  }

  static override now(): number {
    return RightDate.now() + shiftMs
  }
}

globalThis.Date = ShiftedDate as DateConstructor
