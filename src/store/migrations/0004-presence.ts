import type { Migration } from './migration.ts'

/** Who watches whom, and the SIP dialogs of it. */
export const presence: Migration = {
  name: 'presence',
  async up(db, { text, integer, table, keyed }) {
    await db.schema
      .createTable('presence_authorizations')
      .addColumn('direction', text, (c) => c.notNull())
      .addColumn('xmpp', text, (c) => c.notNull())
      .addColumn('sip', text, (c) => c.notNull())
      .addColumn('state', text, (c) => c.notNull())
      .addColumn('since', integer, (c) => c.notNull())
      .addPrimaryKeyConstraint('presence_authorizations_key', ['direction', 'xmpp', 'sip'])
      .modifyEnd(keyed)
      .execute()
    await db.schema
      .createTable('presence_dialogs')
      .addColumn('id', text, (c) => c.notNull().primaryKey())
      .addColumn('direction', text, (c) => c.notNull())
      .addColumn('xmpp', text, (c) => c.notNull())
      .addColumn('sip', text, (c) => c.notNull())
      .addColumn('until', integer, (c) => c.notNull())
      .addColumn('body', text, (c) => c.notNull())
      .modifyEnd(table)
      .execute()
    await db.schema
      .createIndex('presence_dialogs_of_pair')
      .on('presence_dialogs')
      .columns(['direction', 'xmpp', 'sip'])
      .execute()
    await db.schema.createIndex('presence_dialogs_by_end').on('presence_dialogs').column('until').execute()
  },
}
