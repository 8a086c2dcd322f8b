import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { activityOf, isGeneralActivity, rpidOfActivity } from '../../../src/interworking/presence/activity.ts'
import { keptText, keptTexts } from '../../../src/interworking/presence/lang-text.ts'
import { isMood, moodOf, rpidOfMood } from '../../../src/interworking/presence/mood.ts'
import {
  fromThousandths,
  parsePriority,
  parseQvalue,
  qvalueText,
  toThousandths,
} from '../../../src/interworking/presence/priority.ts'
import { resourceOfTuple, tupleIdOf } from '../../../src/interworking/presence/tuple-id.ts'
import { enforceResourcepart } from '../../../src/xmpp/jid-parts.ts'
import { tableRows } from '../../support/vectors.ts'
import { LIMITS } from './support.ts'

describe('negative-priority-is-not-mapped', () => {
  test.for(
    tableRows<{ priority: number; expected: string | null }>('priority-xmpp-to-pidf').map(
      (row) => [row.priority, row.expected] as const,
    ),
  )('%i → %s', ([priority, expected]) => {
    const thousandths = toThousandths(priority)
    expect(thousandths === undefined ? null : qvalueText(thousandths)).toBe(expected)
  })
  test.for(
    tableRows<{ priority: string; expected: number }>('priority-pidf-to-xmpp').map(
      (row) => [row.priority, row.expected] as const,
    ),
  )('%s → %i', ([priority, expected]) => expect(fromThousandths(parseQvalue(priority) ?? -1)).toBe(expected))
  test('each from 0 to 127 has a value of its own, and comes back', () => {
    const all = Array.from({ length: 128 }, (_, i) => i)
    const mapped = all.map((priority) => toThousandths(priority) as number)
    expect(new Set(mapped).size).toBe(128)
    expect(mapped.map((value) => fromThousandths(parseQvalue(qvalueText(value)) as number))).toEqual(all)
    expect(all.slice(1).every((i) => toThousandths(-i) === undefined)).toBe(true)
  })
  test('every value of PIDF has a priority that is not negative', () => {
    const all = Array.from({ length: 1001 }, (_, i) => fromThousandths(i))
    expect(all).toEqual([...all].sort((a, b) => a - b))
    expect([all[0], all[1], all[999], all[1000]]).toEqual([0, 1, 126, 127])
  })
  test.for(['', '-0.1', '1.001', '0.0001', '.5', '2', '1e-1', 'NaN', '0,5'])(
    '%j is no priority of PIDF',
    (text) => expect(parseQvalue(text)).toBeUndefined(),
  )
  test.for(['0', '0.', '0.021', '0.5', '1.00', '1.000'])('%j is one', (text) =>
    expect(parseQvalue(text)).toBe(Number(text) * 1000),
  )
  test.for([
    [' 5 ', 5],
    ['+5', 5],
    ['-128', -128],
    ['-0', 0],
    ['128', undefined],
    ['-129', undefined],
    ['', undefined],
    ['1.5', undefined],
    ['0x10', undefined],
    ['99999999', undefined],
  ] as const)('%j in a stanza', ([text, value]) => expect(parsePriority(text)).toBe(value))
})

describe('tuple-id-is-a-valid-ncname-for-any-resource', () => {
  const NCNAME = /^[A-Za-z_][A-Za-z0-9._-]*$/
  test.for([
    ['yn0cl4bnw0yr3vym', 'ID-yn0cl4bnw0yr3vym'],
    ['balcony_1.x', 'ID-balcony_1.x'],
    ['', 'ID-'],
    ['a b', 'ID-a_x20_b'],
    ['urn:uuid:1/2@3', 'ID-urn_x3a_uuid_x3a_1_x2f_2_x40_3'],
    ['_x41_', 'ID-_x5f_x41_'],
    ['_x41 ', 'ID-_x5f_x41_x20_'],
    ['ID-', 'ID-ID-'],
    ['<&>\'"', 'ID-_x3c__x26__x3e__x27__x22_'],
    ['Балкон\u{1f339}', 'ID-_x411__x430__x43b__x43a__x43e__x43d__x1f339_'],
  ] as const)('%j → %s', ([resource, id]) => expect(tupleIdOf(resource)).toBe(id))

  const awkward = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    fc.string({ unit: fc.constantFrom('_', 'x', '4', '1', ' ', 'é', ':', 'I', 'D', '-'), minLength: 1 }),
    fc.string({ unit: 'binary', minLength: 1 }),
  )
  test('any resource gives one, and comes back', () => {
    fc.assert(
      fc.property(awkward, (text) => {
        const resource = enforceResourcepart(text)
        fc.pre(resource.ok)
        const id = tupleIdOf(resource.value)
        expect(id).toMatch(NCNAME)
        expect(resourceOfTuple(id)).toBe(resource.value)
      }),
      { numRuns: 2000 },
    )
  })
  test('two resources never share one', () => {
    fc.assert(
      fc.property(awkward, awkward, (a, b) => {
        fc.pre(a !== b && a.isWellFormed() && b.isWellFormed())
        expect(tupleIdOf(a)).not.toBe(tupleIdOf(b))
      }),
      { numRuns: 2000 },
    )
  })
  test('one of the greatest length comes back', () => {
    for (const char of [' ', 'é', '\u{1f339}']) {
      const resource = `a${char.repeat(Math.floor(1022 / new TextEncoder().encode(char).length))}`
      expect(resourceOfTuple(tupleIdOf(resource))).toBe(resource)
    }
  })
  test.for([
    ['t4109', 't4109'],
    ['_x41_', '_x41_'],
    ['ID-_x110000_', '_x110000_'],
    ['ID-_xd800_', '_xd800_'],
    ['ID-_x0_', ''],
    ['', ''],
    ['x'.repeat(2000), ''],
  ] as const)('the identifier %j of another writer', ([id, resource]) =>
    expect(resourceOfTuple(id)).toBe(resource),
  )
})

describe('moods and activities', () => {
  const moods = 'afraid in_awe sleepy amorous cautious hopeful relaxed thankful tired undefined'.split(' ')
  test.for(moods)('the mood %s comes back', (name) => {
    expect(isMood(name)).toBe(true)
    const mood = { name, text: { lang: 'en', text: 'why' } }
    expect(moodOf(rpidOfMood(mood))).toEqual(mood)
  })
  test('moods that RPID lacks become other, the empty mood unknown', () => {
    expect(rpidOfMood({ name: 'amorous', text: undefined })).toMatchObject({
      values: [],
      other: { text: 'amorous' },
    })
    expect(rpidOfMood({ name: undefined, text: undefined })).toMatchObject({ values: ['unknown'] })
    expect(moodOf({ values: ['unknown'], other: undefined, notes: [] })).toEqual({
      name: undefined,
      text: undefined,
    })
  })
  test('a mood in free text is kept as text', () =>
    expect(moodOf({ values: [], other: { lang: 'en', text: 'brooding' }, notes: [] })).toEqual({
      name: 'undefined',
      text: { lang: 'en', text: 'brooding' },
    }))
  test.for([
    ['appointment', 'having_appointment', undefined],
    ['breakfast', 'eating', 'having_breakfast'],
    ['dinner', 'eating', 'having_dinner'],
    ['holiday', 'inactive', 'scheduled_holiday'],
    ['in-transit', 'traveling', undefined],
    ['lunch', 'eating', 'having_lunch'],
    ['meal', 'eating', undefined],
    ['meeting', 'working', 'in_a_meeting'],
    ['on-the-phone', 'talking', 'on_the_phone'],
    ['sleeping', 'inactive', 'sleeping'],
    ['steering', 'traveling', 'driving'],
    ['travel', 'traveling', 'on_a_trip'],
    ['vacation', 'inactive', 'on_vacation'],
  ] as const)('XEP-0108 §4: %s is %s', ([rpid, general, specific]) => {
    const activity = { general, specific, text: undefined }
    expect(activityOf({ values: [rpid], other: undefined, notes: [] })).toEqual(activity)
    expect(rpidOfActivity(activity).values).toEqual([rpid])
  })
  test.for(['away', 'busy', 'performance', 'permanent-absence', 'unknown', 'constructor'])(
    '%s is no activity of XMPP',
    (rpid) => expect(activityOf({ values: [rpid], other: undefined, notes: [] })).toBeUndefined(),
  )
  test('an activity that RPID lacks becomes other, and comes back', () => {
    const activity = { general: 'doing_chores', specific: 'walking_the_dog', text: undefined }
    expect(rpidOfActivity(activity)).toMatchObject({ values: [], other: { text: 'walking the dog' } })
    expect(activityOf(rpidOfActivity(activity))).toEqual(activity)
    expect(isGeneralActivity('constructor')).toBe(false)
  })
})

describe('texts', () => {
  test('are cut at a whole code point, without what XML forbids', () => {
    expect(keptText(' ab\u{1f600}', 3)).toBe('ab')
    expect(keptText('a\0\r\nb', 10)).toBe('a\nb')
  })
  test('one for each language, as many as are allowed', () => {
    const texts = [
      { lang: 'en', text: 'a' },
      { lang: 'EN', text: 'b' },
      { lang: 'not a language', text: 'c' },
      { lang: undefined, text: 'd' },
      { lang: 'cs', text: ' ' },
    ]
    expect(keptTexts(texts, LIMITS)).toEqual([
      { lang: 'en', text: 'a' },
      { lang: undefined, text: 'c' },
    ])
    const many = Array.from({ length: 50 }, (_, i) => ({ lang: `x-${i}`, text: 'a' }))
    expect(keptTexts(many, LIMITS)).toHaveLength(LIMITS.texts)
  })
})
