#!/bin/bash
# openapi_audit.sh BASE TOKEN [openapi path=/openapi.json] : lints and generators on the served document
#  openapi-spec-validator (PyPI), Spectral (oas ruleset), Redocly lint (recommended), openapi-typescript + tsc, openapi-python-client + import
H=$(cd "$(dirname "$0")" && pwd); B=${1:-http://127.0.0.1:8890}; T=${2:-}; O=${3:-/openapi.json}; PYBIN=${PYBIN:-$(dirname "$(command -v openapi-python-client || echo /usr/bin/x)")}
[ -n "$PYBIN" ] && export PATH="$PYBIN:$PATH"; D=$(mktemp -d "$H/.oa-XXXX"); p=0; f=0; ok(){ if [ "$1" = 0 ]; then p=$((p+1)); echo "ok   $2"; else f=$((f+1)); echo "FAIL $2"; [ -n "$3" ] && tail -${4:-8} "$3" | cut -c1-260; fi; }
curl -sf ${T:+-H "Authorization: Bearer $T"} "$B$O" > "$D/o.json"; ok $? "document served at $O ($(wc -c < "$D/o.json") bytes)"
python3 - "$D/o.json" <<'P'
import json,sys
o=json.load(open(sys.argv[1])); ms=("get","put","post","delete","patch","head","options"); ops=[(p,m,x) for p,i in o["paths"].items() for m,x in i.items() if m in ms]
print(f"# openapi {o['openapi']}, {len(o['paths'])} paths, {len(ops)} operations, {sum(1 for _,_,x in ops if not x.get('description') and not x.get('summary'))} without text, {sum(1 for *_,x in ops if not any(k.startswith(('4','default')) for k in x['responses']))} without a 4xx, security schemes {list(o.get('components',{}).get('securitySchemes',{}))}")
P
if [ -x "$PYBIN/openapi-spec-validator" ]; then "$PYBIN/openapi-spec-validator" "$D/o.json" > "$D/v.log" 2>&1; ok $? "openapi-spec-validator" "$D/v.log"; fi
echo '{"extends":["spectral:oas"]}' > "$D/rules.json"
"$H/node_modules/.bin/spectral" lint -r "$D/rules.json" -f json --quiet -F hint "$D/o.json" > "$D/s2.json" 2> "$D/s.err"; python3 - "$D/s2.json" > "$D/s2.log" <<'P'
import json,sys,collections
t=open(sys.argv[1]).read(); j=json.JSONDecoder().raw_decode(t[t.index("["):])[0] # it says a sentence behind an empty list, --quiet or not; no list at all means that it did not run
c=collections.Counter((("error","warn","info","hint")[x["severity"]],x["code"]) for x in j)
for (s,k),n in sorted(c.items()): print(f"{s:5} {n:4} {k}")
print("errors",sum(n for (s,k),n in c.items() if s=="error"),"warnings",sum(n for (s,k),n in c.items() if s=="warn"))
P
[ "$(tail -1 "$D/s2.log" | awk '{print $2}')" = 0 ]; ok $? "Spectral oas ruleset: no errors" "$D/s2.log" 20; [ "$(tail -1 "$D/s2.log" | awk '{print $4}')" = 0 ]; ok $? "Spectral oas ruleset: no warnings" "$D/s2.log" 20
(cd "$D" && REDOCLY_TELEMETRY=off "$H/node_modules/.bin/redocly" lint --extends=recommended --format=json o.json) > "$D/r.json" 2> "$D/r.err"; python3 - "$D/r.json" > "$D/r.log" <<'P'
import json,sys,collections
t=open(sys.argv[1]).read(); j=json.loads(t[t.index("{"):]) if "{" in t else {"problems":[],"totals":{"errors":"?"}}
for (s,k),n in sorted(collections.Counter((x["severity"],x["ruleId"]) for x in j["problems"]).items()): print(f"{s:5} {n:4} {k}")
print("errors",j["totals"]["errors"],"warnings",j["totals"].get("warnings"))
P
[ "$(tail -1 "$D/r.log" | awk '{print $2}')" = 0 ]; ok $? "Redocly recommended: no errors" "$D/r.log" 20; [ "$(tail -1 "$D/r.log" | awk '{print $4}')" = 0 ]; ok $? "Redocly recommended: no warnings" "$D/r.log" 20
"$H/node_modules/.bin/openapi-typescript" "$D/o.json" -o "$D/api.ts" > "$D/t.log" 2>&1; ok $? "openapi-typescript" "$D/t.log"; (cd "$D" && "$H/node_modules/.bin/tsc" --noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler api.ts) > "$D/tsc.log" 2>&1; ok $? "tsc --strict takes it" "$D/tsc.log"
if [ -x "$PYBIN/openapi-python-client" ]; then (cd "$D" && "$PYBIN/openapi-python-client" generate --path o.json --meta none --output-path oc --fail-on-warning) > "$D/p.log" 2>&1; ok $? "openapi-python-client, no warnings" "$D/p.log" 14
 (cd "$D" && "$PYBIN/python" -c "
import pkgutil, importlib, oc
n=0
for m in pkgutil.walk_packages(oc.__path__, 'oc.'): importlib.import_module(m.name); n+=1
print(n)") > "$D/i.log" 2>&1; ok $? "every module of the Python client imports ($(tail -1 "$D/i.log"))" "$D/i.log"; fi
[ -n "$KEEP" ] || rm -rf "$D"; echo "$p passed, $f failed"; [ $f = 0 ]
