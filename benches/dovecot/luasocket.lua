-- A passdb script on luasocket and luasec, which open a new connection for each request.
-- Most of its time is spent on a delayed TCP acknowledgement: 40 ms for each new connection.
-- The bench prepends `local url, ca_file`.

local https = require("ssl.https")
local mime = require("mime")

https.TIMEOUT = 5

function script_init()
    return 0
end

function auth_passdb_lookup(req)
    local _, status = https.request({
        url = url,
        method = "PROPFIND",
        headers = {
            ["Authorization"] = "Basic " .. mime.b64(req.user .. ":" .. req.password),
            ["X-Forwarded-For"] = req.remote_ip,
        },
        cafile = ca_file,
        verify = "peer",
    })
    if status == 207 then
        return dovecot.auth.PASSDB_RESULT_OK, { nopassword = "y" }
    elseif status == 401 then
        return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, "refused"
    end
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, tostring(status)
end
