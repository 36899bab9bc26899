/** Subjects that are units of systemd, without anything of ours: written to /run, started, and taken back. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Bench, Crowd, Member, Program, Subject } from '../types.ts';

export interface UnitSet {
  /** Text by name. Those that end in `.socket` are what is started. */
  readonly units: Readonly<Record<string, string>>;
  /** What is stopped to put the program to sleep, in this order. */
  readonly services: readonly string[];
  /** Started at once instead of waiting for a client, and not put to sleep. */
  readonly awake?: boolean;
  readonly note?: string;
  /** Undoes what was made beside the units. */
  remove?(): void;
}

/** What a set of units is made for. */
export interface Place {
  /** Its own, a part of unit names. */
  readonly id: string;
  readonly port: number;
  /** A directory that is there, of its own. */
  readonly directory: string;
}

export interface UnitSubject extends Omit<Subject, 'start' | 'startMany'> {
  /** @throws Unavailable */
  make(program: Program, bench: Bench, place: Place): Promise<UnitSet>;
}

interface Placed {
  readonly place: Place;
  readonly set: UnitSet;
}

const unitDirectory = '/run/systemd/system';
let made = 0;

export function unitSubject({ make, ...subject }: UnitSubject): Subject {
  const startMany = async (program: Program, bench: Bench, count: number): Promise<Crowd> => {
    const sets: Placed[] = [];
    for (let index = 0; index < count; index += 1) {
      const id = `wakesock-bench-${made += 1}`;
      const place = { id, port: bench.nextPort(), directory: `${bench.directory}/${id}` };
      mkdirSync(place.directory, { recursive: true });
      sets.push({ place, set: await make(program, bench, place) });
    }
    mkdirSync(unitDirectory, { recursive: true });
    for (const { set: { units } } of sets) for (const [name, text] of Object.entries(units)) writeFileSync(`${unitDirectory}/${name}`, text);
    await bench.manager.reload();
    await bench.manager.startUnits(sets.flatMap(({ set }) => socketsOf(set.units)));
    for (const { set } of sets) if (set.awake) for (const name of set.services) await bench.manager.startUnit(name);
    return {
      members: sets.map(({ place, set }) => member(place, set, bench)),
      stop: () => remove(sets, bench),
    };
  };
  return {
    ...subject, startMany,
    async start(program, bench) {
      const { members: [one], stop } = await startMany(program, bench, 1);
      if (one === undefined) throw new Error('Expected one set of units, got none');
      return { ...one, stop };
    },
  };
}

function member({ port }: Place, { units, services, awake = false, note }: UnitSet, { manager }: Bench): Member {
  const sockets = socketsOf(units);
  return {
    port, ...note === undefined ? {} : { note },
    async sleep() {
      if (awake) return {};
      // The socket first: a client that was left in its backlog would start them again.
      for (const name of [...sockets, ...services]) await manager.stopUnit(name);
      for (const name of sockets) await manager.startUnit(name);
      return {};
    },
  };
}

async function remove(sets: readonly Placed[], { manager }: Bench): Promise<void> {
  for (const { set: { units, services } } of sets) for (const name of [...socketsOf(units), ...services]) await manager.stopUnit(name);
  for (const { place, set } of sets) {
    for (const name of Object.keys(set.units)) rmSync(`${unitDirectory}/${name}`);
    set.remove?.();
    rmSync(place.directory, { recursive: true });
  }
  await manager.reload();
}

function socketsOf(units: UnitSet['units']): string[] {
  return Object.keys(units).filter((name) => name.endsWith('.socket'));
}

export function socketUnit(port: number, service: string): string {
  // Without limits on how often it may be woken, nor on how often it is begun again: the benchmark does both more often than systemd's defaults allow.
  return `[Unit]\nStartLimitIntervalSec=0\n[Socket]\nListenStream=127.0.0.1:${port}\nService=${service}\nBacklog=4096\nTriggerLimitIntervalSec=0\n`;
}

/** @param lines of `[Service]`. @param unit lines of `[Unit]` */
export function serviceUnit(lines: readonly string[], unit: readonly string[] = []): string {
  // A program that was killed has failed; nothing of it is to stay in systemd's memory.
  return `[Unit]\nStartLimitIntervalSec=0\nCollectMode=inactive-or-failed\n${unit.map((line) => `${line}\n`).join('')}[Service]\nStandardOutput=null\n${lines.map((line) => `${line}\n`).join('')}`;
}
