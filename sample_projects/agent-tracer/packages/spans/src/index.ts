import { readFileSync } from 'node:fs';
import path from 'node:path';
import ms from 'ms';

export interface Span {
  run: string;
  kind: string;
  milliseconds: number;
}

const names: Record<string, string> = JSON.parse(
  readFileSync(path.join(__dirname, '..', 'units', 'names.json'), 'utf8'),
);

export function title(span: Span): string {
  return `${names[span.kind] ?? span.kind}: ${ms(span.milliseconds, { long: true })}`;
}

export function total(spans: Span[]): number {
  return spans.reduce((sum, span) => sum + span.milliseconds, 0);
}
