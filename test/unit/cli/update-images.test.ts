import { expect, test } from 'vitest';
import { WakesockError } from '../../../src/base/errors.ts';
import { updateImages, type UpdatingSite } from '../../../src/cli/update-images.ts';

/** podman's storage and a registry, as far as these need them. */
class Images {
  readonly stored = new Map([['reg.example/app:1', 'old']]);
  readonly registry = new Map([['reg.example/app:1', 'new']]);
  readonly done: string[] = [];
  /** Without the holding of names. */
  get steps(): string[] {
    return this.done.filter((step) => !/^(hold|let go of) /.test(step));
  }
  /** Site and image that do not go together. */
  readonly bad = new Set<string>();
  readonly prepared = new Map<string, string>();

  readonly idOf = async (image: string): Promise<string> => this.stored.get(image) ?? failed(`no ${image}`);
  readonly pull = async (image: string): Promise<void> => {
    this.done.push(`pull ${image}`);
    this.stored.set(image, this.registry.get(image) ?? failed(`no registry has ${image}`));
  };
  readonly tag = async (id: string, image: string): Promise<void> => {
    this.done.push(`tag ${id}`);
    this.stored.set(image, id);
  };
  readonly during = async <T>(image: string, act: () => Promise<T>): Promise<T> => {
    this.done.push(`hold ${image}`);
    const result = await act();
    this.done.push(`let go of ${image}`);
    return result;
  };
  readonly prepare = async (name: string): Promise<void> => {
    const id = this.stored.get('reg.example/app:1') ?? '';
    this.done.push(`prepare ${name} ${id}`);
    if (this.bad.has(`${name} ${id}`)) failed(`${name}: no program`);
    this.prepared.set(name, id);
  };
}

function failed(message: string): never {
  throw new WakesockError('ERR_WAKESOCK_PODMAN', message);
}
const site = (name: string, changes: Partial<UpdatingSite> = {}): UpdatingSite => ({ name, image: 'reg.example/app:1', policy: 'registry', id: 'old', ...changes });
const brief = async (updating: Promise<readonly { name: string; updated: string; error: { message: string } | null }[]>): Promise<string[]> => (await updating).map(({ name, updated, error }) => `${name} ${updated}${error ? `: ${error.message}` : ''}`);

test('an image is pulled once, and all its sites are prepared with the new version', async () => {
  const images = new Images();
  expect(await brief(updateImages([site('a'), site('b')], images, true))).toEqual(['a true', 'b true']);
  expect(images.steps).toEqual(['pull reg.example/app:1', 'prepare a new', 'prepare b new']);
});

test('nothing is prepared where nothing is new', async () => {
  const images = new Images();
  images.registry.set('reg.example/app:1', 'old');
  expect(await brief(updateImages([site('a')], images, true))).toEqual(['a false']);
  expect(images.steps).toEqual(['pull reg.example/app:1']);
});

test('local: nothing is pulled; a site that has an older version than its name stands for is prepared', async () => {
  const images = new Images();
  images.stored.set('reg.example/app:1', 'built');
  expect(await brief(updateImages([site('a', { policy: 'local' }), site('b', { policy: 'local', id: 'built' })], images, true))).toEqual(['a true', 'b false']);
  expect(images.steps).toEqual(['prepare a built']);
});

test('a version that does not do for one site: all of that image go back', async () => {
  const images = new Images();
  images.bad.add('b new');
  expect(await brief(updateImages([site('a'), site('b')], images, true))).toEqual(['a rolled back: b: no program', 'b rolled back: b: no program']);
  expect(images.stored.get('reg.example/app:1')).toBe('old');
  expect([...images.prepared]).toEqual([['a', 'old'], ['b', 'old']]);
});

test('without rollback, or where there is nothing to go back to, it stays', async () => {
  for (const [rollback, stored] of [[false, 'old'], [true, 'new']] as const) {
    const images = new Images();
    images.stored.set('reg.example/app:1', stored);
    images.bad.add('b new');
    expect(await brief(updateImages([site('a'), site('b')], images, rollback))).toEqual(['a true', 'b failed: b: no program']);
    expect(images.done.filter((step) => step.startsWith('tag'))).toEqual([]);
  }
});

test('a registry that does not answer, an image that is gone: the sites of others are updated', async () => {
  const images = new Images();
  images.stored.set('gone.example/x:1', 'x');
  const sites = [site('x', { image: 'gone.example/x:1' }), site('y', { image: 'nowhere.example/y:1' }), site('a')];
  expect(await brief(updateImages(sites, images, true))).toEqual(['x failed: no registry has gone.example/x:1', 'y failed: no nowhere.example/y:1', 'a true']);
});

test('where even the version before does not do any more, that is what is said', async () => {
  const images = new Images();
  images.bad.add('b new').add('b old');
  expect(await brief(updateImages([site('a'), site('b')], images, true))).toEqual(['a rolled back: b: no program', 'b failed: b: no program']);
});

test('from before it is pulled until it is known whether it does, no wake follows the name', async () => {
  const images = new Images();
  images.bad.add('a new');
  await updateImages([site('a')], images, true);
  expect(images.done).toEqual(['hold reg.example/app:1', 'pull reg.example/app:1', 'prepare a new', 'tag old', 'prepare a old', 'let go of reg.example/app:1']);
});
