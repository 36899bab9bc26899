/** Every limit of wakesock: a name, a unit and a reason. */

/** Site names become unit names (255 bytes with prefix and suffix) and descriptor names. */
export const siteNameLengthMax = 128;
/** A unit file larger than this is not one; systemd itself stops a line at 1 MiB. */
export const siteFileBytesMax = 1024 * 1024;
/** Parsed sites held at once, and the memory that they may take: those in use, of however many there are. */
export const siteCacheSitesMax = 5_000;
export const siteCacheBytesMax = 64 * 1024 * 1024;
/** Request bodies of the control socket: it takes none that matter. */
export const controlBodyBytesMax = 16 * 1024;
/** LISTEN_FDNAMES is one environment string, and the kernel's limit for one is 128 KiB (MAX_ARG_STRLEN). */
export const listenFdNamesBytesMax = 128 * 1024 - 1;
/** config.json is written through a pipe, whose size an unprivileged process may raise to 1 MiB. */
export const bundleConfigBytesMax = 1024 * 1024;
/** First and longest wait after a failed start. */
export const backoffFirstMs = 1_000;
export const backoffMaxMs = 60_000;
/** Last log lines kept of a site for its error. */
export const errorLogLinesMax = 20;
/** A line of output longer than this is cut into several, as journald does (LineMax=). */
export const logLineBytesMax = 48 * 1024;
/** Defaults of the site keys. */
export const idleMsDefault = 5 * 60_000;
export const startTimeoutMsDefault = 30_000;
export const stopTimeoutMsDefault = 10_000;
export const exitIdleMsDefault = 30_000;
/** Freezing a program takes less than a millisecond unless one of its processes sleeps uninterruptibly; clients wait meanwhile. */
export const freezeMsMax = 1_000;
/**
 * For so long bytes that a program has not read keep it from being stopped: it may be slow, or wait for a processor. Who reads
 * nothing for longer never will, and a byte or a FIN left lying on one connection must not keep a site awake for ever.
 */
export const unreadMsMax = 30_000;
/** Descriptors that a program may open, soft and hard: systemd's defaults for services (DefaultLimitNOFILE=). select(2) takes no more than the first. */
export const openFilesSoftDefault = 1_024;
export const openFilesHardDefault = 524_288;
