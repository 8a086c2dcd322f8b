import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BALCONY, OutRig, PAIR, pidf, type Subscribed } from './out-rig.ts'

const DOCUMENTS = ['', pidf({ orchard: 'open' }), pidf({ orchard: 'open', crypt: 'open' }), pidf({})]

type Act =
  | { readonly kind: 'user'; readonly what: 'subscribe' | 'unsubscribe' | 'probe' | 'comes' | 'goes' }
  | { readonly kind: 'rules'; readonly what: 'permit' | 'suspend' | 'forbid' }
  | { readonly kind: 'link' }
  | { readonly kind: 'answer'; readonly status: number }
  | { readonly kind: 'notify'; readonly which: number; readonly state: string; readonly document: number }
  | { readonly kind: 'pass'; readonly ms: number }

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('user' as const),
      what: fc.constantFrom('subscribe', 'unsubscribe', 'probe', 'comes', 'goes'),
    }),
  },
  fc.record({ kind: fc.constant('rules' as const), what: fc.constantFrom('permit', 'suspend', 'forbid') }),
  fc.record({ kind: fc.constant('link' as const) }),
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      status: fc.constantFrom(200, 200, 200, 200, 403, 404, 423, 480, 481, 503, 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('notify' as const),
      which: fc.nat(2),
      state: fc.constantFrom(
        'active;expires=3600',
        'active;expires=3600',
        'pending;expires=3600',
        ...['timeout', 'probation', 'rejected', 'invariant', 'giveup;retry-after=60'].map(
          (reason) => `terminated;reason=${reason}`,
        ),
      ),
      document: fc.nat(3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(1000, 33_000, 3_000_000),
    }),
  },
)

/** What an XMPP server and its user make of what they are told (RFC 6121, appendix A). */
class Roster {
  state: 'none' | 'asked' | 'to' = 'none'
  readonly seen = new Set<string>()
  #read = 0

  read({ stanzas }: OutRig): void {
    for (const { attrs } of stanzas.slice(this.#read)) {
      const { from, to, type } = attrs
      if (type === 'subscribed' && this.state === 'asked') this.state = 'to'
      else if (type === 'unsubscribed' || type === 'error') this.state = 'none'
      else if (type === 'unavailable') this.seen.delete(String(from))
      else if (type === undefined && to === PAIR.xmpp) this.seen.add(String(from))
    }
    this.#read = stanzas.length
  }
}

test('whatever happens, the roster and what is seen are true in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 5, maxLength: 40 }), async (list) => {
      const rig = new OutRig({ giveUp: 36_000_000 })
      const roster = new Roster()
      const open: Subscribed[] = []
      const dialogs: Subscribed[] = []
      let polled = false
      const watch = () => rig.watching.find(PAIR)
      const linkIsBack = (): void => {
        rig.link.live = true
        rig.settle()
        const one = watch()
        if (one === undefined) return
        rig.watching.renew(one)
        rig.watching.wake(one)
      }
      const run = (act: Act): void => {
        const one = watch()
        switch (act.kind) {
          case 'user':
            // Without a link nothing comes over it.
            if (!rig.link.live) return
            if (act.what === 'subscribe') {
              if (roster.state === 'none') roster.state = 'asked'
              rig.subscribe('s')
            } else if (act.what === 'unsubscribe') {
              roster.state = 'none'
              rig.unsubscribe()
            } else if (act.what === 'probe') {
              if (roster.state !== 'to') polled = true
              rig.probe(BALCONY)
            } else {
              // Whoever goes sees nothing any more.
              if (act.what === 'goes' && one?.authorization === 'granted') roster.seen.clear()
              rig.presence(act.what === 'comes')
            }
            return
          case 'rules':
            if (one === undefined) return
            if (act.what === 'permit') rig.permit()
            else rig.watching.refuse(one, act.what === 'suspend')
            return
          case 'link':
            if (rig.link.live) rig.link.live = false
            else linkIsBack()
            return
          case 'answer': {
            const asked = open.shift()
            if (act.status === 0) asked?.fail()
            else asked?.answer(act.status, [['Expires', '3600']])
            return
          }
          case 'notify': {
            const dialog = dialogs.at(-1 - act.which)
            if (dialog !== undefined)
              expect(dialog.notify(act.state, DOCUMENTS[act.document])).toBeGreaterThan(0)
            return
          }
          case 'pass':
            rig.pass(act.ms)
            return
          default:
            act satisfies never
        }
      }
      for (const act of list) {
        run(act)
        for (const asked of await rig.asked()) {
          open.push(asked)
          if (asked.first) dialogs.push(asked)
        }
        roster.read(rig)
        expect(rig.faults).toEqual([])
      }
      linkIsBack()
      // What is over is told a second later.
      rig.pass(1000)
      roster.read(rig)
      const one = watch()
      // It said no, or yes, and that is what they believe.
      const yes = one?.authorization === 'granted' && one.leaving !== 'unsubscribe'
      if (!polled) expect([roster.state === 'to', list]).toEqual([yes, list])
      expect([roster.state === 'asked', list]).toEqual([
        one !== undefined && !yes && (one.leaving !== 'unsubscribe' || one.again),
        list,
      ])
      // What was forgotten of a dialog whose state is not here yet is still shown until it is.
      const sure = one === undefined || one.known !== undefined || one.subscription === undefined
      if (sure && one?.present !== false)
        expect([[...roster.seen].sort(), list]).toEqual([
          [...(one?.known ?? new Map()).keys()].map((resource) => `romeo@sip.example/${resource}`).sort(),
          list,
        ])
    }),
    { numRuns: 200 },
  )
})
