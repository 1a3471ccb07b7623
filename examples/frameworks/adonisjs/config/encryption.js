import { defineConfig, drivers } from '@adonisjs/core/encryption'

const key = process.env.APP_KEY ?? 'an example needs no secret of its own'

export default defineConfig({
  default: 'gcm',
  list: { gcm: drivers.aes256gcm({ id: 'gcm', keys: [key] }) },
})
