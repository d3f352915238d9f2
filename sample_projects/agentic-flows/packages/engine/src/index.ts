import { load } from 'js-yaml';
import { z } from 'zod';

const flow = z.object({
  name: z.string(),
  steps: z.array(z.object({ id: z.string(), needs: z.array(z.string()).default([]) })),
});

export type Flow = z.infer<typeof flow>;

export function parse(text: string): Flow {
  return flow.parse(load(text));
}

/** The steps in an order in which each comes after those that it needs. */
export function order({ steps }: Flow): string[] {
  const done: string[] = [];
  let waiting = steps;
  while (waiting.length > 0) {
    const ready = waiting.filter((step) => step.needs.every((need) => done.includes(need)));
    if (ready.length === 0) throw new Error('the steps wait for each other');
    done.push(...ready.map((step) => step.id));
    waiting = waiting.filter((step) => !ready.includes(step));
  }
  return done;
}
