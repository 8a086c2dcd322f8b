import pino, { type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'

export interface LogSettings {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'auto' | 'readable' | 'json'
}

/** The process's log on standard output: readable on a terminal, JSON otherwise, unless told. */
export function createLog(settings: LogSettings, terminal: boolean): Logger {
  const readable = settings.format === 'readable' || (settings.format === 'auto' && terminal)
  const destination: DestinationStream = readable
    ? pretty({ colorize: terminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true })
    : pino.destination({ dest: 1, sync: false })
  return pino({ level: settings.level, base: { pid: process.pid } }, destination)
}

/** Nothing that was logged is lost at the end. */
export const flushLog = (log: Logger): Promise<void> =>
  new Promise((resolve) => {
    log.flush(() => resolve())
  })
