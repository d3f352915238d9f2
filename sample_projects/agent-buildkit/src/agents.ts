import fs from 'node:fs';
import path from 'node:path';
import yaml from 'js-yaml';
import semver from 'semver';
import { z } from 'zod';
import { root } from './paths';

const agentSchema = z.object({
  name: z.string(),
  image: z.string(),
  version: z.string().refine((version) => semver.valid(version) !== null, 'not a version'),
  labels: z.array(z.string()),
  slots: z.number().int().positive(),
});

export type Agent = z.infer<typeof agentSchema>;

/** The agents of config/agents.yml, newest version first. */
export function loadAgents(): Agent[] {
  const text = fs.readFileSync(path.join(root, 'config', 'agents.yml'), 'utf8');
  const agents = z.array(agentSchema).parse(yaml.load(text));
  return agents.sort((a, b) => semver.rcompare(a.version, b.version));
}
