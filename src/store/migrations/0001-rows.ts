import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** The rows of the federation, settings, suspensions, the audit log and the revision. */
export const rows: Migration = {
  name: 'rows, settings, suspensions, audit',
  async up(db, { text, integer, serial, table, keyed }) {
    await db.schema
      .createTable('revision')
      .addColumn('id', integer, (c) => c.primaryKey())
      .addColumn('every', integer, (c) => c.notNull())
      .addColumn('rows', integer, (c) => c.notNull())
      .modifyEnd(table)
      .execute()
    await sql`insert into revision (id, every, rows) values (1, 1, 1)`.execute(db)
    await db.schema
      .createTable('rows')
      .addColumn('list', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('body', text, (c) => c.notNull())
      .addColumn('revision', integer, (c) => c.notNull())
      .addPrimaryKeyConstraint('rows_key', ['list', 'name'])
      .modifyEnd(keyed)
      .execute()
    await db.schema
      .createTable('settings')
      .addColumn('key', text, (c) => c.primaryKey())
      .addColumn('value', text, (c) => c.notNull())
      .modifyEnd(keyed)
      .execute()
    await db.schema
      .createTable('suspensions')
      .addColumn('list', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('by', text, (c) => c.notNull())
      .addColumn('since', integer, (c) => c.notNull())
      .addColumn('reason', text, (c) => c.notNull())
      .addPrimaryKeyConstraint('suspensions_key', ['list', 'name'])
      .modifyEnd(keyed)
      .execute()
    await db.schema
      .createTable('removed_shipped')
      .addColumn('name', text, (c) => c.primaryKey())
      .modifyEnd(keyed)
      .execute()
    await db.schema
      .createTable('audit')
      .addColumn('id', serial)
      .addColumn('at', integer, (c) => c.notNull())
      .addColumn('revision', integer, (c) => c.notNull())
      .addColumn('actor', text, (c) => c.notNull())
      .addColumn('claimed', integer, (c) => c.notNull())
      .addColumn('action', text, (c) => c.notNull())
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('name', text, (c) => c.notNull())
      .addColumn('before', text)
      .addColumn('after', text)
      .modifyEnd(table)
      .execute()
    await db.schema.createIndex('audit_of_object').on('audit').columns(['kind', 'name', 'id']).execute()
    await db.schema.createIndex('audit_of_actor').on('audit').columns(['actor', 'id']).execute()
  },
}
