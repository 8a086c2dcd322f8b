import { textOfAddress } from '../../federation/address.ts'
import type { ContactMatch } from '../../federation/model.ts'
import { textOfMatch } from '../../federation/owners.ts'
import { ok } from '../../kernel/result.ts'
import { contactMatch, userAddress } from '../names.ts'
import { type Answer, refuse } from '../problem.ts'
import type { SpecOf } from '../requests.ts'
import type { Mutation } from '../store.ts'
import { nothing, type Plan, type Scene } from './plan.ts'

type Spec = SpecOf<'add-contacts'> | SpecOf<'remove-contacts'>

export async function planContacts(scene: Scene, spec: Spec): Promise<Answer<Plan>> {
  const user = userAddress(spec.user)
  if (!user.ok) return user
  const matches = contactMatches(spec.who)
  if (!matches.ok) return matches
  const name = textOfAddress(user.value)
  const own = scene.view.file.contacts.find((list) => textOfAddress(list.user) === name)?.[spec.side] ?? []
  const inFile = new Set(own.map(({ match }) => textOfMatch(match)))
  const stored = (await scene.store?.contacts(user.value))?.[spec.side] ?? []
  const there = new Map(stored.map((entry) => [textOfMatch(entry.match), entry]))
  const list = `the ${spec.side === 'allow' ? 'Allow' : 'Block'} list of ${name}`
  const mutations: Mutation[] = []
  const idle: string[] = []
  for (const match of matches.value) {
    const who = textOfMatch(match)
    if (spec.do === 'add-contacts') {
      const before = there.get(who)
      // What was learned expires; what an administrator puts there stays.
      if (inFile.has(who) || (before !== undefined && before.by !== 'learned')) {
        idle.push(who)
        continue
      }
      const entry = { match, by: 'admin', expires: undefined } as const
      mutations.push({ do: 'put-contact', user: user.value, list: spec.side, entry })
    } else if (there.has(who)) {
      mutations.push({ do: 'remove-contact', user: user.value, list: spec.side, match })
    } else if (inFile.has(who)) {
      return refuse(
        'file-owned',
        `${who} on ${list} belongs to ${scene.view.fileName}`,
        'change it there and reload the gateway (SIGHUP)',
      )
    } else idle.push(who)
  }
  const whom = idle.join(', ')
  const said = spec.do === 'add-contacts' ? `${whom}: on ${list} already` : `${whom}: not on ${list}`
  return ok({ mutations, nothing: idle.length === 0 ? undefined : said })
}

export async function planClearContacts(scene: Scene, spec: SpecOf<'clear-contacts'>): Promise<Answer<Plan>> {
  const user = userAddress(spec.user)
  if (!user.ok) return user
  const list = await scene.store?.contacts(user.value)
  const entries = [...(list?.allow ?? []), ...(list?.block ?? [])]
  const some = entries.some((entry) => !spec.learned || entry.by === 'learned')
  return some
    ? ok({
        mutations: [
          { do: 'clear-contacts', user: user.value, ...(spec.learned && { only: 'learned' as const }) },
        ],
      })
    : nothing(
        `${textOfAddress(user.value)} has no ${spec.learned ? 'learned ' : ''}contact entries in the store`,
      )
}

function contactMatches(texts: readonly string[]): Answer<readonly ContactMatch[]> {
  const matches: ContactMatch[] = []
  for (const text of texts) {
    const match = contactMatch(text)
    if (!match.ok) return match
    matches.push(match.value)
  }
  return ok(matches)
}
