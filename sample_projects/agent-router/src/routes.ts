export interface Task {
  kind: string;
  priority?: number;
}

const AGENTS: Record<string, string> = { build: 'agent-buildkit', chat: 'agent-chat', ops: 'agent-ops' };

/** The agent that takes a task, or undefined when nobody does. */
export function route(task: Task): string | undefined {
  return AGENTS[task.kind];
}
