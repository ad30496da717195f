// Takes the addresses out of package-lock.json: npm writes every package's "funding" page there, and the lock files of
// this project hold no address at all (.npmrc leaves those of the registry out). `npm ci` reads nothing of it.

import { readFileSync, writeFileSync } from 'node:fs';

const file = 'package-lock.json'; // of the folder that npm runs in
const lock = JSON.parse(readFileSync(file, 'utf8'));
for (const entry of Object.values(lock.packages)) {
  delete entry.funding;
  delete entry.deprecated;
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
