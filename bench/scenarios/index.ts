import type { Scenario } from '../types.ts';
import { born } from './born.ts';
import { churn } from './churn.ts';
import { cold } from './cold.ts';
import { create } from './create.ts';
import { density } from './density.ts';
import { footprint } from './footprint.ts';
import { front } from './front.ts';
import { idle } from './idle.ts';
import { image } from './image.ts';
import { relay } from './relay.ts';
import { storm } from './storm.ts';
import { unitfile } from './unitfile.ts';
import { warm } from './warm.ts';
import { zero } from './zero.ts';

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [cold, zero, warm, storm, churn, density, idle, footprint, image, create, born, unitfile, relay, front];
