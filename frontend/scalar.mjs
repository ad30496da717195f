// Puts Scalar's browser file into gateway/static. Not a dependency in package.json: that would install 300 packages
// (half a gigabyte) to build what its package already holds built. `npm pack` asks the registry npm is set up for.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = '@scalar/api-reference@1.72.1';
const INTEGRITY = 'sha512-XpEJ0rfc/cXbCrR+iC4kK0o/WwX2dTtGQbT049OlPKAHD6IMIFdTeGz2r+M27P2EDWKyUITRm/NzlP8z2pw/Ow==';
const BROWSER_FILE = 'package/dist/browser/standalone.js';
const TARGET = fileURLToPath(new URL('../gateway/static/scalar.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'scalar-'));
try {
  const archive = download(folder);
  verify(archive);
  execFileSync('tar', ['-xzf', archive, '-C', folder, BROWSER_FILE]);
  writeFileSync(TARGET, readFileSync(join(folder, BROWSER_FILE)));
  console.log(`${PACKAGE} -> gateway/static/scalar.js`);
} finally {
  rmSync(folder, { recursive: true });
}

function download(into) {
  // npm is a script of its own name on Windows, which only a shell finds.
  const shell = process.platform === 'win32';
  const answer = execFileSync('npm', ['pack', PACKAGE, '--json', '--ignore-scripts', '--pack-destination', into], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024, // it lists every file of the package
    shell,
  });
  const packed = JSON.parse(answer);
  return join(into, (Array.isArray(packed) ? packed[0] : Object.values(packed)[0]).filename);
}

function verify(archive) {
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== INTEGRITY) throw new Error(`${PACKAGE} is not the file this project was checked with: ${found}`);
}
