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
/** A request's head at the control socket: the longest legal target is a site name, percent-encoded; the rest is room for a client's usual headers. */
export const controlHeadBytesMax = 8 * 1024;
/** Connections at the control socket. Whoever may use it may do all that the activator can: this is against mistakes, below LimitNOFILE=524288. */
export const controlConnectionsMax = 131_072;
/** Requests that a connection asks there without waiting for the answers: who asks more is out of order. */
export const controlPipelinedMax = 64;
/**
 * Connections at the lease socket: one for each lease, some 15 KB, and no more leases than sites that can be awake: of so many FileDescriptorStoreMax=65536 holds the descriptors.
 * Where the activator may have few descriptors, this part of them: the others are its sites'.
 */
export const leaseConnectionsMax = 16_384;
export const leaseConnectionsPerDescriptor = 1 / 4;
/** A request's head there; it is kept for as long as the lease is. */
export const leaseHeadBytesMax = 2 * 1024;
/** Connections there that have not asked yet, since all of them may do so in one instant: nobody is woken until they are answered. */
export const leaseUnaskedMax = 1_024;
/** LISTEN_FDNAMES is one string of execve(2), with its name and the zero at its end: MAX_ARG_STRLEN, 128 KiB. */
export const listenFdNamesBytesMax = 128 * 1024 - 1 - 'LISTEN_FDNAMES='.length;
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

/* The front door, which reads what anybody on the network sends. */

/** Request line and fields. Node, Apache and nginx take 8 to 32 KiB; what we pass must not be too long for the program behind. */
export const headBytesMax = 16 * 1024;
/** Fields of a head, or of a trailer section; browsers send below 30. */
export const headFieldsMax = 128;
/** What `Connection` names, in all: more than there can be fields is work for nothing. */
export const connectionOptionsMax = headFieldsMax;
/** `Host`: a name of 253 characters (RFC 1035 2.3.4), the last dot and a port. Names below a `*.` are looked up label by label, which of 16 KiB takes 0.1 s. */
export const hostBytesMax = 260;
/** Digits of a chunk size: 2^52 bytes, which a double counts exactly. */
export const chunkSizeDigitsMax = 13;
/** Chunk extensions of a whole body: nobody uses them but to make work (CVE-2024-22019). */
export const chunkExtensionBytesMax = 4 * 1024;
/** The trailer section of a body. */
export const trailerBytesMax = 8 * 1024;
/** From the first byte of a head to its last: a client that needs longer holds a connection for nothing. */
export const headMsMax = 10_000;
/** A connection between two requests. */
export const clientIdleMsMax = 60_000;
/** No byte of a request's body arrived, or what was last written of a response (64 KiB at most) was not taken. */
export const clientStallMsMax = 60_000;
/** How long the rest of a request is read and thrown away after its last answer: closing with bytes unread would reset that. */
export const lingerMsMax = 2_000;
/** Pipelined requests that wait for the answers before theirs; beyond it the client's own window fills. */
export const pipelinedBytesMax = 64 * 1024;
/** A connection to a program between two requests. Node closes its own after 5 s, and others after less: who meets that is sent again. */
export const upstreamIdleMsMax = 4_000;
/** Kept per site between requests. As many were in use a moment ago; with fewer, more clients than that would connect anew for each request. */
export const upstreamIdleMax = 512;
/** A lease is held this long after the last request, so that a warm one costs no question to the activator. */
export const leaseHoldMs = 4_000;
/** Addresses and TLVs of a PROXY protocol header: proxies send below 600 bytes. */
export const proxyHeaderBytesMax = 4 * 1024;
/** Connections of one client address, or IPv6 /64 (default of `--max-connections-per-client=`). A browser has six to a host; an office behind one address some hundreds. */
export const clientConnectionsMaxDefault = 1_024;
/** Descriptors of the front door that are not connections of clients or to programs: files, watches, leases. */
export const ownDescriptors = 64;
/** Clients' connections at once, of the other descriptors that it may have: what is left is for connections to programs, of which only clients need one who are being answered. */
export const clientsPerDescriptor = 2 / 3;
/** Of those clients' connections as many may be between two requests: who comes and asks finds room. */
export const idleClientsPerClient = 7 / 8;
/** Connections between two requests, 6 KB each (default of `--max-idle-connections=`): beyond it the oldest is closed. */
export const idleClientsMaxDefault = 32_768;
/** What is kept as it came, of a relayed connection before its program is there or of an answer, costs so much more for each piece: whoever sends it may send single bytes. */
export const pieceBytes = 256;
/** A relayed connection on which nothing has moved for so long no longer counts as use of its site: a silent connection is not activity. */
export const silentMs = 4_000;
/** A navigation that waits longer is shown a page (default of `WaitPageAfterSec=`): within two seconds people wait for a page as for any. */
export const waitPageAfterMsDefault = 2_000;
/** `WaitPage=`, and a file of `NoWake=`: a page, a robots.txt, an icon. They are held in memory. */
export const frontFileBytesMax = 256 * 1024;
/** All such files held at once; those of sites that nobody asks for are read again. */
export const frontFilesBytesMax = 16 * 1024 * 1024;
/** An answer that is kept for while its site sleeps (`cached:` of `NoWake=`): a feed, a page, an icon; podcasts have feeds of a megabyte. */
export const keptAnswerBytesMax = 1024 * 1024;
/** What its file has beside: the head, and what the request had of `Vary`, each 16 KiB at most and escaped. */
export const keptHeadBytesMax = 128 * 1024;
/** Answers kept of a site; the oldest make way. */
export const keptAnswersMax = 64;
/** Answers under way that are being kept, of all sites: each holds up to two megabytes. */
export const keptInFlightMax = 16;
/** Answers that have come and are not on the disk yet. */
export const keptWaitingBytesMax = 16 * 1024 * 1024;
/** Between two writings of what a busy site answers: only the last of it matters. */
export const keptWriteMs = 5_000;
/** `NoWake=` lines of a site: each is tried for a request to it while it sleeps. */
export const noWakeRulesMax = 64;
/** Protocols of `Upgrade=`: each is looked for in what a client offers. */
export const upgradesMax = 16;
/** Wakes of a site that are remembered with their times, for `woken:` of `NoWake=`. */
export const wokenAtMax = 20;
/** Of who caused a wake: each of path and user agent, in the log and the history. */
export const causeTextMax = 256;
/** `MaxPending=` at most: the kernel's backlog of a socket (net.core.somaxconn). */
export const pendingMaxMax = 4_096;
/** Requests that wait for one site to wake (default of `MaxPending=`): each is a connection in its backlog. */
export const waitingPerSiteMax = 512;
/** TCP asks a silent peer whether it is still there. */
export const tcpKeepAliveMs = 60_000;

/* Images. */

/** Options of mount(2): one page, with a zero at its end. Enough for 127 layers, of which no image may have more. */
export const overlayOptionBytesMax = 4_095;
/** containers/image takes no larger configuration of an image either. */
export const imageConfigBytesMax = 4 * 1024 * 1024;

/* What a site is given. */

/** podman takes no larger secret. */
export const secretBytesMax = 512_000;
/** systemd takes no larger credential, and no more of them together (CREDENTIAL_SIZE_MAX, CREDENTIALS_TOTAL_SIZE_MAX). */
export const credentialBytesMax = 1024 * 1024;
/** podman keeps all secrets of a machine in one file; it is read at each wake of a site that has one. */
export const secretStoreBytesMax = 64 * 1024 * 1024;
/** A variable is one string of execve(2): MAX_ARG_STRLEN, with its name and the zero at its end. */
export const variableBytesMax = 128 * 1024 - 1;
/** Nodes of `AddDevice=`: a directory of the machine may have any number. */
export const devicesMax = 512;
/** Directories in one another that are given to a user (`:U`): each is an open descriptor. */
export const volumeDepthMax = 256;
