import manifest from '../../package.json' with { type: 'json' }

/** The version of this package. The build copies it into the bundle. */
export const version = (): string => manifest.version
