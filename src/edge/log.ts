/** What the rooms say to the log: a pino logger fits. Text from the wire is a field, never the message. */
export interface Log {
  isLevelEnabled(level: string): boolean
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
