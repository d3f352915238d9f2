import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { load } from 'js-yaml';

export interface Prompt {
  name: string;
  version: number;
  text: string;
}

const FOLDER = join(process.cwd(), 'prompts');

export function readPrompts(): Map<string, Prompt> {
  const prompts = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => load(readFileSync(join(FOLDER, file), 'utf8')) as Prompt);
  return new Map(prompts.map((prompt) => [prompt.name, prompt]));
}

export function render(prompt: Prompt, values: Record<string, string>): string {
  return Handlebars.compile(prompt.text, { noEscape: true })(values);
}
