import { type LangText, sameText } from './lang-text.ts'
import type { RpidList } from './pidf.ts'

/** XEP-0108, in its names. */
export interface Activity {
  readonly general: string
  readonly specific: string | undefined
  readonly text: LangText | undefined
}

/** Each general activity with the specific ones that belong under it; they may stand under another too. */
const SPECIFIC: Readonly<Record<string, string>> = {
  doing_chores:
    'buying_groceries cleaning cooking doing_maintenance doing_the_dishes doing_the_laundry gardening running_an_errand ' +
    'walking_the_dog',
  drinking: 'having_a_beer having_coffee having_tea',
  eating: 'having_a_snack having_breakfast having_dinner having_lunch',
  exercising: 'cycling dancing hiking jogging playing_sports running skiing swimming working_out',
  grooming: 'at_the_spa brushing_teeth getting_a_haircut shaving taking_a_bath taking_a_shower',
  having_appointment: '',
  inactive: 'day_off hanging_out hiding on_vacation praying scheduled_holiday sleeping thinking',
  relaxing:
    'fishing gaming going_out partying reading rehearsing shopping smoking socializing sunbathing watching_a_movie ' +
    'watching_tv',
  talking: 'in_real_life on_the_phone on_video_phone',
  traveling: 'commuting driving in_a_car on_a_bus on_a_plane on_a_train on_a_trip walking',
  undefined: 'other',
  working: 'coding in_a_meeting studying writing',
}

const GENERAL = new Set(Object.keys(SPECIFIC))
const GENERAL_OF = new Map(
  Object.entries(SPECIFIC).flatMap(([general, names]) =>
    names === '' ? [] : names.split(' ').map((name) => [name, general] as const),
  ),
)

export const isGeneralActivity = (name: string): boolean => GENERAL.has(name)
export const isSpecificActivity = (name: string): boolean => GENERAL_OF.has(name)

/** RFC 4480 §3.2, and what XEP-0108 §4 gives for it; the last four are ours. Undefined: XMPP has no such activity. */
const XMPP_OF = {
  appointment: 'having_appointment',
  away: undefined,
  breakfast: 'eating having_breakfast',
  busy: undefined,
  dinner: 'eating having_dinner',
  holiday: 'inactive scheduled_holiday',
  'in-transit': 'traveling',
  'looking-for-work': undefined,
  lunch: 'eating having_lunch',
  meal: 'eating',
  meeting: 'working in_a_meeting',
  'on-the-phone': 'talking on_the_phone',
  performance: undefined,
  'permanent-absence': undefined,
  playing: undefined,
  presentation: undefined,
  sleeping: 'inactive sleeping',
  spectator: undefined,
  steering: 'traveling driving',
  travel: 'traveling on_a_trip',
  unknown: undefined,
  vacation: 'inactive on_vacation',
  shopping: 'relaxing shopping',
  tv: 'relaxing watching_tv',
  working: 'working',
  worship: 'inactive praying',
} as const

const XMPP_ACTIVITY = new Map<string, string | undefined>(Object.entries(XMPP_OF))
const RPID_ACTIVITY = new Map<string, string>([
  ...Object.entries(XMPP_OF).flatMap(([rpid, xmpp]) => (xmpp === undefined ? [] : [[xmpp, rpid] as const])),
  // XEP-0108 §4 names these for `in-transit`.
  ['traveling in_a_car', 'in-transit'],
  ['traveling on_a_bus', 'in-transit'],
  ['traveling on_a_train', 'in-transit'],
  ['eating having_a_snack', 'meal'],
])

export const isRpidActivity = (name: string): boolean => XMPP_ACTIVITY.has(name)

export function rpidOfActivity({ general, specific, text }: Activity): RpidList {
  const notes = text === undefined ? [] : [text]
  const rpid = RPID_ACTIVITY.get(specific === undefined ? general : `${general} ${specific}`)
  if (rpid !== undefined) return { values: [rpid], other: undefined, notes }
  return { values: [], other: { lang: 'en', text: (specific ?? general).replaceAll('_', ' ') }, notes }
}

/** The first activity that XMPP has a name for: it takes one only. An activity in free text is `undefined` with that text. */
export function activityOf({ values, other, notes }: RpidList): Activity | undefined {
  const text = notes[0]
  for (const value of values) {
    const found = XMPP_ACTIVITY.get(value)
    if (found === undefined) continue
    const [general, specific] = found.split(' ') as [string, string | undefined]
    return { general, specific, text }
  }
  if (other === undefined) return undefined
  const name = other.text.replaceAll(' ', '_')
  if (GENERAL.has(name)) return { general: name, specific: undefined, text }
  const general = GENERAL_OF.get(name)
  if (general !== undefined) return { general, specific: name, text }
  return { general: 'undefined', specific: undefined, text: text ?? other }
}

/** What XMPP says by `show`, RPID by an activity. The other way, the first that applies counts. */
const SHOW_OF = [
  ['busy', 'dnd'],
  ['on-the-phone', 'dnd'],
  ['sleeping', 'xa'],
  ['away', 'away'],
] as const

export const showOfActivities = (values: readonly string[]): string | undefined =>
  SHOW_OF.find(([activity]) => values.includes(activity))?.[1]

/** For watchers that know RPID and not `show`; `chat` has no counterpart. */
export const activityOfShow = (show: string | undefined): string | undefined =>
  show === 'dnd' ? 'busy' : show === 'away' || show === 'xa' ? 'away' : undefined

export const sameActivity = (a: Activity | undefined, b: Activity | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.general === b.general &&
    a.specific === b.specific &&
    sameText(a.text, b.text))
