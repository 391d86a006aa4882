// Runs the files of write_models with ONNX Runtime and compares. node check.js WRITE_MODELS
// Status 77 (skipped): ONNX Runtime is not installed here (npm ci --ignore-scripts).
const { execFileSync } = require('child_process');
const { mkdtempSync, readFileSync, rmSync } = require('fs');
const { tmpdir } = require('os');
const { join } = require('path');

let ort;
try {
  ort = require('onnxruntime-node');
} catch {
  console.log('ONNX Runtime is missing: npm ci --ignore-scripts in tests/onnx installs it');
  process.exit(77);
}

const kTolerance = 1e-5;

async function difference(folder, name, input, output) {
  const expected = JSON.parse(readFileSync(join(folder, `${name}.json`)));
  const session = await ort.InferenceSession.create(join(folder, `${name}.onnx`));
  const tensor = new ort.Tensor('float32', Float32Array.from(expected.inputs), expected.dims);
  const { data } = (await session.run({ [input]: tensor }))[output];
  if (data.length !== expected.outputs.length) return Infinity;
  return data.reduce((most, v, i) => Math.max(most, Math.abs(v - expected.outputs[i])), 0);
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'tidelimit-onnx-'));
  let failed = 0;
  try {
    execFileSync(process.argv[2], [folder]);
    for (const [name, input, output] of [
      ['baseline', 'sequences', 'forecast'],
      ['best', 'sequences', 'forecast'],
      ['anomaly_plain', 'features', 'score'],
      ['anomaly_best', 'features', 'score'],
    ]) {
      const most = await difference(folder, name, input, output);
      console.log(`${name}: at most ${most} apart`);
      if (!(most <= kTolerance)) failed = 1;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.exitCode = failed;
}

main();
