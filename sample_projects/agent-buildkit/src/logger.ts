import pino from 'pino';

export const logger = pino({ name: 'agent-buildkit', level: process.env.LOG_LEVEL ?? 'info' });
