import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's directory: the nearest one above with a package.json (the demo runs these files compiled elsewhere). */
export const ROOT = nearestAbove(dirname(fileURLToPath(import.meta.url)))

function nearestAbove(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error('no package.json above the test bed')
  return nearestAbove(parent)
}
