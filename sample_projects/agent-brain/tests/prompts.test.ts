import assert from 'node:assert';
import { test } from 'node:test';
import { readPrompts, render } from '../src/prompts';

test('every prompt has a text', () => {
  for (const prompt of readPrompts().values()) assert.ok(prompt.text.length > 0);
});

test('values are filled in', () => {
  assert.equal(render({ name: 'a', version: 1, text: 'Hello {{who}}' }, { who: 'amber' }), 'Hello amber');
});
