/** wakesock behind its own front door: a site without a socket, asked for by its host name. The other handoff differs by what it does without. */
import { throughFront } from '../harness/verdict.ts';
import { wakesockSubject } from './wakesock-site.ts';

const options = { name: throughFront, behindFront: true, note: `${throughFront}: a site without a socket of its own; the front door reads the request, has the site woken, and passes all bytes.` };

export const adoptThroughFront = wakesockSubject('adopt', 'resident', options);
/** The front door's own start is part of it, too, one after the other. */
export const adoptThroughFrontFromNothing = wakesockSubject('adopt', 'exits', options);
