// Schema lint with nothing of ours: @graphql-eslint (schema-recommended + schema-relay), graphql-schema-linter (Relay rules),
// and graphql-js's own validateSchema. Reads an SDL file, no server needed.
// node lint_schema.mjs schema.graphql [--allow rule,rule] [--max N]      fails on any error not allowed
import { readFileSync, mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path'; import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint'; import gql from '@graphql-eslint/eslint-plugin';
import { buildSchema, validateSchema } from 'graphql';
const here = dirname(fileURLToPath(import.meta.url));
const file = process.argv[2]; const opt = (k, d) => { const i = process.argv.indexOf('--' + k); return i > 0 ? process.argv[i + 1] : d; };
const allow = new Set(opt('allow', '').split(',').filter(Boolean)); let p = 0, f = 0; const max = +opt('max', 12);
const sdl = readFileSync(file, 'utf8');
const say = (ok, n, note = '') => { ok ? p++ : f++; console.log(`${ok ? 'ok  ' : 'FAIL'} ${n}${note ? '  -- ' + note : ''}`); };
let errs = []; try { errs = validateSchema(buildSchema(sdl)); } catch (e) { errs = [e]; }
say(errs.length === 0, 'graphql-js: the SDL builds and validates', errs.map((e) => e.message).slice(0, 3).join(' | '));
const sets = { recommended: gql.configs['flat/schema-recommended'], relay: gql.configs['flat/schema-relay'] };
const dir = mkdtempSync(join(here, '.lint-')); writeFileSync(join(dir, 'schema.graphql'), sdl);
for (const [n, cfg] of Object.entries(sets)) {
  const rules = { ...cfg.rules };
  if (rules['@graphql-eslint/strict-id-in-types']) rules['@graphql-eslint/strict-id-in-types'] = ['error', { exceptions: { suffixes: ['Connection', 'Edge', 'Payload', 'Stats', 'Error'], types: ['PageInfo'] } }];
  const eslint = new ESLint({ cwd: dir, overrideConfigFile: true, overrideConfig: [{ files: ['**/*.graphql'], languageOptions: { parser: gql.parser, parserOptions: { graphQLConfig: { schema: join(dir, 'schema.graphql') } } }, plugins: { '@graphql-eslint': gql }, rules }] });
  const res = await eslint.lintFiles([join(dir, 'schema.graphql')]);
  const by = {}; for (const r of res) for (const m of r.messages) (by[(m.ruleId || 'fatal').replace('@graphql-eslint/', '')] ??= []).push(m);
  for (const r of Object.keys(rules).map((r) => r.replace('@graphql-eslint/', ''))) {
    const ms = by[r] || []; if (allow.has(r)) { console.log(`skip eslint ${n}: ${r} (${ms.length})`); continue; }
    say(ms.length === 0, `eslint ${n}: ${r}`, ms.length ? `${ms.length}: ${ms.slice(0, 3).map((m) => `${m.line}: ${m.message}`).join(' | ').slice(0, 260)}` : '');
  }
  if (by.fatal) say(false, `eslint ${n}: fatal`, by.fatal[0].message);
}
rmSync(dir, { recursive: true, force: true });
const RULES = ['arguments-have-descriptions', 'defined-types-are-used', 'deprecations-have-a-reason', 'descriptions-are-capitalized', 'enum-values-all-caps', 'enum-values-have-descriptions', 'enum-values-sorted-alphabetically', 'fields-are-camel-cased', 'fields-have-descriptions', 'input-object-fields-sorted-alphabetically', 'input-object-values-are-camel-cased', 'input-object-values-have-descriptions', 'interface-fields-sorted-alphabetically', 'relay-connection-types-spec', 'relay-connection-arguments-spec', 'relay-page-info-spec', 'type-fields-sorted-alphabetically', 'types-are-capitalized', 'types-have-descriptions'].filter((r) => !/sorted-alphabetically/.test(r));
let out = '[]'; try { out = execFileSync(process.execPath, [join(here, 'node_modules/graphql-schema-linter/lib/cli.js'), '--format', 'json', '--rules', RULES.join(','), file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }); } catch (e) { out = e.stdout || '{}'; if (!out) say(false, 'graphql-schema-linter runs', e.stderr); }
const j = JSON.parse(out || '{}'), by = {}; for (const e of j.errors || []) (by[e.rule] ??= []).push(e);
for (const r of RULES) { const ms = by[r] || []; if (allow.has(r)) { console.log(`skip linter: ${r} (${ms.length})`); continue; } say(ms.length === 0, `linter: ${r}`, ms.length ? `${ms.length}: ${ms.slice(0, 2).map((m) => `${m.location.line}: ${m.message}`).join(' | ').slice(0, 200)}` : ''); }
for (const e of (j.errors || []).filter((e) => !RULES.includes(e.rule)).slice(0, 5)) say(false, `linter: ${e.rule}`, e.message);
console.log(`${p} passed, ${f} failed`); process.exit(f ? 1 : 0);
