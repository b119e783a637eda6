---@meta httpbasic

-- Type annotations for editors. No program loads this file. docs/lua.md has the details.

---@class httpbasic
---@field _VERSION string The version, such as "0.1.0".
local httpbasic = {}

---The options of a client. Every value may also be a string, as Dovecot 2.4 passes it: "5000", "Yes", "no".
---@class httpbasic.Options
---@field url string Required. The absolute URL to send requests to, https:// or http://, without user name or fragment.
---@field domain? string The mail domains of the logins that are accepted, separated by commas or spaces. The first is that of user names on the server that have none. Default: none, which accepts logins in any domain.
---@field login_name? "user"|"username" The name to send: the login name, or the name without its domain, which needs exactly one domain. Default: "user".
---@field principal? "user"|"any" Whose password is accepted: that of the login's own user, or any user's. Default: "user".
---@field file_access? "any"|"none" "none" refuses passwords that give access to files in Nextcloud. Default: "any".
---@field ca_file? string A PEM file of CAs, or the server's own certificate, to trust instead of Mozilla's CAs.
---@field timeout_msecs? integer The time for the whole lookup, in milliseconds, 100 to 55000. Default: 5000.
---@field connect_timeout_msecs? integer The limit for each step of connecting (name, TCP, TLS), in milliseconds, 100 to 55000. Default: 2000.
---@field backoff_msecs? integer How long an unreachable server is not retried, in milliseconds, 0 to 60000. Default: 2000.
---@field method? string The HTTP method. Default: "PROPFIND".
---@field success_status? integer The HTTP status that means the password is right, 200 to 399. Default: 207.
---@field failure_status? integer|string The HTTP statuses that mean the password is wrong, 300 to 499 except 429: one, or up to 8 in a string, separated by commas. Default: 401.
---@field forwarded_header? string The header that carries the client's address; "" sends none. Default: "X-Forwarded-For".
---@field allow_cleartext? boolean Allows http:// to hosts other than loopback. Default: false.
---@field user_agent? string The User-Agent header, 1 to 1000 characters. Default: "httpbasic/VERSION".
---@field debug? boolean Logs every request and its answer. Default: false.

---Creates a client. This opens no connection. The client keeps one connection open between lookups, so create
---it once and reuse it.
---
---Raises a string that names the option if an option is unknown, missing, of the wrong type or out of range, or
---if its file cannot be used.
---@param options httpbasic.Options
---@return httpbasic.Client
---@nodiscard
function httpbasic.client(options) end

---@class httpbasic.Client
local client = {}

---"ok": the password is right.
---"refused": the password is wrong, is another user's, gives access to files although file_access is "none", or
---cannot be sent to any server; or the login is not in domain.
---"disabled": the account is disabled.
---"throttled": the server rejects all logins from this address for a while.
---"unavailable": the server gave no usable answer, so nothing is known about the password.
---@alias httpbasic.Verdict "ok"|"refused"|"disabled"|"throttled"|"unavailable"

---The connection that a lookup used. "new": it opened one. "kept": it used that of an earlier lookup. "none": it
---sent nothing, or could not open one.
---@alias httpbasic.Connection "new"|"kept"|"none"

---Why the verdict is "unavailable". docs/lua.md explains each.
---@alias httpbasic.Reason "dns"|"connect"|"tls"|"timeout"|"backoff"|"protocol"|"answer"|"system"

---The fields that a Dovecot passdb returns for a successful login.
---@class httpbasic.Fields
---@field password string The salted hash of the verified password: "{SSHA256}…".

---Verifies a login. Returns within timeout_msecs.
---
---The detail of "ok" is a table to return to Dovecot. The detail of any other verdict is a text for the log. It
---never contains the password.
---
---Raises a string if an argument has the wrong type.
---@param user string The login name, as bytes.
---@param password string The password, as bytes.
---@param remote_ip? string The client's address. It is sent only if it is a valid IP address.
---@param session? string Dovecot's session id. It begins each line that the debug option logs.
---@return httpbasic.Verdict verdict
---@return httpbasic.Fields|string detail
---@return httpbasic.Connection connection
---@return httpbasic.Reason? reason Only if the verdict is "unavailable".
function client:verify(user, password, remote_ip, session) end

---An HTTP response with any status.
---@class httpbasic.Response
---@field status integer The HTTP status, 200 to 999.
---@field reason? string The standard phrase for the status, such as "Multi-Status".
---@field principal? string The path of the authenticated user (DAV:current-user-principal, RFC 5397).
---@field exception? string The class of the exception that Nextcloud reports.
---@field message? string The message of that exception, in the server's language, unless it contains the password.
---@field elapsed_msecs integer The time from the start of the lookup to the end of the response, in milliseconds.

---Sends one request and returns the response without evaluating it. Returns within timeout_msecs.
---
---If there is no response, returns nil and an error that begins with its kind: "timeout:", "dns:", "connect:",
---"tls:", "protocol:" or "credentials:".
---
---Raises a string if an argument has the wrong type.
---@param user string The login name, as bytes.
---@param password string The password, as bytes.
---@param remote_ip? string The client's address. It is sent only if it is a valid IP address.
---@param session? string Dovecot's session id. It begins each line that the debug option logs.
---@return httpbasic.Response? response
---@return string? error
function client:propfind(user, password, remote_ip, session) end

---An encoding table: maps each value from 0 to 63 to its byte, and 64 to the padding byte.
---@alias httpbasic.Encoder table<integer, integer>

---A decoding table: maps each byte to its value.
---@alias httpbasic.Decoder table<integer, integer>

---A replacement for lbase64 1.5.3, with the same functions and results.
---@class httpbasic.Base64
httpbasic.base64 = {}

---Encodes a string in base64.
---
---Raises a string if an argument has the wrong type, or if the encoder lacks a byte that the text needs.
---@param str string
---@param encoder? httpbasic.Encoder The alphabet. Default: the standard one (RFC 4648, section 4).
---@param usecaching? boolean Accepted for compatibility; has no effect.
---@return string
---@nodiscard
function httpbasic.base64.encode(str, encoder, usecaching) end

---Decodes a base64 string. Skips characters that are not in the alphabet.
---
---Raises a string if an argument has the wrong type, or if the last group of four characters is incomplete.
---@param b64 string
---@param decoder? httpbasic.Decoder The alphabet. Default: the standard one (RFC 4648, section 4).
---@param usecaching? boolean Accepted for compatibility; has no effect.
---@return string
---@nodiscard
function httpbasic.base64.decode(b64, decoder, usecaching) end

---Creates an encoding table. Only the first byte of each argument counts.
---@param s62? string The character for the value 62. Default: "+".
---@param s63? string The character for the value 63. Default: "/".
---@param spad? string The padding character. Default: "=".
---@return httpbasic.Encoder
---@nodiscard
function httpbasic.base64.makeencoder(s62, s63, spad) end

---Creates a decoding table. Only the first byte of each argument counts.
---@param s62? string The character for the value 62. Default: "+".
---@param s63? string The character for the value 63. Default: "/".
---@param spad? string The padding character. Default: "=".
---@return httpbasic.Decoder
---@nodiscard
function httpbasic.base64.makedecoder(s62, s63, spad) end

return httpbasic
