-- Sends the requests of a file one after the other, over and over, and prints what came of them as a line of JSON.
--   wrk -s wrk.lua URL -- requests.lua
-- The file returns a list of {method=, path=, headers=, body=}; bench/load.py writes it.

local texts, sent = {}, 0

function init(args)
  for _, each in ipairs(dofile(args[1])) do
    texts[#texts + 1] = wrk.format(each.method, each.path, each.headers, each.body)
  end
end

function request()
  sent = sent % #texts + 1
  return texts[sent]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p95_us": %d, "p99_us": %d, '
      .. '"refused": %d, "failed": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
