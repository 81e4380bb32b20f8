// Enroll contacts of a CRM in a sequence and say why nothing has left yet: npx tsx enroll.ts "Warm intro" me@acme.example ada@example.com …
//
// Needs the client that `make client` builds in build/typescript, and the environment variables SEQUENCE_EXECUTOR_URL
// (such as http://localhost:8000) and SEQUENCE_EXECUTOR_TOKEN (an API key).

import { contactsCreate, contactsList, sequenceEnrollmentsCreate, sequenceEnrollmentsWhy } from "./client";
import { client } from "./client/client.gen";
import type { EnrollAnswer, Problem } from "./client";

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** The answer, or the one line of the problem. */
function expect<Data>(answer: { data?: Data; error?: unknown }): Data {
  if (answer.data !== undefined) return answer.data;
  const problem = answer.error as Partial<Problem>;
  return fail(problem.detail ? `${problem.status} ${problem.code}: ${problem.detail}` : String(answer.error));
}

async function main(sequence: string, mailbox: string, emails: string[]): Promise<void> {
  client.setConfig({
    baseUrl: process.env.SEQUENCE_EXECUTOR_URL,
    headers: { Authorization: `Token ${process.env.SEQUENCE_EXECUTOR_TOKEN}` },
  });
  for (const email of emails) {
    const known = expect(await contactsList({ query: { email } })).results;
    if (known.length === 0) expect(await contactsCreate({ body: { email } }));
  }

  // The same key answers the same once more: a script that is run again after a crash enrolls no contact twice.
  const key = `enroll ${sequence} ${[...emails].sort().join(" ")}`.slice(0, 255);
  const body = { sequence, mailbox, emails };
  const call = sequenceEnrollmentsCreate({ body, headers: { "Idempotency-Key": key } });
  const answer = expect(await call) as EnrollAnswer;
  for (const skipped of answer.skipped) console.log(`${skipped.contact}: skipped, ${skipped.reason}`);
  for (const id of answer.enrolled) {
    const { why } = expect(await sequenceEnrollmentsWhy({ path: { id } }));
    const holds = why.map((hold) => hold.detail).join("; ") || "runs in the next cycle";
    console.log(`enrollment ${id}: ${holds}`);
  }
}

const [sequence, mailbox, ...emails] = process.argv.slice(2);
if (sequence === undefined || mailbox === undefined) fail("Name a sequence, a mailbox and addresses.");
await main(sequence, mailbox, emails);
