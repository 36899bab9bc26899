import type { Scenario } from '../types.ts';
import { born } from './born.ts';
import { cold } from './cold.ts';
import { create } from './create.ts';
import { footprint } from './footprint.ts';
import { idle } from './idle.ts';
import { image } from './image.ts';
import { relay } from './relay.ts';
import { unitfile } from './unitfile.ts';
import { zero } from './zero.ts';

/** In the order in which they run. */
export const scenarios: readonly Scenario[] = [cold, zero, idle, footprint, image, create, born, unitfile, relay];
