let steps = 0

/** A heading of the transcript. */
export function step(title: string): void {
  console.log(`\n${steps}. ${title}`)
  steps += 1
}

/** One thing that happened; further lines are set under the first. */
export function tell(who: string, what: string): void {
  const [first = '', ...rest] = what.split('\n')
  console.log(`   ${who.padEnd(13)} ${first}`)
  for (const line of rest) console.log(`   ${' '.repeat(13)} ${line}`.trimEnd())
}

export function quote(text: string): string {
  return `“${text}”`
}
