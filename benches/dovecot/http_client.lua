-- A passdb script on Dovecot's own HTTP client, with base64 in Lua: a script without any library.
-- The bench prepends `local url, ca_file, is_2_4`.

local letters, padding = {}, ("="):byte()
for place, byte in ipairs({
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):byte(1, 64)
}) do
    letters[place - 1] = byte
end

local function base64(text)
    local parts = {}
    for place = 1, #text, 3 do
        local a, b, c = text:byte(place, place + 2)
        local bits = a << 16 | (b or 0) << 8 | (c or 0)
        parts[#parts + 1] = string.char(letters[bits >> 18], letters[bits >> 12 & 63],
            b and letters[bits >> 6 & 63] or padding, c and letters[bits & 63] or padding)
    end
    return table.concat(parts)
end

-- Dovecot 2.3 reads the CA from dovecot.conf.
local client = dovecot.http.client(is_2_4
    and { request_timeout = "5s", request_max_attempts = "1", ssl_client_ca_file = ca_file }
    or { request_timeout_msecs = 5000, max_attempts = 1 })

function script_init()
    return 0
end

function auth_passdb_lookup(req)
    local request = client:request({ url = url, method = "PROPFIND" })
    request:add_header("Authorization", "Basic " .. base64(req.user .. ":" .. req.password))
    request:add_header("X-Forwarded-For", req.remote_ip)
    local response = request:submit()
    local status, reason = response:status(), response:reason()
    local said = "PROPFIND " .. url .. ": " .. status .. " " .. reason
    if status == 207 then
        return dovecot.auth.PASSDB_RESULT_OK, { nopassword = "y" }
    elseif status == 401 then
        return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, said
    end
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, said
end
