import { isIP } from 'node:net'
import { textOfAddress } from '../federation/address.ts'
import type { Warning } from '../federation/conflicts.ts'
import { indexContacts } from '../federation/contact-index.ts'
import { questionOf, type SubjectQuestion, type UserRecord } from '../federation/load-subject.ts'
import { textOfMatch } from '../federation/owners.ts'
import { DEFAULT_SETTINGS, SETTING_KEYS } from '../federation/settings.ts'
import type { Snapshot } from '../federation/snapshot.ts'
import type { SourceRows } from '../federation/sources.ts'
import type { Clock } from '../kernel/clock.ts'
import { err, ok } from '../kernel/result.ts'
import type { Admin, Answers, ContactLine, LinkStanding, Outcome, SettingLine } from './admin.ts'
import { checkResult, conflictProblem, snapshotOf } from './check.ts'
import { type Counted, explain, requestFrom } from './explain.ts'
import { exportSection } from './export.ts'
import type { RowForms } from './forms.ts'
import { listRows } from './list.ts'
import { domainName, rowName, userAddress } from './names.ts'
import type { ObjectName } from './objects.ts'
import { planApply } from './plan/apply.ts'
import { findOne } from './plan/find.ts'
import type { Plan, Scene } from './plan/plan.ts'
import { planChange } from './plan/plan-change.ts'
import { type AdminProblem, type Answer, problem, refuse } from './problem.ts'
import { type CheckedRequest, type Operation, REQUESTS } from './requests.ts'
import { type AdminStore, type Change, type ChangeRefusal, type Json, StoreFault } from './store.ts'
import { entryOf, type Found, storeRows, suspensionOf, viewOf } from './view.ts'

export interface AdminDeps {
  /** Undefined: the configuration names none; then everything can be read and nothing changed. */
  readonly store: AdminStore | undefined
  /** The rows of the configuration file as they are in force. */
  readonly fileRows: () => SourceRows
  /** The configuration file, as an absolute path. */
  readonly file: string
  readonly forms: RowForms
  readonly clock: Pick<Clock, 'wall'>
  readonly version: string
  /** The snapshot that is in force, where a gateway runs; otherwise one is made of file and store. */
  readonly snapshot?: () => Snapshot
  /** What the store knows of a served user, by the way that requests go; absent: no gateway runs here. */
  readonly record?: (question: SubjectQuestion) => UserRecord | Promise<UserRecord>
  /** Where the running gateway counts what its peers send; absent: none runs here. */
  readonly peers?: Counted
  /** What the running gateway has counted of an object. */
  readonly figures?: (object: ObjectName, name: string, peer?: string) => Json | undefined
  /** How the running gateway has a link. */
  readonly standing?: (link: string) => LinkStanding | undefined
  /** Waited for after each change, so that whoever asked for it finds it in force. */
  readonly changed?: () => Promise<void>
}

/** Administration over the rows of the file and a store. What is asked is checked; a fault of the store is an answer. */
export function createAdmin(deps: AdminDeps): Admin {
  const service = new Service(deps)
  const operation =
    <O extends Operation>(name: O, answer: (request: CheckedRequest<O>) => Promise<Answer<Answers[O]>>) =>
    async (request: unknown): Promise<Answer<Answers[O]>> => {
      const parsed = REQUESTS[name].safeParse(request)
      if (!parsed.success) return err(wrongRequest(parsed.error.issues))
      try {
        return await answer(parsed.data as CheckedRequest<O>)
      } catch (error) {
        if (!(error instanceof StoreFault)) throw error
        return refuse('store-failed', error.problem.message, error.problem.cure)
      }
    }
  return {
    status: operation('status', () => service.status()),
    list: operation('list', (request) => service.list(request)),
    show: operation('show', (request) => service.show(request)),
    contacts: operation('contacts', (request) => service.contacts(request)),
    settings: operation('settings', () => service.settings()),
    change: operation('change', (request) => service.change(request)),
    apply: operation('apply', (request) => service.apply(request)),
    export: operation('export', () => service.export()),
    explain: operation('explain', (request) => service.explain(request)),
    audit: operation('audit', (request) => service.audit(request)),
  }
}

const wrongRequest = (
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): AdminProblem => {
  const faults = issues.map(({ path, message }) => ({
    path: path.map(String).join('.'),
    message,
    cure: 'see the documentation of the API',
  }))
  const [first] = faults
  const where = first?.path === '' || first === undefined ? '' : `${first.path}: `
  return {
    ...problem('bad-request', `the request is wrong: ${where}${first?.message ?? ''}`, first?.cure ?? ''),
    faults,
  }
}

class Service {
  readonly #deps: AdminDeps

  constructor(deps: AdminDeps) {
    this.#deps = deps
  }

  async scene(): Promise<Scene> {
    const { store, fileRows, file, forms } = this.#deps
    const state = await store?.read()
    return { store, forms, view: viewOf(fileRows(), file, state) }
  }

  async status(): Promise<Answer<Answers['status']>> {
    const { view } = await this.scene()
    const { version, file, store } = this.#deps
    const snapshot = await snapshotOf(view.file, storeRows(view))
    return ok({
      version,
      file,
      store: store?.description,
      revision: view.state?.revision.all,
      suspended: suspensionOf(view, 'federation', 'federation'),
      broken: snapshot.ok ? undefined : snapshot.error.map(({ message, cure }) => `${message} (${cure})`),
    })
  }

  async list(request: CheckedRequest<'list'>): Promise<Answer<Answers['list']>> {
    const listed = await listRows(await this.scene(), request)
    const { standing } = this.#deps
    if (!listed.ok || request.object !== 'link' || standing === undefined) return listed
    const { rows, next } = listed.value
    return ok({ rows: rows.map((row) => ({ ...row, standing: standing(row.name) })), next })
  }

  async show(request: CheckedRequest<'show'>): Promise<Answer<Answers['show']>> {
    const scene = await this.scene()
    const name = rowName(request.object, request.name)
    if (!name.ok) return name
    const found = await findOne(scene, { ...request, name: name.value })
    if (!found.ok) return found
    const peer = peerOf(found.value, request.peer)
    if (!peer.ok) return peer
    const entry = entryOf(scene.view, scene.forms, found.value)
    return ok({ ...entry, figures: this.#deps.figures?.(request.object, found.value.name, peer.value) })
  }

  async contacts({ user }: CheckedRequest<'contacts'>): Promise<Answer<Answers['contacts']>> {
    const { view, store } = await this.scene()
    const address = userAddress(user)
    if (!address.ok) return address
    const name = textOfAddress(address.value)
    const inFile = view.file.contacts.find((list) => textOfAddress(list.user) === name)
    const stored = await store?.contacts(address.value)
    const lines = (['block', 'allow'] as const).flatMap((side): ContactLine[] => {
      const own = new Set(inFile?.[side].map(({ match }) => textOfMatch(match)))
      const line = (owner: 'file' | 'store') => (entry: (typeof stored & object)['allow'][number]) => ({
        side,
        who: textOfMatch(entry.match),
        by: entry.by,
        expires: entry.expires,
        owner,
      })
      return [
        ...(inFile?.[side] ?? []).map(line('file')),
        ...(stored?.[side] ?? []).filter(({ match }) => !own.has(textOfMatch(match))).map(line('store')),
      ]
    })
    return ok({ user: name, lines })
  }

  async settings(): Promise<Answer<Answers['settings']>> {
    const { view } = await this.scene()
    const store = storeRows(view).settings
    const settings = SETTING_KEYS.map((key): SettingLine => {
      const value = view.file.settings[key] ?? store[key] ?? DEFAULT_SETTINGS[key]
      const owner =
        view.file.settings[key] !== undefined ? 'file' : store[key] !== undefined ? 'store' : 'default'
      return { key, value: this.#written(key, value), owner }
    })
    return ok({ settings, suspended: suspensionOf(view, 'federation', 'federation') })
  }

  /** A duration reads as in the file. */
  #written(key: (typeof SETTING_KEYS)[number], value: Json): Json {
    const form = this.#deps.forms.writeSettings({ [key]: value })
    return key
      .split('.')
      .reduce<Json>((at, part) => (at as { [key: string]: Json })[part] ?? null, form as Json)
  }

  async change(request: CheckedRequest<'change'>): Promise<Answer<Outcome>> {
    const scene = await this.scene()
    const planned = await planChange(scene, request.change)
    if (!planned.ok) return planned
    return await this.#carryOut(scene, planned.value, request)
  }

  async apply(request: CheckedRequest<'apply'>): Promise<Answer<Outcome>> {
    const scene = await this.scene()
    const planned = await planApply(scene, request.section, request.prune)
    if (!planned.ok) return planned
    return await this.#carryOut(scene, planned.value, { ...request, idempotent: true })
  }

  async #carryOut(
    scene: Scene,
    { mutations, nothing: note }: Plan,
    asked: { readonly as: string; readonly dryRun: boolean; readonly idempotent: boolean },
  ): Promise<Answer<Outcome>> {
    const { store, file, changed } = this.#deps
    if (store === undefined) return err(noStore(file))
    const { dryRun, idempotent } = asked
    const done = (changes: readonly Change[], warnings: readonly Warning[]): Answer<Outcome> => {
      if (changes.length > 0) return ok({ changes, warnings, dryRun, note })
      const text = note ?? 'everything is so already'
      return idempotent
        ? ok({ changes, warnings: [], dryRun, note: text })
        : refuse('nothing-to-do', text, 'nothing was changed; with --idempotent this is no mistake')
    }
    if (mutations.length === 0) return done([], [])
    let warnings: readonly Warning[] = []
    const before = storeRows(scene.view)
    const result = await store.change<AdminProblem>({ name: asked.as, claimed: true }, mutations, {
      dryRun,
      check: async (after) => {
        const checked = await checkResult({ file: scene.view.file, fileName: file, before, mutations }, after)
        if (checked.ok) warnings = checked.value
        return checked
      },
    })
    if (!result.ok) return err(refusal(result.error))
    if (!dryRun && result.value.changes.length > 0) await changed?.()
    return done(result.value.changes, warnings)
  }

  async export(): Promise<Answer<Answers['export']>> {
    if (this.#deps.store === undefined) return err(noStore(this.#deps.file))
    return ok({ section: await exportSection(await this.scene()) })
  }

  async explain(request: CheckedRequest<'explain'>): Promise<Answer<Answers['explain']>> {
    const facts = requestFrom(request)
    if (!facts.ok) return facts
    const { store, clock, peers, snapshot: live } = this.#deps
    const record = this.#deps.record ?? (store === undefined ? undefined : recordsOf(store))
    const snapshot = live === undefined ? await this.#snapshot() : ok(live())
    if (!snapshot.ok) return err(snapshot.error)
    const question = questionOf(snapshot.value, facts.value)
    const stored = question === undefined ? undefined : await record?.(question)
    return ok(explain(snapshot.value, facts.value, { now: clock.wall(), stored, peers }))
  }

  async #snapshot(): Promise<Answer<Snapshot>> {
    const { view } = await this.scene()
    const made = await snapshotOf(view.file, storeRows(view))
    return made.ok ? made : err(conflictProblem(made.error))
  }

  async audit(request: CheckedRequest<'audit'>): Promise<Answer<Answers['audit']>> {
    const { store, file } = this.#deps
    return store === undefined ? err(noStore(file)) : ok(await store.audit(request))
  }
}

/** Whom a request asks for: as streams name their peers. */
function peerOf({ row, name }: Found, peer: string | undefined): Answer<string | undefined> {
  if (peer === undefined) return ok(undefined)
  if ('kind' in row && row.kind === 's2s') return isIP(peer) === 0 ? domainName(peer) : ok(peer)
  return refuse(
    'bad-request',
    `"${name}" has no streams of several peers`,
    'leave the peer out, or name a link of kind s2s',
  )
}

const recordsOf =
  (store: AdminStore) =>
  async ({ own }: SubjectQuestion): Promise<UserRecord> => {
    const [user, contacts] = await Promise.all([store.user(own), store.contacts(own)])
    return { user, contacts: indexContacts(contacts) }
  }

const noStore = (file: string): AdminProblem =>
  problem(
    'no-store',
    `${file} names no store, so there is nowhere to keep changes`,
    'add to the file: store: { sqlite: /var/lib/dragoman/federation.db }, and restart the gateway',
  )

function refusal(refused: ChangeRefusal<AdminProblem>): AdminProblem {
  switch (refused.code) {
    case 'refused':
      return refused.error
    case 'stale':
      return problem(
        'stale',
        `somebody else changed ${refused.list} "${refused.name}" at the same time`,
        'look at it again, then repeat the command',
      )
    case 'absent':
      return problem(
        'not-found',
        `there is no ${refused.kind} "${refused.name}" any more`,
        'somebody else was quicker; look at what there is now',
      )
    default:
      return refused satisfies never
  }
}
