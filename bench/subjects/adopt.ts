/** wakesock, with a program that knows nothing of it (`Handoff=adopt`). */
import { wakesockSubject } from './wakesock-site.ts';

export const adopt = wakesockSubject('adopt', 'resident');
export const adoptFromNothing = wakesockSubject('adopt', 'exits');
