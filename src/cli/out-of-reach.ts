/** Whether a service without privileges could read a file: wakesock-front.service runs as a user of its own (DynamicUser=). */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

const READ = 0o4;
const ENTER = 0o1;
/** DynamicUser= implies PrivateTmp= (systemd.exec(5)): the service has these to itself. */
const privateDirectories = ['/tmp', '/var/tmp'];

/** Null: it could. Else what is in the way, as the end of a sentence. @param path absolute, without links */
export function outOfReach(path: string): string | null {
  const hidden = privateDirectories.find((directory) => path.startsWith(`${directory}/`));
  if (hidden !== undefined) return `it is below ${hidden}, which such a service does not see (PrivateTmp=)`;
  if ((statSync(path).mode & READ) === 0) return 'only its owner may read it';
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & ENTER) === 0) return `only the owner of ${directory} may enter that`;
    if (directory === '/') return null;
  }
}
