/** Unmodified programs in images made of Debian's packages: woken by their own clients, stopped, woken again with their data. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { testBox } from '../support/test-box.ts';
import { Scene, siteText } from '../support/scene.ts';
import { programs } from '../support/product.ts';
import type { imagePackages } from './debian-packages.ts';

let scene: Scene;
const packages = inject('debianPackages');
const run = (script: string): Promise<string> => scene.box.run(['sh', '-ec', script], { timeoutMs: 5 * 60_000 });

/** An image of one program: the base, and its packages installed as on any Debian. Files of `--from=programs` are those of test/programs. */
async function build(name: keyof typeof imagePackages, lines: readonly string[]): Promise<void> {
  await scene.box.writeFile(`/srv/build/${name}`, [
    'FROM localhost/debian:12 AS installed',
    `RUN --mount=type=bind,source=${name},target=/debs printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends /debs/*.deb`,
    ...lines, '',
  ].join('\n'));
  // No runtime of containers is needed to install packages, and nobody here may raise a limit.
  await run(`podman build --quiet --isolation=chroot --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 --build-context=programs=${programs} --tag localhost/${name}:1 --file /srv/build/${name} ${packages}`);
}

const site = (name: string, port: number, keys: Readonly<Record<string, string>> = {}): string =>
  siteText({ Container: { Image: `localhost/${name}:1` }, Service: { TimeoutStartSec: '60s' }, 'X-Wakesock': { ListenStream: port, IdleSec: '5min', ...keys } });
const sleep = (name: string): Promise<string> => scene.product.run('sleep', '--force', name);

const redis = (command: string): Promise<string> => run(`redis-cli -p 8472 ${command}`);

beforeAll(async () => {
  scene = await Scene.open(testBox(), '1s');
  await run(`podman import --quiet ${packages}/base.tar localhost/debian:12 >/dev/null`);
});
afterAll(async () => {
  await scene.close();
  await run('podman rmi --all --force >/dev/null; rm -rf /srv/build');
});

describe('nginx', () => {
  test('serves, with workers of another user; its logs are the site\'s', async () => {
    await build('nginx', [
      'RUN ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log', 'CMD ["nginx", "-g", "daemon off;"]', 'EXPOSE 80', 'STOPSIGNAL SIGQUIT',
    ]);
    await scene.enable({ nginx: site('nginx', 8471) });
    const from = await scene.mark();
    for (const _ of [1, 2]) {
      expect(await run('curl --silent http://127.0.0.1:8471/')).toContain('Welcome to nginx!');
      await sleep('nginx');
    }
    await scene.journal.until(({ identifier, text }) => identifier === 'nginx' && text.includes('GET / HTTP/1.1'), { from, what: 'a line of its access log' });
  });
});

describe('Redis', () => {
  test('what was saved is there after a stop', async () => {
    await build('redis', ['USER redis', 'WORKDIR /var/lib/redis', 'VOLUME /var/lib/redis', 'CMD ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"]', 'EXPOSE 6379']);
    await scene.enable({ redis: site('redis', 8472) });
    expect(await redis('set visitors 7')).toBe('OK\n');
    await sleep('redis');
    expect(await redis('incr visitors')).toBe('8\n');
    await sleep('redis');
    expect(await redis('get visitors')).toBe('8\n');
  });
});

describe('MariaDB', () => {
  test('which shuts its listener down at its end: rows are there after a stop, and clients are served', async () => {
    await build('mariadb', [
      `RUN printf '%s;\\n' "CREATE DATABASE IF NOT EXISTS shop" "CREATE USER IF NOT EXISTS shop@'%' IDENTIFIED BY 'shop'" "GRANT ALL ON shop.* TO shop@'%'" >/etc/mysql/init.sql && mkdir -p /run/mysqld && chown mysql /run/mysqld`,
      'USER mysql', 'VOLUME /var/lib/mysql', 'CMD ["mariadbd", "--bind-address=0.0.0.0", "--init-file=/etc/mysql/init.sql"]', 'EXPOSE 3306',
    ]);
    await scene.enable({ mariadb: site('mariadb', 8473) });
    // Its own client, which the machine does not have.
    const client = (await run('podman image mount localhost/mariadb:1')).trim();
    const sql = (text: string): Promise<string> => run(`chroot ${client} mariadb --host=127.0.0.1 --port=8473 --user=shop --password=shop --batch --skip-column-names shop --execute='${text}'`);
    await sql('CREATE TABLE orders (id INT); INSERT INTO orders VALUES (1), (2)');
    for (const count of [2, 3, 4]) {
      await sleep('mariadb');
      expect(await sql('SELECT COUNT(*) FROM orders; INSERT INTO orders VALUES (9)')).toBe(`${count}\n`);
    }
    await run('podman image unmount localhost/mariadb:1 >/dev/null');
  });
});

/** They answer `visit N of ADDRESS`, and count in a file of a volume. */
const counting: readonly { readonly what: string; readonly image: keyof typeof imagePackages; readonly port: number; readonly path?: string; readonly lines: readonly string[] }[] = [
  {
    what: 'Apache with PHP', image: 'apache', port: 8474, lines: [
      'RUN rm -f /var/www/html/index.html && ln -sf /dev/stdout /var/log/apache2/access.log && ln -sf /dev/stderr /var/log/apache2/error.log && install -d -o www-data /var/lib/visits',
      'COPY --from=programs visits.php /var/www/html/index.php',
      'CMD ["apache2ctl", "-D", "FOREGROUND"]', 'EXPOSE 80', 'STOPSIGNAL SIGWINCH',
    ],
  },
  {
    what: 'gunicorn with Flask, two workers', image: 'flask', port: 8475, lines: [
      'RUN install -d -o www-data /var/lib/visits', 'COPY --from=programs visits_flask.py /srv/visits_flask.py', 'WORKDIR /srv', 'USER www-data',
      'CMD ["gunicorn", "--workers=2", "--bind=0.0.0.0:8000", "visits_flask:app"]', 'EXPOSE 8000',
    ],
  },
  {
    what: 'Node', image: 'node', port: 8476, lines: [
      'RUN install -d -o www-data /var/lib/visits', 'COPY --from=programs visits.cjs /srv/visits.cjs', 'USER www-data', 'CMD ["node", "/srv/visits.cjs"]', 'EXPOSE 3000',
    ],
  },
  {
    what: 'WEBrick, which shuts its listener down at its end', image: 'ruby', port: 8477, lines: [
      'RUN install -d -o www-data /var/lib/visits', 'COPY --from=programs visits.rb /srv/visits.rb', 'USER www-data', 'CMD ["ruby", "/srv/visits.rb"]', 'EXPOSE 4567',
    ],
  },
  {
    what: 'one static program and nothing else', image: 'busybox', port: 8478, path: 'cgi-bin/visits.sh', lines: [
      'FROM scratch', 'COPY --from=installed /bin/busybox /bin/httpd', 'COPY --from=installed /bin/busybox /bin/sh', 'COPY --from=programs visits.sh /srv/cgi-bin/visits.sh',
      'CMD ["/bin/httpd", "-f", "-p", "80", "-h", "/srv"]', 'EXPOSE 80',
    ],
  },
];

describe.each(counting)('$what', ({ image, port, path = '', lines }) => {
  test('is woken by its visitors, knows their address, and goes on counting after each stop', async () => {
    await build(image, [...lines, 'VOLUME /var/lib/visits']);
    await scene.enable({ [image]: site(image, port) });
    const visit = (): Promise<string> => run(`curl --silent --show-error --fail http://127.0.0.1:${port}/${path} || { sleep 2; journalctl -n 60 --no-pager >&2; exit 1; }`);
    for (const round of [0, 1, 2]) {
      expect(await visit()).toBe(`visit ${round * 2 + 1} of 127.0.0.1\n`);
      expect(await visit()).toBe(`visit ${round * 2 + 2} of 127.0.0.1\n`);
      const from = await scene.mark();
      await sleep(image);
      await scene.inState(image, 'dormant', from);
    }
  });
});

describe('Caddy', () => {
  test('a Go program: serves a large file whole, and again after a stop', async () => {
    await build('caddy', ['RUN head -c 20000000 /dev/urandom >/srv/large', 'CMD ["caddy", "file-server", "--root", "/srv", "--listen", ":8080"]', 'EXPOSE 8080']);
    await scene.enable({ caddy: site('caddy', 8479) });
    const large = `${(await run('podman image mount localhost/caddy:1')).trim()}/srv/large`;
    for (const _ of [1, 2]) {
      await run(`curl --silent --show-error --fail http://127.0.0.1:8479/large | cmp - ${large}`);
      await sleep('caddy');
    }
    await run('podman image unmount localhost/caddy:1 >/dev/null');
  });
});

test('those of one base have it on the disk once', async () => {
  const layers = await Promise.all(['nginx', 'redis', 'mariadb'].map(async (name) => (JSON.parse(await scene.box.readFile(`/var/lib/wakesock/sites/${name}/site.json`)) as { rootMount: { lower: string[] } }).rootMount.lower));
  expect(new Set(layers.map((lower) => lower.at(-1))).size).toBe(1);
  expect(new Set(layers.map(([top]) => top)).size).toBe(3);
});
