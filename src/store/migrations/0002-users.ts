import { sql } from 'kysely'
import type { Migration } from './migration.ts'

/** Users and their contact lists. */
export const users: Migration = {
  name: 'users, contact lists',
  async up(db, { text, integer, keyed }) {
    await db.schema
      .createTable('users')
      .addColumn('address', text, (c) => c.primaryKey())
      .addColumn('domain', text, (c) => c.notNull())
      .addColumn('enabled', integer, (c) => c.notNull())
      .addColumn('home', text)
      .addColumn('site', text)
      .addColumn('policy', text)
      .addColumn('contacts_only', integer, (c) => c.notNull())
      .addColumn('hide_notes', integer, (c) => c.notNull())
      .addColumn('revision', integer, (c) => c.notNull())
      .modifyEnd(keyed)
      .execute()
    for (const column of ['domain', 'home', 'site', 'policy']) {
      await db.schema.createIndex(`users_by_${column}`).on('users').columns([column, 'address']).execute()
    }
    await db.schema
      .createTable('contacts')
      .addColumn('owner', text, (c) => c.notNull())
      .addColumn('target', text, (c) => c.notNull())
      .addColumn('list', text, (c) => c.notNull())
      .addColumn('origin', text, (c) => c.notNull())
      .addColumn('expires', integer)
      .addPrimaryKeyConstraint('contacts_key', ['owner', 'target', 'list'])
      .modifyEnd(keyed)
      .execute()
    await db.schema
      .createIndex('contacts_by_expiry')
      .on('contacts')
      .column('expires')
      .where('expires', 'is not', null)
      .execute()
    await db.schema
      .createIndex('contacts_of_providers')
      .on('contacts')
      .column('target')
      .where(sql<boolean>`target like 'provider:%'`)
      .execute()
  },
}
