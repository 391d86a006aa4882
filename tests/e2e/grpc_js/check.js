// Another maker's client (@grpc/grpc-js, HTTP/2 by Node) calls a gate: node check.js HOST:PORT
// Messages are bytes by hand; no generated code is needed for one string and one number.
const assert = require('assert');
const grpc = require('@grpc/grpc-js');

const kHealth = '/grpc.health.v1.Health/';
const kServing = Buffer.from([8, 1]);
const kUnknown = Buffer.from([8, 3]);
const same = (bytes) => bytes;
const request = (name = '') =>
  Buffer.concat(name ? [Buffer.from([10, name.length]), Buffer.from(name)] : []);

function unary(client, path, message, options = {}) {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, message, new grpc.Metadata(), options,
      (error, reply) => resolve(error ? error.code : reply));
  });
}

function watch(client, name, options = {}) {
  return client.makeServerStreamRequest(kHealth + 'Watch', same, same, request(name),
    new grpc.Metadata(), options);
}

/// The messages of a stream until `enough` have come, and the code it ends with.
function drink(stream, enough) {
  return new Promise((resolve) => {
    const messages = [];
    stream.on('data', (message) => {
      if (messages.push(message) === enough) stream.cancel();
    });
    stream.on('error', (error) => resolve([messages, error.code]));
    stream.on('end', () => resolve([messages, grpc.status.OK]));
  });
}

async function main() {
  const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure());
  const gzip = new grpc.Client(process.argv[2], grpc.credentials.createInsecure(),
    { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
  const { status } = grpc;

  assert.deepStrictEqual(await unary(client, kHealth + 'Check', request()), kServing);
  assert.strictEqual(await unary(client, kHealth + 'Check', request('shop.Cart')), status.NOT_FOUND);
  assert.strictEqual(await unary(client, '/shop.Cart/Add', request()), status.UNIMPLEMENTED);
  assert.strictEqual(await unary(client, kHealth + 'Check', Buffer.alloc(1 << 20)),
    status.RESOURCE_EXHAUSTED);
  assert.strictEqual(await unary(gzip, kHealth + 'Check', request('a'.repeat(100))),
    status.UNIMPLEMENTED);

  const [first, cancelled] = await drink(watch(client, ''), 1);
  assert.deepStrictEqual(first, [kServing]);
  assert.strictEqual(cancelled, status.CANCELLED);
  const [unknown, late] = await drink(watch(client, 'shop.Cart', { deadline: Date.now() + 300 }), 2);
  assert.deepStrictEqual(unknown, [kUnknown]);
  assert.strictEqual(late, status.DEADLINE_EXCEEDED);

  const calls = Array.from({ length: 3000 }, () => unary(client, kHealth + 'Check', request()));
  for (const reply of await Promise.all(calls)) assert.deepStrictEqual(reply, kServing);

  client.close();
  gzip.close();
  console.log('all as expected');
}

main().catch((fault) => {
  console.error(fault);
  process.exit(1);
});
