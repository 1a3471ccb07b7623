/** The files of NestJS 11, by the names that an application imports. */
export declare const nest11: Readonly<Record<string, string>>
