export { checkConfiguration, loadAll } from './check-configuration.ts';
export { checkSite, pathDefault } from './check-site.ts';
export { instancesDir, listSiteNames, listTemplateNames } from './list-sites.ts';
export { loadSite, type LoadedSite, type SitePlaces } from './load-site.ts';
export { resolveInRoot, type InRoot } from './resolve-in-root.ts';
export { assertSiteName, siteNameProblem } from './site-name.ts';
export { sourcesUnchanged } from '../base/sources.ts';
export { timerMsMax } from './values.ts';
