-- The first login of a worker, unless the first argument is 0.

local count, url, ca_file, user, password = table.unpack(arg)
for _ = 1, count do
    local client = require("httpbasic").client {
        url = url, ca_file = ca_file, timeout_msecs = 55000, connect_timeout_msecs = 55000,
    }
    local verdict, detail = client:verify(user, password, "192.0.2.1", nil)
    assert(verdict == "ok", detail)
end
