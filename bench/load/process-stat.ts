import { readFileSync } from 'node:fs'

/** USER_HZ: what the kernel shows times in, on every Linux. */
const TICKS_PER_SECOND = 100

/** CPU seconds of a process, user and system, all its threads: fields 14 and 15 of /proc/PID/stat (proc(5)). */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the name in parentheses and may hold spaces; the third is the first after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Megabytes (10^6 bytes) of the peak or the present resident set. */
export function megabytesOf(pid: number, what: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const line = new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(status)
  return Math.round((Number(line?.[1] ?? Number.NaN) * 1024) / 1e5) / 10
}
