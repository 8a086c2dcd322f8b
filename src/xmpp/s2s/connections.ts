/** Connections of both directions together. */
export interface Connections {
  /** False: there are as many as there may be. */
  take(): boolean
  release(): void
}

export function connectionsUpTo(limit: number): Connections {
  let open = 0
  return {
    take: () => {
      if (open >= limit) return false
      open++
      return true
    },
    release: () => {
      open--
    },
  }
}
