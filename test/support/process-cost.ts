import { readdir, readFile } from 'node:fs/promises'

/** What a process takes now, by /proc. */
export async function costOf(pid: number): Promise<{ readonly megabytes: number; readonly files: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return { megabytes: kilobytes / 1024, files: (await readdir(`/proc/${pid}/fd`)).length }
}

/** The most that a process takes while something goes on, looked at ten times a second. */
export async function mostDuring<T>(
  pid: number,
  act: () => Promise<T>,
): Promise<{ readonly result: T; readonly megabytes: number; readonly files: number }> {
  const before = await costOf(pid)
  let [megabytes, files] = [before.megabytes, before.files]
  const look = async (): Promise<void> => {
    const now = await costOf(pid)
    megabytes = Math.max(megabytes, now.megabytes)
    files = Math.max(files, now.files)
  }
  const looking = setInterval(() => void look().catch(() => {}), 100)
  try {
    const result = await act()
    await look()
    return { result, megabytes: megabytes - before.megabytes, files: files - before.files }
  } finally {
    clearInterval(looking)
  }
}
