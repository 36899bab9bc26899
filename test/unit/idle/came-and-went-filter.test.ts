/** How often the kernel is given a filter: it is as long as there are sites awake. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { CameAndWent } from '../../../src/idle/came-and-went.ts';
import { hearAll, readDestroyed, watchAddresses, type LocalAddress } from '../../../src/linux/sock-diag.ts';
import type { Poller } from '../../../src/sockets/poller.ts';

vi.mock('../../../src/linux/sock-diag.ts', () => ({ hearAll: vi.fn(), openDestroyedSockets: () => -1, readDestroyed: vi.fn(), watchAddresses: vi.fn() }));
vi.mock('../../../src/linux/libc.ts', () => ({ closeFd: vi.fn() }));

const address = (port: number): LocalAddress => ({ family: 'ipv4', address: '127.0.0.1', port });

test('once for however many sites in one go, of whom nothing is missed meanwhile; not at all for what concerns nobody', async () => {
  vi.useFakeTimers();
  onTestFinished(() => { vi.useRealTimers(); });
  const watch = vi.fn<Poller['watch']>(() => ({ arm: () => {}, end: () => {} }));
  const readable = (): void => watch.mock.calls[0]?.[2](0);
  const all = new CameAndWent({ watch } as unknown as Poller);
  const heard = vi.fn();
  const ends = Array.from({ length: 50 }, (_, index) => all.subscribe([address(index)], 1000, heard));
  expect(hearAll).toHaveBeenCalledOnce();
  expect(watchAddresses).not.toHaveBeenCalled();
  await Promise.resolve();
  expect(watchAddresses).toHaveBeenCalledOnce();
  expect(vi.mocked(watchAddresses).mock.calls[0]?.[1]).toHaveLength(50);

  vi.mocked(readDestroyed).mockReturnValueOnce([address(99)]);
  readable();
  await Promise.resolve();
  expect(watchAddresses).toHaveBeenCalledOnce();
  vi.mocked(readDestroyed).mockReturnValueOnce([address(7), address(8)]);
  readable();
  await Promise.resolve();
  expect(heard).toHaveBeenCalledTimes(2);
  expect(vi.mocked(watchAddresses).mock.calls[1]?.[1]).toHaveLength(48);
  vi.advanceTimersByTime(1000);
  await Promise.resolve();
  expect(watchAddresses).toHaveBeenCalledTimes(3);
  expect(vi.mocked(watchAddresses).mock.calls[2]?.[1]).toHaveLength(50);

  for (const end of ends) end();
  await Promise.resolve();
  expect(watchAddresses).toHaveBeenCalledTimes(3);
});
