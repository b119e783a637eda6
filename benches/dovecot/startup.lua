-- How long a fresh Lua takes to load the library and to make a client, in milliseconds of CPU time.

local start = os.clock()
local httpbasic = require("httpbasic")
local loaded = os.clock()
httpbasic.client({ url = "https://nextcloud.example.com/remote.php/dav/" })
print((loaded - start) * 1000, (os.clock() - loaded) * 1000)
