import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Start {
  /** From the start of the process to the log line `ready`. */
  readonly readyMilliseconds: number
  readonly residentMegabytes: number
  readonly peakMegabytes: number
}

/** Starts the built gateway on a store, and ends it. */
export async function startOn(directory: string, store: string): Promise<Start> {
  const file = join(directory, 'start.yaml')
  writeFileSync(
    file,
    `log: { format: json }
sip: { listeners: [{ name: bench, transport: udp, address: 127.0.0.1, port: 45061, side: inside }] }
store: { sqlite: ${store} }
federation:
  homes: [{ name: main, nextHop: 'sip:127.0.0.1:45070;transport=udp' }]
  servedDomains: [{ name: sip.example, home: main }]
`,
  )
  const started = performance.now()
  const gateway = spawn(process.execPath, [join(process.cwd(), 'dist/main.js'), 'run', '--config', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    let text = ''
    gateway.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('"msg":"ready"')) resolve()
    })
    gateway.on('exit', (code) => reject(new Error(`the gateway ended with ${code}: ${text}`)))
  })
  const readyMilliseconds = Math.round(performance.now() - started)
  const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8')
  const megabytes = (name: string): number =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024)
  gateway.removeAllListeners('exit')
  const gone = new Promise((resolve) => gateway.on('exit', resolve))
  gateway.kill('SIGTERM')
  await gone
  return { readyMilliseconds, residentMegabytes: megabytes('VmRSS'), peakMegabytes: megabytes('VmHWM') }
}
