// The line protocol of tests/compat/member.py for drivers in JavaScript; Records: what a client pushes, until poll takes it.
import { createInterface } from "node:readline";

export async function serve(driver) {
  console.log = console.error; // what a library prints is no answer
  for await (const line of createInterface({ input: process.stdin })) {
    const q = JSON.parse(line);
    let answer;
    try {
      answer = (await driver[q.do](q)) ?? {};
    } catch (e) {
      answer = { error: `${e.name}: ${e.message} ${(e.errors ?? []).map((x) => x.message).join("; ")}`.slice(0, 600) };
    }
    await new Promise((done) => process.stdout.write(JSON.stringify(answer) + "\n", done));
    if (q.do === "close") break;
  }
  process.exit(0);
}

export class Records {
  // ascending: what is pushed again is dropped. A consumer that restarts by itself begins where it has committed; what is taken may be on its way to be.
  constructor(ascending = false) {
    this.ascending = ascending;
    this.pushed = new Map();
    this.waiting = [];
    this.next = new Map();
    this.wake = () => {};
  }
  put(topic, partition, offset, value) {
    const at = `${topic}\n${partition}`;
    if (this.ascending && Number(offset) < (this.pushed.get(at) ?? 0)) return;
    this.pushed.set(at, Number(offset) + 1);
    this.waiting.push([topic, partition, Number(offset), value.toString()]);
    this.wake();
  }
  async take(count, timeoutMs) {
    const end = Date.now() + timeoutMs;
    while (this.waiting.length < count && Date.now() < end)
      await new Promise((done) => {
        const timer = setTimeout(done, end - Date.now());
        this.wake = () => (clearTimeout(timer), done());
      });
    const records = this.waiting.splice(0, count);
    for (const [topic, partition, offset] of records) this.next.set(`${topic}\n${partition}`, offset + 1);
    return { records };
  }
  taken() {
    return [...this.next].map(([at, offset]) => ({ topic: at.split("\n")[0], partition: Number(at.split("\n")[1]), offset }));
  }
}
