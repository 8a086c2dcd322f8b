import { BoundedMap } from '../../src/kernel/bounded-map.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { parseDomain } from '../../src/kernel/domain.ts'
import { systemRandom } from '../../src/kernel/random.ts'
import { TimerWheel } from '../../src/kernel/timer-wheel.ts'
import { measure } from './harness.ts'

const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T

const names = Array.from({ length: 1000 }, (_, i) => `host${i}.partner.example`)
measure('kernel/parseDomain, plain', (i) => parseDomain(at(names, i)))

const international = Array.from({ length: 1000 }, (_, i) => `büro${i}.пример.example`)
measure('kernel/parseDomain, international', (i) => parseDomain(at(international, i)))

const keys = Array.from({ length: 100_000 }, (_, i) => `z9hG4bK-key-${i}`)
const map = new BoundedMap<string, number>(50_000, 32_000)
measure('kernel/BoundedMap.set, full', (i) => map.set(at(keys, i), i, 0))

const wheel = new TimerWheel({ clock: systemClock, drive: false })
for (let i = 0; i < 100_000; i++) wheel.set(32_000, () => {})
measure('kernel/TimerWheel set and cancel, 100000 others set', () => wheel.set(500, () => {}).cancel())

measure('kernel/token of 22', () => systemRandom.token(22))
