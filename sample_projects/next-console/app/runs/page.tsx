import { readFile } from "node:fs/promises";
import path from "node:path";

export const dynamic = "force-dynamic"; // made anew for each request

export default async function Runs() {
  const runs: string[] = JSON.parse(await readFile(path.join(process.cwd(), "public/runs.json"), "utf8"));
  return (
    <ul>
      {runs.map((run) => (
        <li key={run}>{run}</li>
      ))}
    </ul>
  );
}
