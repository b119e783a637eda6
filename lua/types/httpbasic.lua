---@meta httpbasic

-- Types for editors; nothing loads this file. README.md says the same at length.

---@class httpbasic
---@field _VERSION string The version, such as "0.1.0".
local httpbasic = {}

---What a client is made of. With Dovecot 2.4 every value may also be a string: "5000", "yes", "no".
---@class httpbasic.Options
---@field url string Required. Absolute, https:// or http://, without user name and fragment.
---@field domain? string The mail domain of names on the server that have none.
---@field login_name? "user"|"username" The name that is sent: as given, or without domain. Default: "user".
---@field principal? "user"|"any" Whose password it must be, where the server names somebody. Default: "user".
---@field file_access? "any"|"none" "none" accepts no password that opens files in Nextcloud. Default: "any".
---@field ca_file? string A PEM file of CAs to trust instead of Mozilla's.
---@field timeout_msecs? integer The whole lookup, in milliseconds, 100 to 55000. Default: 5000.
---@field connect_timeout_msecs? integer One connection, in milliseconds, 100 to 55000. Default: 2000.
---@field backoff_msecs? integer How long an unreachable server is not retried, in milliseconds, 0 to 60000. Default: 2000.
---@field method? string Any HTTP method. Default: "PROPFIND".
---@field success_status? integer The status that proves the password, 200 to 399. Default: 207.
---@field failure_status? integer The status that refuses it, 300 to 499. Default: 401.
---@field forwarded_header? string The header for the client's address; "" sends none. Default: "X-Forwarded-For".
---@field allow_cleartext? boolean Whether http:// may leave this machine. Default: false.
---@field user_agent? string Default: "httpbasic/VERSION".
---@field debug? boolean Whether every request and its answer is logged. Default: false.

---Makes a client. It opens no connection, and keeps one from lookup to lookup.
---
---Raises a string that names the option which is unknown, missing, of the wrong type or out of
---range, or whose file cannot be used.
---@param options httpbasic.Options
---@return httpbasic.Client
---@nodiscard
function httpbasic.client(options) end

---@class httpbasic.Client
local client = {}

---"ok": the password is this user's. "refused": it is not, or no server may be asked. "disabled":
---the account is. "throttled": the server answers nobody at this address for a while.
---"unavailable": nothing is known about the password.
---@alias httpbasic.Verdict "ok"|"refused"|"disabled"|"throttled"|"unavailable"

---The hash of the password that was verified, as a Dovecot passdb returns it.
---@class httpbasic.Fields
---@field password string "{SSHA256}…"

---Asks whether the password is right, within timeout_msecs. The detail goes with "ok" straight back to
---Dovecot, and is else a text for the log, without password.
---
---Raises a string for arguments of the wrong type.
---@param user string The login name, in bytes.
---@param password string In bytes.
---@param remote_ip? string The client's address; not sent unless it is an IP address.
---@param session? string Dovecot's session id, for the lines that debug logs.
---@return httpbasic.Verdict verdict
---@return httpbasic.Fields|string detail
function client:verify(user, password, remote_ip, session) end

---An answer, whatever its status.
---@class httpbasic.Response
---@field status integer 200 to 999.
---@field reason? string The status's standard phrase, such as "Multi-Status".
---@field principal? string The path of the principal whose credentials they were.
---@field exception? string The class of the error that Nextcloud reports.
---@field message? string Its message, in the server's language.
---@field elapsed_msecs integer

---Sends the request alone, within timeout_msecs.
---
---The error begins with its kind: "timeout:", "dns:", "connect:", "tls:", "protocol:" or
---"credentials:". Raises a string for arguments of the wrong type.
---@param user string
---@param password string
---@param remote_ip? string
---@param session? string
---@return httpbasic.Response? response
---@return string? error
function client:propfind(user, password, remote_ip, session) end

---An encoder's table: the byte of each value from 0 to 63, and that of the padding at 64.
---@alias httpbasic.Encoder table<integer, integer>

---A decoder's table: the value of each byte.
---@alias httpbasic.Decoder table<integer, integer>

---The functions of lbase64 1.5.3, with the same answers.
---@class httpbasic.Base64
httpbasic.base64 = {}

---Raises a string for arguments of the wrong type, and where a byte that is needed is missing.
---@param str string
---@param encoder? httpbasic.Encoder
---@param usecaching? boolean Accepted, and without effect.
---@return string
---@nodiscard
function httpbasic.base64.encode(str, encoder, usecaching) end

---Raises a string for arguments of the wrong type, and for a text that is not whole.
---@param b64 string
---@param decoder? httpbasic.Decoder
---@param usecaching? boolean Accepted, and without effect.
---@return string
---@nodiscard
function httpbasic.base64.decode(b64, decoder, usecaching) end

---@param s62? string Its first byte is that of the value 62. Default: "+".
---@param s63? string Default: "/".
---@param spad? string The padding. Default: "=".
---@return httpbasic.Encoder
---@nodiscard
function httpbasic.base64.makeencoder(s62, s63, spad) end

---@param s62? string
---@param s63? string
---@param spad? string
---@return httpbasic.Decoder
---@nodiscard
function httpbasic.base64.makedecoder(s62, s63, spad) end

return httpbasic
