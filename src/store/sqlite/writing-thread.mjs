// @ts-check
// Not TypeScript: a thread begins with a file as it stands, in the tests too.
import { parentPort, workerData } from 'node:worker_threads'
import SqliteConnection from 'better-sqlite3'

/**
 * @typedef {object} ThreadData
 * @property {string} path
 * @property {number} lockWait milliseconds to wait for other writers
 * @property {readonly string[]} statements
 *
 * @typedef {readonly (string | number)[]} Parameters
 * @typedef {object} Step
 * @property {number} statement its place among the statements
 * @property {readonly Parameters[]} rows it is run for each of them
 *
 * @typedef {{ changes: number } | { code: string, message: string }} Answer `changes`: rows, of all steps together
 */

const port = parentPort
if (port === null) throw new Error('not started as a thread')

/** @param {ThreadData} data */
function open({ path, lockWait, statements }) {
  const connection = new SqliteConnection(path, { timeout: lockWait, fileMustExist: true })
  connection.pragma('synchronous = normal')
  // Kibibytes: rows come in no order, so that each batch touches pages all over the file.
  connection.pragma('cache_size = -16000')
  const prepared = statements.map((text) => connection.prepare(text))
  const run = connection.transaction((/** @type {readonly Step[]} */ steps) => {
    let changes = 0
    for (const { statement, rows } of steps) {
      for (const row of rows) changes += prepared[statement]?.run(...row).changes ?? 0
    }
    return changes
  })
  return { run: run.immediate, close: () => connection.close() }
}

/** @type {ReturnType<typeof open> | undefined} */
let opened

/**
 * @param {readonly Step[]} steps
 * @returns {Answer}
 */
function answer(steps) {
  try {
    opened ??= open(workerData)
    return { changes: opened.run(steps) }
  } catch (error) {
    const code = error instanceof SqliteConnection.SqliteError ? error.code : ''
    return { code, message: error instanceof Error ? error.message : String(error) }
  }
}

// One transaction each; null: the end.
port.on('message', (/** @type {readonly Step[] | null} */ steps) => {
  if (steps !== null) return port.postMessage(answer(steps))
  opened?.close()
  port.close()
})
