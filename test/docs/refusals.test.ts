import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { pageOfRefusals } from './pages/refusals.ts'

test('docs/refusals.md is what the code says (npx vitest run --project unit test/docs -u)', async () => {
  await expect(pageOfRefusals()).toMatchFileSnapshot(
    fileURLToPath(new URL('../../docs/refusals.md', import.meta.url)),
  )
})
