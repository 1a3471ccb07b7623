/** How serious a line is. */
export type Level = 'info' | 'warn' | 'error'
