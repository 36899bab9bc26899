/** Every limit of wakesock: a name, a unit and a reason. */

/** Site names become unit names (255 bytes with prefix and suffix) and descriptor names. */
export const siteNameLengthMax = 128;
/** A unit file larger than this is not one; systemd itself stops a line at 1 MiB. */
export const siteFileBytesMax = 1024 * 1024;
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

/* The front door, which reads what anybody on the network sends. */

/** Request line and fields. Node, Apache and nginx take 8 to 32 KiB; what we pass must not be too long for the program behind. */
export const headBytesMax = 16 * 1024;
/** Fields of a head, or of a trailer section; browsers send below 30. */
export const headFieldsMax = 128;
/** Digits of a chunk size: 2^52 bytes, which a double counts exactly. */
export const chunkSizeDigitsMax = 13;
/** Chunk extensions of a whole body: nobody uses them but to make work (CVE-2024-22019). */
export const chunkExtensionBytesMax = 4 * 1024;
/** The trailer section of a body. */
export const trailerBytesMax = 8 * 1024;
