import Link from "next/link";

export default function Page() {
  return (
    <main>
      <h1>Console</h1>
      <img src="/mark.svg" alt="" width={24} height={24} />
      <Link href="/runs">Runs</Link>
    </main>
  );
}
