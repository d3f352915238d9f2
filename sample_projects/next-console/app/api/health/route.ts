export const dynamic = "force-dynamic";

export function GET() {
  return Response.json({ status: "ok", node: process.versions.node.split(".")[0] });
}
