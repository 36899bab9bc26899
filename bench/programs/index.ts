import { node } from './node.ts';
import { python } from './python.ts';
import { tiny } from './tiny.ts';
import type { Program } from '../types.ts';

export const programs: readonly Program[] = [tiny, node, python];
