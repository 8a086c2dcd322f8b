/** What waits for its turn, messages above all, has had it. */
export const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Work in steps, each of a few milliseconds even where there is very much to do; the result comes with the last. */
export type Steps<T> = Generator<undefined, T>

/** All steps in one go. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** The rest of the process has its turn between two steps. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    await aTurn()
  }
}
