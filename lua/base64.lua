-- A replacement for lbase64's base64.lua. It loads the same functions from the httpbasic.so in its folder.

local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local open = assert(package.loadlib(folder .. "httpbasic.so", "luaopen_httpbasic_base64"))

return open("httpbasic.base64")
