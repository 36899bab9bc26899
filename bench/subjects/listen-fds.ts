/** wakesock, with a program that speaks sd_listen_fds(3) (`Handoff=listen-fds`). */
import { wakesockSubject } from './wakesock-site.ts';

export const listenFds = wakesockSubject('listen-fds', 'resident');
export const listenFdsFromNothing = wakesockSubject('listen-fds', 'exits');
