"""Webhooks: are deliveries signed the Standard Webhooks way, retried, and safe? Verified with the PyPI library standardwebhooks
(and, if node is there, with npm standardwebhooks). Starts its own receiver on loopback, so the server must be told that loopback
targets are allowed for this test. With --expect-ssrf-block they are not, and only the private addresses are tried, by registration.
  python webhook_audit.py BASE TOKEN [--wait 8] [--retry-wait 20] [--tries 3] [--expect-ssrf-block]"""
import base64, http.server, json, os, subprocess, threading, time
import httpx
from standardwebhooks import Webhook, WebhookVerificationError
from _cli import Score, parse, parser

p = parser(__doc__); p.add_argument("--wait", type=float, default=8); p.add_argument("--retry-wait", type=float, default=20); p.add_argument("--tries", type=int, default=3, help="how many to wait for of the endpoint that fails twice"); p.add_argument("--expect-ssrf-block", action="store_true")
p.add_argument("--create", default="/v1/tickets"); a = parse(p); s = Score(); c = httpx.Client(base_url=a.base, headers=a.auth, timeout=15)
got, plan = [], {}
ev = threading.Condition()


class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *x): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)); key = self.path
        with ev: got.append((key, dict((k.lower(), v) for k, v in self.headers.items()), body, time.time())); ev.notify_all()
        code = plan.get(key, [200]); code = code.pop(0) if len(code) > 1 else code[0]
        if code == "hang": time.sleep(40); code = 200
        self.send_response(code)
        if code in (301, 302, 307, 308): self.send_header("location", f"http://127.0.0.1:{port}/redirected")
        self.send_header("content-length", "0"); self.end_headers()
    do_GET = do_POST
srv = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H); srv.daemon_threads = True; port = srv.server_port; threading.Thread(target=srv.serve_forever, daemon=True).start()
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def reg(path, **k):
    r = c.post("/v1/webhooks", json={"url": f"http://127.0.0.1:{port}{path}", "events": ["ticket.created", "ticket.updated", "reply.created"], "secret": SECRET} | k)
    return r
def fire(): return c.post(a.create, json={"subject": "hook é😀", "content": "c", "requester_email": "a@example.com"}).json()["data"]["id"]
def wait(path, n, t):
    end = time.time() + t
    with ev:
        while len([g for g in got if g[0] == path]) < n and time.time() < end: ev.wait(max(0.05, end - time.time()))
    return [g for g in got if g[0] == path]


if a.expect_ssrf_block:
    for u in ("http://127.0.0.1:22/", "http://localhost/", "http://0.0.0.0/", "http://[::1]/", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://192.168.1.1/", "http://2130706433/", "http://0x7f000001/", "http://127.1/", "http://[::ffff:127.0.0.1]/", "http://metadata.google.internal/"):
        r = c.post("/v1/webhooks", json={"url": u, "events": ["ticket.created"], "secret": SECRET}); s.ok(f"SSRF target {u} refused", r.status_code == 400, r.status_code)
    r = c.post("/v1/webhooks", json={"url": "https://example.com/", "events": ["ticket.created"], "secret": SECRET}); s.ok("and a public address is not", r.status_code in (200, 201), r.status_code)
    s.ok("still healthy", c.get("/health").status_code == 200); s.end()
r = reg("/ok"); s.ok("POST /v1/webhooks is 201/200", r.status_code in (200, 201), f"{r.status_code} {r.text[:120]}")
if r.status_code not in (200, 201):
    s.skip("everything else", "no webhook could be registered"); s.end()
plan["/fail2"] = [500, 503, 200]; reg("/fail2"); plan["/gone"] = [410]; reg("/gone"); plan["/redir"] = [302]; reg("/redir"); plan["/slow"] = ["hang"]; reg("/slow")
t0 = time.time(); tid = fire(); took = time.time() - t0
s.ok("the API answer does not wait for the deliveries", took < 2, f"{took:.2f} s")
g = wait("/ok", 1, a.wait)
s.ok("a delivery comes", bool(g), f"within {a.wait} s")
if g:
    _, h, body, _ = g[0]; J = None
    s.ok("headers webhook-id, webhook-timestamp, webhook-signature", {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(h), sorted(k for k in h if "hook" in k or "sign" in k))
    def ver():
        global J; J = Webhook(SECRET).verify(body, h); return True
    s.run("PyPI standardwebhooks verifies it", ver)
    def bad(**k):
        b = k.pop("body", body)
        try: Webhook(SECRET).verify(b, h | k); return "accepted"
        except WebhookVerificationError: return True
    s.run("changed body is refused", lambda: bad(body=body.replace(b"hook", b"hack")))
    s.run("another id is refused", lambda: bad(**{"webhook-id": "msg_x"}))
    s.run("old timestamp is refused", lambda: bad(**{"webhook-timestamp": str(int(time.time()) - 3600)}))
    here = os.path.dirname(os.path.abspath(__file__))
    js = "import {Webhook} from 'standardwebhooks'; let t='';for await(const x of process.stdin)t+=x; const {s,b,h}=JSON.parse(t); new Webhook(s).verify(b,h); console.log('ok')"
    def node():
        q = subprocess.run(["node", "--input-type=module", "-e", js], input=json.dumps({"s": SECRET, "b": body.decode(), "h": h}), capture_output=True, text=True, cwd=here, timeout=20); return q.stdout.strip() == "ok" or q.stderr[-160:]
    s.run("npm standardwebhooks verifies it", node)
    def shape():
        j = json.loads(body); return j.get("type") == "ticket.created" and "timestamp" in j and "data" in j or f"keys {list(j)} type {j.get('type')}"
    s.run("payload has type, timestamp, data (Standard Webhooks shape)", shape)
    s.run("content-type is application/json", lambda: h.get("content-type", "").startswith("application/json"))
    s.run("the secret is nowhere in the delivery", lambda: SECRET.encode() not in body and all(SECRET not in v for v in h.values()))
    g2 = wait("/fail2", a.tries, a.retry_wait)
    s.ok(f"500 and 503 are tried again ({a.tries} tries seen)", len(g2) >= a.tries, f"{len(g2)} tries")
    if len(g2) >= 2:
        s.ok("a retry has the same webhook-id", len({x[1].get("webhook-id") for x in g2}) == 1)
        s.ok("a retry is signed and verifies now", (lambda: (Webhook(SECRET).verify(g2[-1][2], g2[-1][1]), True)[1])())
        gaps = [round(y[3] - x[3], 2) for x, y in zip(g2, g2[1:])]; s.ok("retries back off", len(gaps) < 2 or gaps[1] >= gaps[0] * 0.8, gaps)
    s.ok("a redirect is not followed", not wait("/redirected", 1, 1))
    n = len([x for x in got if x[0] == "/ok"]); c.put(f"{a.create}/{tid}", json={"status": "pending"}); g3 = wait("/ok", n + 1, a.wait)
    s.ok("an update sends ticket.updated", len(g3) > n and json.loads(g3[-1][2]).get("type") == "ticket.updated", g3 and json.loads(g3[-1][2]).get("type"))
    ids = [x[1].get("webhook-id") for x in g3]; s.ok("webhook-id differs between events", len(set(ids)) == len(ids) or len(set(ids)) >= 2)
    ng = len([x for x in got if x[0] == "/gone"]); fire(); time.sleep(3)
    s.ok("410 Gone switches the endpoint off", len([x for x in got if x[0] == "/gone"]) == ng and ng >= 1, f"{ng} -> {len([x for x in got if x[0] == '/gone'])}")
    s.ok("a hanging endpoint does not hold the others up", len(wait("/ok", n + 2, a.wait)) >= n + 2)
L = c.get("/v1/webhooks"); s.ok("GET /v1/webhooks masks secrets", L.status_code == 200 and SECRET not in L.text and "MDEyMzQ1" not in L.text, L.text[:100])
for n, u in {"file": "file:///etc/passwd", "gopher": "gopher://127.0.0.1:70/", "no scheme": "127.0.0.1", "javascript": "javascript:alert(1)", "userinfo": "http://a@b:c@example.com/", "empty": "", "ftp": "ftp://example.com/"}.items():
    r = c.post("/v1/webhooks", json={"url": u, "events": ["ticket.created"], "secret": SECRET}); s.ok(f"url {n} refused with 400", r.status_code == 400, r.status_code)
for n, k in {"unknown event": {"events": ["nope"]}, "no events": {"events": []}, "events a string": {"events": "ticket.created"}}.items():
    r = reg("/x", **k); s.ok(f"{n} refused with 400", r.status_code == 400, r.status_code)
s.ok("still healthy", c.get("/health").status_code == 200)
s.end()
