#!/usr/bin/env node
import { title, type Span } from '@agent-tracer/spans';
import chalk from 'chalk';
import { program } from 'commander';
import _ from 'lodash';

program.argument('<file>', 'spans as JSON').action((file: string) => {
  const spans: Span[] = require(file);
  for (const span of _.sortBy(spans, 'milliseconds')) console.log(chalk.bold(span.run), title(span));
});

program.parse();
