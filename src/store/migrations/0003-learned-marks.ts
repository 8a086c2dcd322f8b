import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Which users' learned entries were written last, for the other processes that remember them. */
export const learnedMarks: Migration = {
  name: 'marks of learned entries',
  async up(db, { text, integer, table, keyed }) {
    await db.schema
      .createTable('learned_revision')
      .addColumn('id', integer, (c) => c.primaryKey())
      .addColumn('mark', integer, (c) => c.notNull())
      .modifyEnd(table)
      .execute()
    await sql`insert into learned_revision (id, mark) values (1, 0)`.execute(db)
    await db.schema
      .createTable('learned_marks')
      .addColumn('owner', text, (c) => c.primaryKey())
      .addColumn('mark', integer, (c) => c.notNull())
      .modifyEnd(keyed)
      .execute()
    await db.schema.createIndex('learned_marks_by_mark').on('learned_marks').column('mark').execute()
  },
}
