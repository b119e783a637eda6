-- Lookups with one client. With `collects`, each is followed by a full garbage collection, as in Dovecot.

local count, url, ca_file, user, password, collects = table.unpack(arg)
local httpbasic = require("httpbasic")
-- Under valgrind, everything takes many times as long.
local client = httpbasic.client {
    url = url, ca_file = ca_file, timeout_msecs = 55000, connect_timeout_msecs = 55000,
}
for _ = 1, count do
    local verdict, detail = client:verify(user, password, "192.0.2.1", nil)
    assert(verdict == "ok", detail)
    verdict, detail = nil, nil
    if collects == "collects" then
        collectgarbage()
    end
end
