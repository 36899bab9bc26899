// What happens in the box, as its journal tells: states of sites from the activator, ends of units from systemd.
import { createInterface } from 'node:readline';

const unitEnded = '7ad2d189f7e94e70a38c781354912448'; // SD_MESSAGE_UNIT_SUCCESS, sd-messages.h
const activator = 'wakesock.service';
const linesShown = 25;
const eventTimeoutMs = 20_000;

/** @param onState called with a site and its state as the activator logs it */
export function followJournal(box, onState) {
  const follower = box.spawn(['journalctl', '--follow', '--lines=all', '--output=json', '--output-fields=MESSAGE,MESSAGE_ID,UNIT,_SYSTEMD_UNIT']);
  const counts = new Map();
  const waiting = new Set();
  let failure;

  const happened = (event) => {
    counts.set(event, (counts.get(event) ?? 0) + 1);
    for (const check of waiting) check();
  };
  const missing = (events, times) => events.filter((event) => (counts.get(event) ?? 0) < times);
  const fail = (error) => {
    failure ??= error;
    for (const check of waiting) check();
  };

  createInterface({ input: follower.child.stdout }).on('line', (line) => {
    const { MESSAGE: message, MESSAGE_ID: id, UNIT: unit, _SYSTEMD_UNIT: source } = JSON.parse(line);
    // Of what is not text, or is too long, journalctl gives no string.
    if (typeof message !== 'string') return;
    if (id === unitEnded) happened(`${unit} ended`);
    const { site, state } = source === activator && message.startsWith('{') ? readLog(message) : {};
    if (site === undefined || state === undefined) return;
    onState(site, state);
    if (state === 'failed') fail(new Error(`${site} failed: ${message}`));
    happened(`${site} ${state}`);
  });
  follower.exited.then((code) => fail(new Error(`journalctl ended with ${code}`)), fail);

  return {
    /** What there is to say of a failure. */
    last: () => box.run(['sh', '-c', `journalctl --sync; journalctl --no-pager --lines=${linesShown} --unit='wakesock*'`]),
    /** Resolves when each of `events` has happened `times` times since boot. */
    until(events, times = 1) {
      return new Promise((resolve, reject) => {
        const settle = (done) => { waiting.delete(check); clearTimeout(timer); done(); };
        const check = () => {
          if (missing(events, times).length === 0) settle(resolve);
          else if (failure !== undefined) settle(() => reject(failure));
        };
        const timer = setTimeout(() => settle(() => reject(new Error(`Expected within ${eventTimeoutMs / 1000} s: ${missing(events, times).join(', ')}; it did not happen`))), eventTimeoutMs);
        waiting.add(check);
        check();
      });
    },
  };
}

/** The log lines of the activator are JSON; a site's own output may be anything. */
function readLog(message) {
  try {
    return JSON.parse(message);
  } catch {
    return {};
  }
}
