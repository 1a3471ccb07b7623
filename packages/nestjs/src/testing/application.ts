import 'reflect-metadata'
import {
  type BeforeApplicationShutdown,
  Controller,
  Get,
  type INestApplication,
  Injectable,
  Module,
  type NestApplicationOptions,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common'
import { type AbstractHttpAdapter, NestFactory } from '@nestjs/core'

/** Records the hooks of the application and the answer to its held request, in their order. */
@Injectable()
export class Journal implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly entries: string[] = []
  readonly entered: Promise<void>
  enter: () => void = () => {}
  readonly released: Promise<void>
  release: () => void = () => {}

  constructor() {
    this.entered = new Promise((resolve) => {
      this.enter = resolve
    })
    this.released = new Promise((resolve) => {
      this.release = resolve
    })
  }

  onModuleDestroy(): void {
    this.entries.push('onModuleDestroy')
  }

  beforeApplicationShutdown(): void {
    this.entries.push('beforeApplicationShutdown')
  }

  onApplicationShutdown(): void {
    this.entries.push('onApplicationShutdown')
  }
}

@Controller()
export class AppController {
  readonly #journal: Journal

  constructor(journal: Journal) {
    this.#journal = journal
  }

  @Get()
  hello(): string {
    return 'hello'
  }

  /** Answers when the journal is released. */
  @Get('hold')
  async hold(): Promise<string> {
    this.#journal.enter()
    await this.#journal.released
    this.#journal.entries.push('answer')
    return 'held'
  }
}

@Module({ controllers: [AppController], providers: [Journal] })
class AppModule {}

const open: INestApplication[] = []

/** An application that is closed by {@link closeApplications}. */
export async function createApplication(
  adapter: AbstractHttpAdapter,
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule, adapter, {
    logger: false,
    abortOnError: false,
    ...options,
  })
  open.push(app)
  return app
}

export async function closeApplications(): Promise<void> {
  for (const app of open.splice(0)) {
    app.get(Journal).release()
    await app.close()
  }
}
