import { page, type Page } from './page.ts';

/** How often a browser without scripts asks again; less than a lease is held ({@link leaseHoldMs}), so that it finds the site awake. */
export const waitPageRefreshS = 3;

/** Asks for the state every second; when that is over, or says nothing for long, asks for the page again, which says how it went. */
export const waitScript = `
(function () {
  var status = document.querySelector('[role=status]'), seconds = document.querySelector('[role=timer]');
  var began = Date.now() - parseInt(seconds.textContent, 10) * 1000, shown = '', dormant = 0;
  var texts = {
    waking: 'Its program is starting.',
    draining: 'It was just going to sleep, and starts again after that.',
    awake: 'It is ready. Opening it now.',
    failed: 'It could not be started.'
  };
  function again() { location.reload(); }
  function show(state) {
    if (texts[state] && state !== shown) status.textContent = texts[state];
    shown = state;
    dormant = state === 'dormant' ? dormant + 1 : 0;
    if (state === 'awake' || state === 'failed' || dormant > 4) again();
    else setTimeout(ask, 1000);
  }
  function ask() {
    fetch('/.well-known/wakesock', { cache: 'no-store' })
      .then(function (answer) { return answer.json(); })
      .then(function (answer) { show(answer.state); })
      .catch(function () { setTimeout(ask, 2000); });
  }
  setInterval(function () { seconds.textContent = Math.floor((Date.now() - began) / 1000) + ' s'; }, 1000);
  setTimeout(again, 30000);
  ask();
})();
`;

/**
 * @param host as the browser asked for it; nothing else of the site is told
 * @param waitedMs since the site was asked for
 */
export function waitPage(host: string, waitedMs: number): Page {
  return page({
    title: `Starting ${host}`,
    head: `<noscript><meta http-equiv="refresh" content="${waitPageRefreshS}"></noscript>\n`,
    main: `<h1>${host} is starting</h1>
<p role="status">It was asleep and is being woken.</p>
<div class="bar" aria-hidden="true"><i></i></div>
<p class="soft">Waiting for <span role="timer">${Math.floor(waitedMs / 1000)} s</span>. The page opens by itself as soon as it can.</p>`,
    script: waitScript,
  });
}
