-- Takes the place of lbase64's base64.lua: the same functions, from the httpbasic.so beside this file.

local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local open = assert(package.loadlib(folder .. "httpbasic.so", "luaopen_httpbasic_base64"))

return open("httpbasic.base64")
