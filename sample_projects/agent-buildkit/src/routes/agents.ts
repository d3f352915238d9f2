import fs from 'node:fs';
import path from 'node:path';
import { Router } from 'express';
import Handlebars from 'handlebars';
import _ from 'lodash';
import semver from 'semver';
import { loadAgents } from '../agents';
import { root } from '../paths';

export const agents = Router();

const all = loadAgents();
const card = Handlebars.compile(fs.readFileSync(path.join(root, 'views', 'agent.hbs'), 'utf8'));

agents.get('/', (req, res) => {
  const range = typeof req.query.version === 'string' ? req.query.version : '*';
  res.json(all.filter((agent) => semver.satisfies(agent.version, range)));
});

agents.get('/summary', (_req, res) => {
  res.json({
    slots: _.sumBy(all, 'slots'),
    labels: _.sortBy(_.uniq(_.flatMap(all, 'labels'))),
    byImage: _.mapValues(_.groupBy(all, 'image'), (group) => _.map(group, 'name')),
  });
});

agents.get('/:name', (req, res) => {
  const agent = _.find(all, { name: req.params.name });
  if (agent === undefined) {
    res.status(404).json({ error: `no agent named ${req.params.name}` });
    return;
  }
  res.type('html').send(card(agent));
});
