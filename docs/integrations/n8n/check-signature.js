// Code node of n8n: refuse what Sequence Executor has not signed (Standard Webhooks), pass on the event.
const crypto = require('crypto');

const headers = $input.first().json.headers;
const raw = await this.helpers.getBinaryDataBuffer(0, 'data');
const id = headers['webhook-id'] ?? '';
const time = headers['webhook-timestamp'] ?? '';
if (!(Math.abs(Date.now() / 1000 - Number(time)) < 300)) {
  throw new Error('The webhook is older than five minutes, or has no time.');
}
const key = Buffer.from($env.SEQUENCE_EXECUTOR_SECRET.replace(/^whsec_/, ''), 'base64');
const expected = crypto.createHmac('sha256', key).update(`${id}.${time}.`).update(raw).digest();
// while a secret is rotated there are two signatures
const isOurs = (headers['webhook-signature'] ?? '').split(' ').some((each) => {
  const [version, value] = each.split(',');
  const given = Buffer.from(value ?? '', 'base64');
  return version === 'v1' && given.length === expected.length && crypto.timingSafeEqual(given, expected);
});
if (!isOurs) {
  throw new Error('The signature is not that of the subscription.');
}
return [{ json: JSON.parse(raw.toString('utf8')) }];
