import { rows } from './0001-rows.ts'
import { users } from './0002-users.ts'
import { learnedMarks } from './0003-learned-marks.ts'
import { presence } from './0004-presence.ts'
import type { Migration } from './migration.ts'

/** In order: the first leads from nothing to version 1. New ones go to the end. */
export const MIGRATIONS: readonly Migration[] = Object.freeze([rows, users, learnedMarks, presence])
